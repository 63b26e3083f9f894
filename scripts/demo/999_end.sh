#!/usr/bin/env bash
# Runs last.
set -euo pipefail
printf 'bye\n'
