#!/usr/bin/env bash
# Counts the numbers.
set -euo pipefail
wc -l <numbers.txt >count.txt
