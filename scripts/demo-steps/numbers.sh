#!/usr/bin/env bash
# Writes one number a line into the run folder, where every step starts.
set -euo pipefail
upto="${ARG_UPTO:-100}"
: >numbers.txt
for ((i = 1; i <= upto; i++)); do
  printf '%d\n' "$i" >>numbers.txt
  ((i % 25)) || printf '::progress %d/%d numbers\n' "$i" "$upto"
done
