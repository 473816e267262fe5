#!/bin/sh
# SPDX-License-Identifier: MIT
# Files of Debian packages, for tests that unpack them and install nothing: downloaded into a cache;
# prints one path a line, in the order of the arguments.
#   debs.sh release PACKAGE...     from where this machine installs its packages
#   debs.sh backports PACKAGE...   from the backports of its release
#   debs.sh newest PACKAGE...      from the backports of Debian's stable release of today
#   debs.sh release --closure PACKAGE...   with all that they depend on
# The name "kernel" is the package that linux-image-amd64 depends on, and, where that is only a name
# for them, those with the kernel itself, its modules and the list of what it has built in.
# The apt configuration, its lists and its (empty) status are private: no rights are needed, what
# is installed here has no say, and apt checks signatures as ever. Lists are read anew when a file
# is missing here and can't be had by them.
set -eu

cache=${XDG_CACHE_HOME:-$HOME/.cache}/reveille/debs

die() {
	echo "debs: $*" >&2
	exit 1
}

# APT_CONFIG of a suite: release, backports, or newest. The machine's own sources, and no others.
configure() { # suite
	apt=$cache/apt/$1
	mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/parts"
	: >"$apt/state/status"
	cat >"$apt/apt.conf.$$" <<-EOF
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear DPkg::Post-Invoke;
		Dir::State "$apt/state";
		Dir::State::status "$apt/state/status";
		Dir::Cache "$apt/cache";
		Acquire::Languages "none";
		Acquire::Retries "3";
		APT::Sandbox::User "$(id -un)";
	EOF
	if [ "$1" != release ]; then
		cat >>"$apt/apt.conf.$$" <<-EOF
			Dir::Etc::sourcelist "$apt/sources.list";
			Dir::Etc::sourceparts "$apt/parts";
		EOF
	fi
	mv "$apt/apt.conf.$$" "$apt/apt.conf"
	export APT_CONFIG="$apt/apt.conf"
}

# The mirror of the release's main archive, as apt itself understands the machine's sources.
mirror() { # codename
	apt-get indextargets --format "\$(SITE)|\$(REPO_URI)|\$(RELEASE)|\$(COMPONENT)" \
		'Created-By: Packages' | awk -F'|' -v c="$1" '$3 == c && $4 == "main" { print $2; exit }'
}

update() { # suite
	if [ "$1" != release ]; then
		. /etc/os-release
		configure release
		uri=$(mirror "${VERSION_CODENAME:-}")
		[ -n "$uri" ] || die "no Debian mirror of ${VERSION_CODENAME:-this release} in apt's sources"
		configure "$1"
		keyring=/usr/share/keyrings/debian-archive-keyring.gpg
		[ -e "$keyring" ] || keyring=/usr/share/keyrings/debian-archive-keyring.pgp
		dist=$VERSION_CODENAME
		[ "$1" = backports ] || dist=stable
		echo "deb [signed-by=$keyring] $uri $dist-backports main" >"$apt/sources.list"
	fi
	echo "debs: reading the package lists ($1)" >&2
	# A source that fails need not be the one that has the packages.
	apt-get -q update >&2 || echo "debs: not all package lists of $1 can be read" >&2
}

# What of these a package depends on: linux-KIND-...
depends() { # package kinds
	apt-cache depends "$1" 2>/dev/null | sed -n "s/^ *Depends: *\(linux-\($2\)-[0-9].*\)/\1/p"
}

# What a name stands for.
resolve() { # name
	if [ "$1" = kernel ]; then
		image=$(depends linux-image-amd64 'image' | head -n 1)
		echo "$image"
		[ -z "$image" ] || depends "$image" 'base\|binary\|modules'
	else
		echo "$1"
	fi
}

# Names with all that they depend on, as if nothing were installed.
closure() { # package...
	apt-get -qq -s --no-install-recommends install "$@" | sed -n 's/^Inst \([^ ]*\) .*/\1/p'
}

# "name version" of each, the newest that the lists know.
versions() { # package...
	apt-cache show --no-all-versions "$@" 2>/dev/null |
		awk '/^Package: / { p = $2 } /^Version: / { print p, $2 }'
}

# Path of a version's file, or nothing.
here() { # package version
	find "$cache/files" -name "$1_$(echo "$2" | sed 's/:/%3a/')_*.deb" | head -n 1
}

# Paths of the packages' files; downloads, all at once, what isn't here yet.
fetch() { # package...
	list=$(versions "$@")
	[ "$(echo "$list" | wc -l)" = $# ] || return 1
	missing=$(echo "$list" | while read -r p v; do [ -n "$(here "$p" "$v")" ] || echo "$p"; done)
	if [ -n "$missing" ]; then
		echo "debs: downloading" $missing >&2
		part=$(mktemp -d "$cache/part.XXXXXX")
		(cd "$part" && apt-get -qq download $missing >&2) || { rm -rf "$part"; return 1; }
		mv "$part"/*.deb "$cache/files"
		rmdir "$part"
	fi
	echo "$list" | while read -r p v; do here "$p" "$v"; done
}

try() { # name...
	resolved=
	for n in "$@"; do
		resolved="$resolved $(resolve "$n")"
	done
	set -- $resolved
	if [ -n "$closure" ]; then
		names=$(closure "$@") || return 1
		[ -n "$names" ] || return 1
		set -- $names
	fi
	fetch "$@"
}

suite=${1:-}
case $suite in release | backports | newest) ;; *) die "release, backports or newest, not '$suite'" ;; esac
shift
closure=
if [ "${1:-}" = --closure ]; then
	closure=1
	shift
fi
mkdir -p "$cache/files"
# One at a time: two runs would download the same.
exec 9>"$cache/lock"
flock 9
configure "$suite"
if [ -n "$(ls "$apt/state/lists"/*Packages* 2>/dev/null)" ] && try "$@"; then
	exit 0
fi
update "$suite"
try "$@" || die "can't be had from $suite: $*"
