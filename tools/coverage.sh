#!/bin/sh
# SPDX-License-Identifier: MIT
# Coverage of svm/ iommu/ avic/ vmm/ by what ran since the last "make unit" (and, where
# out/coverage/qemu.info is there, by the tests in the emulator). HTML in out/coverage/html.
# COVERAGE_FLOOR (percent of lines) fails the run.
set -eu
build=${1:-build}
floor=${COVERAGE_FLOOR:-85}
mkdir -p out/coverage
lcov --quiet --capture --directory "$build/tests" --base-directory . --no-external \
	--output-file out/coverage/unit.info --ignore-errors source,gcov 2>/dev/null ||
	lcov --quiet --capture --directory "$build/tests" --base-directory . --no-external \
		--output-file out/coverage/unit.info
set -- --add-tracefile out/coverage/unit.info
[ ! -s out/coverage/qemu.info ] || set -- "$@" --add-tracefile out/coverage/qemu.info
lcov --quiet "$@" --output-file out/coverage/sum.info
lcov --quiet --extract out/coverage/sum.info "$PWD/svm/*" "$PWD/iommu/*" "$PWD/avic/*" "$PWD/vmm/*" \
	--output-file out/coverage/all.info
genhtml --quiet --output-directory out/coverage/html --prefix "$PWD" out/coverage/all.info
lcov --list out/coverage/all.info | sed "s|$PWD/||"
percent=$(lcov --summary out/coverage/all.info 2>&1 | sed -n 's/.*lines\.*: \([0-9]*\)\..*/\1/p')
echo "coverage: $percent% of lines (floor $floor%), out/coverage/html/index.html"
[ "$percent" -ge "$floor" ]
