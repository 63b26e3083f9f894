#!/usr/bin/env bash
# Greets. By hand: ARG_NAME=alice bash scripts/demo/000_main.sh
set -euo pipefail
declare -F voice >/dev/null || source "$(dirname "${BASH_SOURCE[0]}")/config.d/libs/voice.sh"

greeting="${GREETING:-Hello}, ${ARG_NAME:?is needed}${MARK:-!}"
[[ "${ARG_TONE:-plain}" == plain ]] || greeting+=" How are you?"
for ((i = 0; i < ${ARG_TIMES:-1}; i++)); do
  voice "$greeting"
done
[[ -z "${ARG_LETTER:-}" ]] || voice "$greeting" >"$ARG_LETTER"
