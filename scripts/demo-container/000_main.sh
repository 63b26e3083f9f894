#!/bin/sh
# Greets, and tells where it runs; executed as it is, so that it needs its execute bit.
set -eu
printf 'Hello, %s!\n' "${ARG_NAME:-world}"
sed -n 's/^PRETTY_NAME="\(.*\)"/this is \1/p' /etc/os-release
if [ -r /run/secrets/secret_token ]; then
  printf 'a token of %d bytes\n' "$(wc -c </run/secrets/secret_token)"
fi
