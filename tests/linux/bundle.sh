#!/bin/sh
# SPDX-License-Identifier: MIT
# A program of Debian's packages with its loader and its libraries, for an initramfs without any:
#   bundle.sh ALL FOLDER PACKAGE PROGRAM
# unpacks PACKAGE and what it depends on into ALL and fills FOLDER: FOLDER/program is the program,
# FOLDER/lib/ld.so starts it with --library-path.
set -eu
all=$1 folder=$2 package=$3 program=$4
here=$(cd "$(dirname "$0")" && pwd)
for d in $("$here/../../tools/debs.sh" release --closure "$package"); do
	dpkg -x "$d" "$all"
done
mkdir -p "$folder/lib"
cp "$all/$program" "$folder/program"
lib=
for d in lib usr/lib; do
	lib=$lib:$all/$d/x86_64-linux-gnu:$all/$d/x86_64-linux-gnu/pulseaudio
done
ld=$(find "$all" -name 'ld-linux-x86-64.so.2' -type f | head -n 1)
cp "$ld" "$folder/lib/ld.so"
chmod 755 "$folder/lib/ld.so"
needed=$("$ld" --library-path "${lib#:}" --list "$folder/program") || {
	echo "bundle: a library is missing: $needed" >&2
	exit 1
}
for f in $(echo "$needed" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p'); do
	case $f in "$all"/*) cp -L "$f" "$folder/lib/" ;; esac
done
