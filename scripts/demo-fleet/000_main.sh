#!/usr/bin/env bash
# Tells how long the machine is up, and how busy it is.
set -euo pipefail
seconds="$(cut -d. -f1 /proc/uptime)"
[[ "${ARG_HOST:-true}" != true ]] || printf '%s: ' "$(uname -n)"
if [[ "${ARG_UNIT:-seconds}" == days ]]; then
  printf 'up %d days, ' "$((seconds / 86400))"
else
  printf 'up %d seconds, ' "$seconds"
fi
printf 'load %s\n' "$(cut -d' ' -f1-3 /proc/loadavg)"
