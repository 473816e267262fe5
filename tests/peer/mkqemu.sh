#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian's QEMU with the libraries and the firmware that it needs, from the release's packages, as a
# cpio archive to follow an initramfs; cached, installed nowhere. Prints its path. In it:
#   /qemu/run ARGUMENTS...   qemu-system-x86_64
set -eu
cache=${XDG_CACHE_HOME:-$HOME/.cache}/reveille/peer
here=$(cd "$(dirname "$0")" && pwd)
debs=$("$here/../../tools/debs.sh" release --closure qemu-system-x86)
key=$( (cat "$0"; echo "$debs") | sha256sum | cut -c1-12)
done=$cache/qemu-$(echo "$debs" | sed -n 's/.*\/qemu-system-x86_\(.*\)_.*/\1/p')-$key.cpio
if [ ! -e "$done" ]; then
	mkdir -p "$cache"
	tmp=$(mktemp -d "$cache/tmp.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	for d in $debs; do
		dpkg -x "$d" "$tmp/all"
	done
	out=$tmp/root/qemu
	mkdir -p "$out/lib" "$out/share"
	cp "$tmp/all/usr/bin/qemu-system-x86_64" "$out/qemu"
	lib=
	for d in lib usr/lib; do
		lib=$lib:$tmp/all/$d/x86_64-linux-gnu:$tmp/all/$d/x86_64-linux-gnu/pulseaudio
	done
	ld=$(find "$tmp/all" -name 'ld-linux-x86-64.so.2' -type f | head -n 1)
	cp "$ld" "$out/lib/ld.so"
	needed=$("$ld" --library-path "${lib#:}" --list "$out/qemu") || {
		echo "mkqemu: a library is missing: $needed" >&2
		exit 1
	}
	for f in $(echo "$needed" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p'); do
		case $f in "$tmp"/*) cp -L "$f" "$out/lib/" ;; esac
	done
	cp -L "$tmp/all/usr/share/seabios/bios-256k.bin" "$out/share/"
	for f in linuxboot_dma.bin kvmvapic.bin; do
		cp -L "$(find "$tmp/all/usr/share" -name "$f" | head -n 1)" "$out/share/"
	done
	cat >"$out/run" <<-EOF
		#!/bin/busybox sh
		exec /qemu/lib/ld.so --library-path /qemu/lib /qemu/qemu -L /qemu/share "\$@"
	EOF
	chmod 755 "$out/run" "$out/lib/ld.so"
	(cd "$tmp/root" && find . | sort | cpio --quiet -o -H newc -R 0:0) >"$tmp/cpio"
	mv "$tmp/cpio" "$done"
fi
echo "$done"
