#!/bin/sh
# Finds what the step before left.
set -eu
grep -q container note.txt
printf 'found: %s\n' "$(cat note.txt)"
