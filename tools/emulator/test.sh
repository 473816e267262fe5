#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Programs that run on the bare emulator and know no hypervisor. Ends in "N passed, N failed".
cd "$(dirname "$0")/../.." || exit 1
qemu=$(tools/emulator/build.sh | tail -n 1) || exit 1
out=build/emulator-test
mkdir -p "$out"
rm -f "$out"/*.log # tests/conformance/generate.py reads whatever is there
passed=0 failed=0

# test NAME COMMAND...: one test, or as many as its last line says.
test_one() {
	name=$1
	shift
	if "$@" >"$out/$name.log" 2>&1; then ok=1; else ok=0; fi
	p=$(sed -n 's/^\([0-9]*\) passed, [0-9]* failed$/\1/p' "$out/$name.log" | tail -n 1)
	f=$(sed -n 's/^[0-9]* passed, \([0-9]*\) failed$/\1/p' "$out/$name.log" | tail -n 1)
	p=${p:-$ok} f=${f:-$((1 - ok))}
	[ "$ok" = 1 ] || [ "$f" != 0 ] || f=1
	printf '  %-24s %s\n' "$name" "$p passed, $f failed"
	[ "$f" = 0 ] || cat "$out/$name.log"
	passed=$((passed + p)) failed=$((failed + f))
}

test_one cpu /usr/bin/python3 tools/emulator/test/run.py "$qemu"
test_one avic tests/guest/avic_smoke/run.sh "$out/avic" "$qemu"
for part in device events rings; do
	test_one "iommu-$part" /usr/bin/python3 "tests/qemu/iommu_${part}_test.py" "$qemu"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
