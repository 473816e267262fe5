#!/bin/sh
# SPDX-License-Identifier: MIT
# A raw disk image with one EFI system partition, for a USB stick or an emulator's disk:
#   tools/mkimage.sh OUT.img reveille.efi reveille.cfg [NAME=FILE...]
# The files that the configuration names (kernel, initrd) are looked for beside it, or come from the
# FILE of their NAME. One that isn't there is left out with a line on stderr: the loader will say so
# too. Needs mtools; no root. The partition table is an MBR with a partition of type EFh, which
# firmware takes from any disk (UEFI 2.10, "Legacy Master Boot Record").
set -eu

if [ $# -lt 3 ]; then
	echo "usage: $0 OUT.img reveille.efi reveille.cfg [NAME=FILE...]" >&2
	exit 2
fi
for tool in mformat mmd mcopy truncate; do
	command -v "$tool" >/dev/null || {
		echo "$0: $tool is missing (Debian packages mtools, coreutils)" >&2
		exit 1
	}
done
out=$1 efi=$2 config=$3
shift 3
tools=$(dirname "$0")
nl='
'

# Lines "NAME=FILE" of all that the configuration names. A bad configuration names nothing.
files=
for name in $("$tools/reveille-cfg" files "$config" 2>/dev/null || true); do
	file=$(dirname "$config")/$name
	for given in "$@"; do
		[ "${given%%=*}" != "$name" ] || file=${given#*=}
	done
	if [ -f "$file" ]; then
		files="$files$name=$file$nl"
	else
		echo "$0: $config names '$name', but there is no $file" >&2
	fi
done

start=2048 # sectors: the partition begins at 1 MiB
# 16 MiB beyond what the files take, and FAT32 wants 65525 clusters.
bytes=$(cat "$efi" "$config" | wc -c)
while IFS= read -r line; do
	[ -z "$line" ] || bytes=$((bytes + $(wc -c < "${line#*=}")))
done <<EOF
$files
EOF
mib=$((bytes / 1048576 + 16))
[ "$mib" -ge 48 ] || mib=48
sectors=$((mib * 2048))

# Little-endian, as printf escapes.
le32() {
	printf '\\%03o\\%03o\\%03o\\%03o' \
		$(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255))
}

tmp=$out.tmp
rm -f "$tmp"
truncate -s $(((start + sectors) * 512)) "$tmp"
# A disk signature, by which firmware tells disks apart: any but 0.
printf 'RVLL' | dd of="$tmp" bs=1 seek=440 conv=notrunc status=none
# Entry 1: not active, no CHS addresses, type EFh, first sector, sectors.
printf '\000\376\377\377\357\376\377\377%b%b' "$(le32 $start)" "$(le32 $sectors)" |
	dd of="$tmp" bs=1 seek=446 conv=notrunc status=none
printf '\125\252' | dd of="$tmp" bs=1 seek=510 conv=notrunc status=none

volume="$tmp@@1M"
mformat -i "$volume" -F -c 1 -T "$sectors" -h 255 -s 63 -H "$start" -v REVEILLE ::
mmd -i "$volume" ::/EFI ::/EFI/BOOT ::/reveille
mcopy -i "$volume" "$efi" ::/EFI/BOOT/BOOTX64.EFI
mcopy -i "$volume" "$config" ::/reveille/reveille.cfg
while IFS= read -r line; do
	[ -n "$line" ] || continue
	to=/reveille
	# Each folder of the name, where it isn't there yet.
	rest=${line%%=*}
	while [ "$rest" != "${rest#*/}" ]; do
		to=$to/${rest%%/*} rest=${rest#*/}
		mmd -i "$volume" -D s "::$to" </dev/null >/dev/null 2>&1 || true
	done
	mcopy -i "$volume" "${line#*=}" "::$to/$rest" </dev/null
done <<EOF
$files
EOF
mv "$tmp" "$out"
