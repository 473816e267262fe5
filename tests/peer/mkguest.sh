#!/bin/sh
# SPDX-License-Identifier: MIT
# The initramfs of the guest in linux_guest.py: busybox from Debian's package, l2/init, l2/mark.c.
#   mkguest.sh FILE
set -eu
here=$(cd "$(dirname "$0")" && pwd)
busybox=$("$here/../../tools/debs.sh" release busybox-static)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/g/bin" "$root/g/dev" "$root/g/proc" "$root/g/sys"
dpkg -x "$busybox" "$root/busybox"
cp "$root/busybox/bin/busybox" "$root/g/bin/busybox" 2>/dev/null ||
	cp "$root/busybox/usr/bin/busybox" "$root/g/bin/busybox"
cp "$here/l2/init" "$root/g/init"
chmod 755 "$root/g/init"
gcc -std=gnu11 -O2 -Wall -Wextra -Werror -static -s -iquote "$here/../../vmm" \
	-o "$root/g/bin/mark" "$here/l2/mark.c"
(cd "$root/g" && find . | sort | cpio --quiet -o -H newc -R 0:0) >"$1"
