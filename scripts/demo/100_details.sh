#!/usr/bin/env bash
# Tells what else came: the array `tags`, the map `meta`, and a secret, of which only the length.
set -euo pipefail

for tag in ${tags[@]+"${tags[@]}"}; do
  printf 'tag %s\n' "$tag"
done
for key in ${meta[@]+"${!meta[@]}"}; do
  printf '%s is %s\n' "$key" "${meta[$key]}"
done
secret="${FLWD_RUN_DIR:-.}/secrets/secret_token"
if [[ -r "$secret" ]]; then
  printf 'a token of %d bytes\n' "$(wc -c <"$secret")"
fi
