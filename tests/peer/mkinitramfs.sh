#!/bin/sh
# SPDX-License-Identifier: MIT
# A Linux kernel and an initramfs with KVM and VFIO, from Debian's packages, unpacked into a cache
# and installed nowhere. Prints two lines: the kernel, the initramfs (uncompressed, so that it can
# be followed by another one with what changes from run to run).
#   mkinitramfs.sh            the release's own kernel (what linux-image-amd64 depends on)
#   mkinitramfs.sh backports  that of Debian's backports
#   mkinitramfs.sh newest     that of the backports of today's stable release
set -eu

cache=${XDG_CACHE_HOME:-$HOME/.cache}/reveille/peer
# What a run needs is the name of a set (init).
set_kvm="kvm kvm-amd vfio-pci vfio_iommu_type1"
set_plain="igb nvme ahci sd_mod virtio_pci virtio_blk virtio_net e1000e e1000 8139cp"
set_other="igbvf" # for others who take modules from here (tests/linux/guest.py)

die() {
	echo "mkinitramfs: $*" >&2
	exit 1
}

# Path of a module, decompressed where need be; a dash and an underscore are the same.
module_path() { # name
	find "$tmp/kernel" -name "$(echo "$1" | sed 's/[-_]/[-_]/g').ko*" | head -n 1
}

# A module to the list of a set and, before it, what it depends on; each once.
add_module() { # set name
	list=$root/mod/$1
	set -- "$2"
	name=$(echo "$1" | tr - _)
	if grep -qsx "$name" "$list"; then
		return 0
	fi
	file=$(module_path "$1")
	if [ -z "$file" ] && grep -qs "/$(echo "$1" | sed 's/[-_]/[-_]/g')\.ko$" \
		"$tmp"/kernel/lib/modules/*/modules.builtin "$tmp"/kernel/usr/lib/modules/*/modules.builtin; then
		return 0 # not a module there, but a part of the kernel
	fi
	[ -n "$file" ] || die "$package has no module $1"
	case $file in
	*.xz) xz -dc "$file" >"$root/mod/$name.ko" ;;
	*) cp "$file" "$root/mod/$name.ko" ;;
	esac
	for other in $(tr '\0' '\n' <"$root/mod/$name.ko" | sed -n 's/^depends=//p' | tr ',' ' '); do
		(add_module "${list##*/}" "$other") || exit 1
	done
	echo "$name" >>"$list"
}

here=$(cd "$(dirname "$0")" && pwd)
debs=$here/../../tools/debs.sh
kernel=$("$debs" "${1:-release}" kernel)
busybox=$("$debs" release busybox-static)
image=$(echo "$kernel" | head -n 1) # and perhaps the packages with what is in it
package=$(basename "$image" | cut -d_ -f1)
key=$package-$(basename "$image" | cut -d_ -f2)-$(cat "$0" "$here/init" | sha256sum | cut -c1-12)
done=$cache/$key
if [ ! -e "$done/initramfs" ]; then
	mkdir -p "$cache"
	tmp=$(mktemp -d "$cache/tmp.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	root=$tmp/root
	mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/mod"
	for deb in $kernel; do
		dpkg -x "$deb" "$tmp/kernel"
	done
	dpkg -x "$busybox" "$tmp/busybox"
	cp "$tmp/busybox/bin/busybox" "$root/bin/busybox"
	cp "$here/init" "$root/init"
	chmod 755 "$root/init"
	for m in $set_kvm; do
		(add_module kvm "$m") || exit 1
	done
	for m in $set_plain; do
		(add_module plain "$m") || exit 1
	done
	for m in $set_other; do
		(add_module other "$m") || exit 1
	done
	mkdir "$tmp/done"
	cp "$(find "$tmp/kernel" -name 'vmlinuz*' -type f | head -n 1)" "$tmp/done/vmlinuz"
	(cd "$root" && find . | sort | cpio --quiet -o -H newc -R 0:0) >"$tmp/done/initramfs"
	mv -T "$tmp/done" "$done" 2>/dev/null || [ -e "$done/initramfs" ]
fi
echo "$done/vmlinuz"
echo "$done/initramfs"
