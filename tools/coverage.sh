#!/bin/sh
# SPDX-License-Identifier: MIT
# Coverage of svm/ iommu/ avic/ vmm/ by the unit tests and the runs in the emulator since the
# image was last built ("make unit", "make qemu-test"); what has not run counts as not covered.
# HTML in out/coverage/html. COVERAGE_FLOOR (percent of lines) fails the run.
set -eu
build=${1:-build}
floor=${COVERAGE_FLOOR:-85}
out=out/coverage
mkdir -p $out/bitmaps

capture() { # folder tracefile options; what lcov warns of goes to a file
	folder=$1 file=$2
	shift 2
	lcov --quiet --capture "$@" --directory "$folder" --base-directory . --no-external \
		--output-file "$file.all" 2>"$file.log" || {
		cat "$file.log"
		return 1
	}
	lcov --quiet --extract "$file.all" "$PWD/svm/*" "$PWD/iommu/*" "$PWD/avic/*" "$PWD/vmm/*" \
		"$PWD/drivers/*" --output-file "$file"
	rm -f "$file.all"
}

capture "$build/gcno" $out/lines.info --initial
set -- --add-tracefile $out/lines.info
if [ -n "$(find "$build/tests" -name '*.gcda' 2>/dev/null | head -n 1)" ]; then
	capture "$build/tests" $out/unit.info
	set -- "$@" --add-tracefile $out/unit.info
fi
lcov --quiet "$@" --output-file $out/sum.info
if [ -n "$(find $out/bitmaps -name '*.bitmap' | head -n 1)" ]; then
	tools/qemu_coverage.py $out/bitmaps --build "$build" --lines $out/sum.info \
		--out $out/qemu.info
	set -- "$@" --add-tracefile $out/qemu.info
	lcov --quiet "$@" --output-file $out/sum.info
fi
# Runs in the emulator tell of lines, not of functions: those figures would mislead.
sed -i '/^FN/d' $out/sum.info
lcov --quiet --remove $out/sum.info "$PWD/drivers/*" --output-file $out/all.info
genhtml --quiet --output-directory $out/html --prefix "$PWD" $out/sum.info
lcov --list $out/sum.info | sed "s|$PWD/||"
percent=$(lcov --summary $out/all.info 2>&1 | sed -n 's/.*lines\.*: \([0-9]*\)\..*/\1/p')
echo "coverage: $percent% of lines of svm, iommu, avic, vmm (floor $floor%)," \
	"$out/html/index.html"
[ "$percent" -ge "$floor" ]
