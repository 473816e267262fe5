#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds the emulator: QEMU of Debian's source package with the files of model/ and
# qemu/ and the hooks of qemu/hooks/. Everything lives in a cache outside the tree:
#
#   source/<version>/    pristine QEMU source (fetch.sh)
#   work/<version>/      src: source with our changes (hard links), build: objects
#   builds/<key>/        finished emulators; the key hashes the source version and our files
#
# Last line on stdout: the path of qemu-system-x86_64. Progress goes to stderr.
#   QEMU_TARBALL=FILE      build from this tarball instead of Debian's source package
#   EMULATOR_WORK=NAME     an object tree of one's own (two developers, one machine)
#   EMULATOR_OMIT=GLOBS    leave out files that someone is half-way through (hooks.py)
#   EMULATOR_JOBS=N        jobs at once (default: all CPUs)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/reveille/emulator
python=/usr/bin/python3
keep_builds=32

say() {
	echo "emulator: $*" >&2
}

die() {
	say "$*"
	exit 1
}

finish() { # key
	touch "$cache/builds/$1"
	echo "$cache/builds/$1/qemu-system-x86_64"
	exit 0
}

# Without a source there is nothing to compute a key from, so the first run fetches.
current_source() {
	if [ -n "${QEMU_TARBALL:-}" ]; then
		sum=$(sha256sum <"$QEMU_TARBALL" | cut -c1-12)
		ls -d "$cache/source/"*-tarball-"$sum" 2>/dev/null | head -n 1
	else
		for d in "$cache/source/"*; do
			case $d in *-tarball-* | *.tmp) continue ;; esac
			[ -e "$d/VERSION" ] && echo "$d"
		done | sort -V | tail -n 1
	fi
}

mkdir -p "$cache/source" "$cache/work" "$cache/builds"
source=$(current_source)
if [ -n "$source" ]; then
	key=$("$python" "$here/hooks.py" key "$source")
	[ -x "$cache/builds/$key/qemu-system-x86_64" ] && finish "$key"
fi

work_name=${EMULATOR_WORK:-main}
exec 9>"$cache/lock.$work_name"
if ! flock -n 9; then
	say "another build is running, waiting for it"
	flock 9
fi

for tool in gcc ninja pkg-config apt-get; do
	command -v "$tool" >/dev/null || die "$tool is missing: see tools/packages.txt"
done
for lib in glib-2.0 pixman-1 slirp zlib; do
	pkg-config --exists "$lib" || die "the development files of $lib are missing:" \
		"see tools/packages.txt"
done

(
	flock 8
	if [ -z "$(current_source)" ]; then
		"$here/fetch.sh" source "$cache"
	fi
	# QEMU 10 wants meson 1.5; Debian 12 has it in backports only.
	if ! [ -d "$cache/meson" ] &&
		! "$python" -c 'import sys, mesonbuild.coredata as c
sys.exit(tuple(map(int, c.version.split(".")[:2])) < (1, 5))' 2>/dev/null; then
		"$here/fetch.sh" meson "$cache"
	fi
) 8>"$cache/lock.fetch"
source=$(current_source)
[ -n "$source" ] || die "no QEMU source"
if [ -d "$cache/meson" ]; then
	export PYTHONPATH="$cache/meson/usr/lib/python3/dist-packages"
	export PATH="$cache/meson/usr/bin:$PATH"
fi

work=$cache/work/$(basename "$source").$work_name
if ! [ -e "$work/src/VERSION" ]; then
	rm -rf "$work"
	mkdir -p "$work"
	cp -al "$source" "$work/src.new"
	mv "$work/src.new" "$work/src"
fi
key=$("$python" "$here/hooks.py" sync "$source" "$work/src")
out=$cache/builds/$key
[ -x "$out/qemu-system-x86_64" ] && finish "$key"

say "building $key from QEMU $(basename "$source")"
log=$work/build.log
options="--target-list=x86_64-softmmu --without-default-features --enable-tcg \
	--enable-pixman --enable-slirp --disable-docs --disable-install-blobs \
	--disable-debug-info --disable-qom-cast-debug --disable-download
	--firmwarepath=share/qemu-firmware:/usr/share/seabios:/usr/share/qemu:/usr/lib/ipxe/qemu"
if [ "$(cat "$work/configured" 2>/dev/null)" != "$options" ]; then
	rm -rf "$work/build" "$work/configured"
	mkdir -p "$work/build"
	say "configuring"
	# shellcheck disable=SC2086 # options are words
	(cd "$work/build" && ../src/configure --python="$python" $options) >"$log" 2>&1 || {
		tail -n 30 "$log" >&2
		die "configure failed, see $log"
	}
	# configure builds the option ROMs only with a 32-bit C library at hand; they use none.
	if ! [ -e "$work/build/pc-bios/optionrom/config.mak" ]; then
		{
			echo "TOPSRC_DIR=$work/src"
			echo "EXTRA_CFLAGS=-m32"
			echo "CC=gcc"
			echo "OBJCOPY=objcopy"
		} >"$work/build/pc-bios/optionrom/config.mak"
	fi
	echo "$options" >"$work/configured"
fi

say "compiling (a first build takes about four minutes on two CPUs)"
{
	ninja -C "$work/build" -j "${EMULATOR_JOBS:-$(nproc)}" qemu-system-x86_64 &&
		make -C "$work/build/pc-bios/optionrom"
} >"$log" 2>&1 || {
	grep -E -A 12 'error:|FAILED|undefined reference' "$log" | head -n 60 >&2
	die "the build failed, see $log"
}
grep -A 3 "hw/i386/reveille.*warning:" "$log" >&2 || :

new=$cache/builds/$key.tmp.$$
rm -rf "$new"
mkdir -p "$new/qemu-bundle/usr/local/share/qemu"
cp "$work/build/qemu-system-x86_64" "$new/"
cp "$work/build/pc-bios/optionrom/"*.bin "$new/qemu-bundle/usr/local/share/qemu/"
cp -r "$source/pc-bios/keymaps" "$new/qemu-bundle/usr/local/share/qemu/"
"$new/qemu-system-x86_64" --version | grep -q "Reveille emulator $key" ||
	die "the binary does not say that it is ours"
rm -rf "$out"
mv "$new" "$out"
ls -dt "$cache/builds/"* | tail -n +$((keep_builds + 1)) | xargs -r rm -rf
say "done: $out"
finish "$key"
