#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian's QEMU with the libraries and the firmware that it needs, from the release's packages, as a
# cpio archive to follow an initramfs; cached, installed nowhere. Prints its path. In it:
#   /qemu/run ARGUMENTS...   qemu-system-x86_64
set -eu
cache=${XDG_CACHE_HOME:-$HOME/.cache}/reveille/peer
here=$(cd "$(dirname "$0")" && pwd)
debs=$("$here/../../tools/debs.sh" release --closure qemu-system-x86)
key=$( (cat "$0" "$here/../linux/bundle.sh"; echo "$debs") | sha256sum | cut -c1-12)
done=$cache/qemu-$(echo "$debs" | sed -n 's/.*\/qemu-system-x86_\(.*\)_.*/\1/p')-$key.cpio
if [ ! -e "$done" ]; then
	mkdir -p "$cache"
	tmp=$(mktemp -d "$cache/tmp.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	out=$tmp/root/qemu
	"$here/../linux/bundle.sh" "$tmp/all" "$out" qemu-system-x86 usr/bin/qemu-system-x86_64
	mkdir -p "$out/share"
	cp -L "$tmp/all/usr/share/seabios/bios-256k.bin" "$out/share/"
	for f in linuxboot_dma.bin kvmvapic.bin; do
		cp -L "$(find "$tmp/all/usr/share" -name "$f" | head -n 1)" "$out/share/"
	done
	cat >"$out/run" <<-EOF
		#!/bin/busybox sh
		exec /qemu/lib/ld.so --library-path /qemu/lib /qemu/program -L /qemu/share "\$@"
	EOF
	chmod 755 "$out/run"
	(cd "$tmp/root" && find . | sort | cpio --quiet -o -H newc -R 0:0) >"$tmp/cpio"
	mv "$tmp/cpio" "$done"
fi
echo "$done"
