#!/bin/sh
# Installs the packages of tools/packages.txt that are missing: tools/setup.sh SECTION... (build, run, test).
# As root or with password-less sudo it installs; otherwise it prints the one command that does, and fails.
set -eu
list=$(dirname "$0")/packages.txt
[ $# -gt 0 ] || { echo "usage: tools/setup.sh build|run|test..." >&2; exit 2; }

wanted() {
  for section in "$@"; do
    awk -v want="[$section]" '
      /^\[/ { in_it = ($1 == want); found = found || in_it; next }
      in_it && $1 !~ /^#/ && NF { print $1 }
      END { exit !found }' "$list" || { echo "tools/setup.sh: no section [$section] in $list" >&2; exit 2; }
  done
}

names=$(wanted "$@")
missing=
for name in $names; do
  dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $name"
done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then
  sudo=
elif sudo -n true 2>/dev/null; then
  sudo="sudo -n"
else
  printf 'Packages are missing. Install them with:\n\n  sudo apt-get update && sudo %s\n\n' "$install" >&2
  exit 1
fi
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# Fresh machines have no package lists; stale ones name files that are gone.
$sudo apt-get update -q </dev/null >/dev/null
$sudo env DEBIAN_FRONTEND=noninteractive $install </dev/null
