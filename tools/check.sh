#!/bin/bash
# SPDX-License-Identifier: MIT
# make check: every step, whatever the ones before it said; the sum is the last line.
set -u
cd "$(dirname "$0")/.."
passed=0 failed=0 skipped=0 bad=""
started=$SECONDS

# step NAME COMMAND...: its output is shown; "N passed, N failed" at its end counts, otherwise the
# step is one test.
step() {
	local name=$1 log status last
	shift
	log=out/check/$name.log
	echo "== $name ($((SECONDS - started)) s)"
	"$@" 2>&1 | tee "$log"
	status=${PIPESTATUS[0]}
	last=$(tail -n 1 "$log")
	if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
		passed=$((passed + BASH_REMATCH[1]))
		failed=$((failed + BASH_REMATCH[2]))
		skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
		[ "$status" = 0 ] || [ "${BASH_REMATCH[2]}" != 0 ] || failed=$((failed + 1))
	elif [ "$status" = 0 ] && grep -q 'Nothing to be done' "$log"; then
		echo "$name: there is no such step"
		status=1 failed=$((failed + 1))
	elif [ "$status" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
	[ "$status" = 0 ] || bad="$bad $name"
}

mkdir -p out/check
step image make --no-print-directory -j"$(nproc)" all
step emulator make --no-print-directory emulator
step lint make --no-print-directory lint
step unit make --no-print-directory -j"$(nproc)" unit
step emulator-test make --no-print-directory emulator-test
step conformance make --no-print-directory conformance-table # emulator-test has just run
step model make --no-print-directory model
step plants tests/sim/plants.py build
step sim make --no-print-directory sim COUNT=300
step tsan tests/tsan/run.sh build
step qemu make --no-print-directory qemu-test
step sched make --no-print-directory sched-bench
step soak /usr/bin/python3 tools/soak.py --short --count 20000 --out out/check/soak
step soak-linux /usr/bin/python3 tools/soak_linux.py --minutes 1 --out out/check/soak-linux
step demo make --no-print-directory demo
step demo-linux make --no-print-directory demo-linux QUICK=1
step cost make --no-print-directory -j"$(nproc)" cost
step peer make --no-print-directory peer QUICK=1
step coverage make --no-print-directory cov
echo "== done in $((SECONDS - started)) s"
[ -z "$bad" ] || echo "failed:$bad; logs in out/check/"
if [ "$skipped" = 0 ]; then
	echo "$passed passed, $failed failed"
else
	echo "$passed passed, $failed failed, $skipped skipped"
fi
[ "$failed" = 0 ]
