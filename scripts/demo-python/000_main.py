"""Counts words: all arguments are in FLWD_ARGS_JSON."""
import collections
import json
import os

words = json.loads(os.environ.get("FLWD_ARGS_JSON", "{}")).get("words", ["one", "two", "two"])
for word, count in sorted(collections.Counter(words).items()):
    print(f"{word}: {count}")
