#!/usr/bin/env bash
# Counts its attempts in a file of the run folder.
set -euo pipefail
attempt=$(($(cat attempts 2>/dev/null || echo 0) + 1))
echo "$attempt" >attempts
printf 'attempt %d\n' "$attempt"
((attempt >= 3))
