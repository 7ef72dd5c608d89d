#!/bin/sh
# Installs the npm packages of package-lock.json into the user's cache, once, and prints the folder. Needs node and npm.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=$(cksum < "$here/package-lock.json" | cut -d ' ' -f 1)
folder=${XDG_CACHE_HOME:-$HOME/.cache}/entra-tokens/tests/node-$version
if [ ! -e "$folder/installed" ]; then
  mkdir -p "$folder"
  cp "$here/package.json" "$here/package-lock.json" "$folder"
  (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund) >&2
  touch "$folder/installed"
fi
echo "$folder"
