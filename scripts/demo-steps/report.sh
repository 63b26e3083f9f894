#!/usr/bin/env bash
# Tells the mean, in whole numbers.
set -euo pipefail
sum="$(<sum.txt)" count="$(<count.txt)"
printf 'the mean of %d numbers is %d\n' "$count" "$((sum / count))"
