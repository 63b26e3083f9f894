#!/usr/bin/env bash
# Adds the numbers up.
set -euo pipefail
total=0
while read -r number; do
  total=$((total + number))
done <numbers.txt
printf '%d\n' "$total" >sum.txt
