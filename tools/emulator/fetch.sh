#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Brings QEMU's source (Debian's source package of trixie, patches applied) and a
# meson that is new enough into the cache, with an apt configuration of its own: the
# machine's sources, lists and packages stay as they are, and apt checks the
# signatures. Run by build.sh, with the cache locked.
#
#   fetch.sh source CACHE    unpacks to CACHE/source/<version>
#   fetch.sh meson CACHE     unpacks meson from backports to CACHE/meson
#
# QEMU_TARBALL=FILE takes the source from an unpacked-upstream tarball instead.
set -eu

WANTED_QEMU=10.0
what=$1
cache=$2

die() {
	echo "emulator: $*" >&2
	exit 1
}

# The mirror that this machine installs Debian from: the first archive with a "main"
# component that is not the security archive. Reads one-line and deb822 entries.
mirror() {
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		sed -n 's/^deb\(-src\)\{0,1\}[[:space:]]\{1,\}\(\[[^]]*\][[:space:]]*\)\{0,1\}//p' |
		awk '/ main( |$)/ && $1 !~ /security/ && $1 ~ /debian/ { print $1 }'
	for f in /etc/apt/sources.list.d/*.sources; do
		[ -e "$f" ] || continue
		# One paragraph at a time; comments inside a paragraph do not end it.
		grep -v '^#' "$f" | awk 'BEGIN { RS = ""; FS = "\n" }
			{
				uri = ""; main = 0; off = 0
				for (i = 1; i <= NF; i++) {
					line = $i; sub(/^[^:]*:[ \t]*/, "", line)
					if ($i ~ /^URIs:/) { split(line, u, /[ \t]+/); uri = u[1] }
					if ($i ~ /^Components:/ && line ~ /(^| )main( |$)/) main = 1
					if ($i ~ /^Enabled:[ \t]*no/) off = 1
				}
				if (main && !off && uri ~ /debian/ && uri !~ /security/) print uri
			}'
	done
}

# The archive key of trixie must be in the machine's keyring package; apt refuses
# unsigned lists, so an old keyring stops here and not with an unchecked source.
private_apt() {
	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -e "$keyring" ] || keyring=/usr/share/keyrings/debian-archive-keyring.pgp
	[ -e "$keyring" ] || die "no Debian archive keyring: install debian-archive-keyring," \
		"or give QEMU_TARBALL=FILE"
	uri=$(mirror | head -n 1)
	[ -n "$uri" ] || die "no Debian mirror in /etc/apt/sources.list*: give QEMU_TARBALL=FILE"
	apt=$cache/apt
	mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
	. /etc/os-release
	{
		echo "deb-src [signed-by=$keyring] $uri trixie main"
		if [ "${VERSION_CODENAME:-}" = bookworm ]; then
			echo "deb [signed-by=$keyring] $uri bookworm-backports main"
		fi
	} >"$apt/sources.list"
	cat >"$apt/apt.conf" <<-EOF
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear DPkg::Post-Invoke;
		Dir::State "$apt/state";
		Dir::State::status "/var/lib/dpkg/status";
		Dir::Cache "$apt/cache";
		Dir::Etc::sourcelist "$apt/sources.list";
		Dir::Etc::sourceparts "-";
		Acquire::Languages "none";
		APT::Sandbox::User "$(id -un)";
	EOF
	export APT_CONFIG="$apt/apt.conf"
	echo "emulator: reading the package lists of $uri (private apt state)" >&2
	apt-get -q update >&2 || die "apt-get update failed for $uri"
}

publish_source() { # directory of the unpacked source
	version=$(cat "$1/VERSION")
	case $version in
	"$WANTED_QEMU".*) ;;
	*) die "QEMU $version found, the hooks are for $WANTED_QEMU.x" ;;
	esac
	rm -rf "$cache/source/$2"
	mv "$1" "$cache/source/$2"
	echo "emulator: QEMU source $2 unpacked" >&2
}

fetch_source() {
	tmp=$cache/source/unpack.tmp
	rm -rf "$tmp"
	mkdir -p "$tmp"
	if [ -n "${QEMU_TARBALL:-}" ]; then
		[ -e "$QEMU_TARBALL" ] || die "QEMU_TARBALL=$QEMU_TARBALL does not exist"
		tar -xf "$QEMU_TARBALL" -C "$tmp" --strip-components=1
		sum=$(sha256sum <"$QEMU_TARBALL" | cut -c1-12)
		publish_source "$tmp" "$(cat "$tmp/VERSION")-tarball-$sum"
		return
	fi
	command -v dpkg-source >/dev/null || die "dpkg-source is missing: install dpkg-dev"
	private_apt
	(cd "$tmp" && apt-get -q source --only-source qemu/trixie >fetch.log 2>&1) || {
		cat "$tmp/fetch.log" >&2
		die "apt-get source qemu/trixie failed"
	}
	set -- "$tmp"/*.dsc
	version=$(sed -n 's/^Version: \([0-9]*:\)\{0,1\}//p' "$1" | head -n 1)
	set -- "$tmp"/qemu-*/
	publish_source "${1%/}" "$version"
	rm -rf "$tmp"
}

fetch_meson() {
	private_apt
	tmp=$cache/meson.tmp
	rm -rf "$tmp"
	mkdir -p "$tmp"
	(cd "$tmp" && apt-get -q download meson >&2) || die "no meson in backports"
	dpkg-deb -x "$tmp"/meson_*.deb "$tmp/root"
	rm -rf "$cache/meson"
	mv "$tmp/root" "$cache/meson"
	rm -rf "$tmp"
}

case $what in
source) fetch_source ;;
meson) fetch_meson ;;
*) die "fetch.sh: source or meson, not $what" ;;
esac
