#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs what is missing of tools/packages.txt. Does nothing, and needs no rights, when all
# of it is there.
set -eu
list=$(dirname "$0")/packages.txt
wanted=$(sed 's/#.*//' "$list")
missing=
for p in $wanted; do
	case $(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null || true) in
	installed) ;;
	*) missing="$missing $p" ;;
	esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
	as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -v; then
	as_root=sudo
else
	echo "setup: missing packages; run as root: apt-get update && apt-get install$missing" >&2
	exit 1
fi
echo "setup: installing$missing" >&2
$as_root apt-get update -qq >&2
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2
