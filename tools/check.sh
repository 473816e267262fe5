#!/bin/bash
# SPDX-License-Identifier: MIT
# make check: every step, whatever the ones before it said; the sum is the last line.
set -u
cd "$(dirname "$0")/.."
results=out/check/results
started=$SECONDS
prefix=

# account NAME STATUS: "passed failed skipped" of a step. "N passed, N failed" at the end of its
# output counts, otherwise the step is one test.
account() {
	local last
	last=$(tail -n 1 "out/check/$1.log")
	if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
		local failed=${BASH_REMATCH[2]}
		[ "$2" = 0 ] || [ "$failed" != 0 ] || failed=1
		echo "${BASH_REMATCH[1]} $failed ${BASH_REMATCH[4]:-0}"
	elif [ "$2" = 0 ] && grep -q 'Nothing to be done' "out/check/$1.log"; then
		echo "$1: there is no such step" >&2
		echo "0 1 0"
	elif [ "$2" = 0 ]; then
		echo "1 0 0"
	else
		echo "0 1 0"
	fi
}

# step NAME COMMAND...
step() {
	local name=$1 status
	shift
	echo "0 1 0" >"$results/$name" # until it has ended
	echo "== $name ($((SECONDS - started)) s)"
	"$@" 2>&1 | tee "out/check/$name.log" | sed -u "s/^/${prefix:+$name: }/"
	status=${PIPESTATUS[0]}
	account "$name" "$status" >"$results/$name"
	[ -z "$prefix" ] || echo "== $name has ended ($((SECONDS - started)) s)"
}

rm -rf "$results"
mkdir -p "$results"
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
step soak /usr/bin/python3 tools/soak.py --short --count 20000 --out out/check/soak

# What is left boots one machine after the other, each on one CPU: two steps at once.
prefix=yes
{
	step sched make --no-print-directory sched-bench
	step soak-linux /usr/bin/python3 tools/soak_linux.py --minutes 1 --out out/check/soak-linux
	step demo-linux make --no-print-directory demo-linux QUICK=1
	step linux-guest make --no-print-directory linux-guest QUICK=1
} &
{
	step demo make --no-print-directory demo
	step storm make --no-print-directory storm-bench QUICK=1
	step cost make --no-print-directory cost
	step peer make --no-print-directory peer QUICK=1
} &
wait
prefix=

step coverage make --no-print-directory cov
echo "== done in $((SECONDS - started)) s"
passed=0 failed=0 skipped=0 bad=""
# All that there are in this file: one that was never begun counts as failed too.
for name in $(sed -n 's/^[[:blank:]]*step \([a-z-]*\) .*/\1/p' "tools/check.sh"); do
	read -r p f s <"$results/$name" || { p=0 f=1 s=0; }
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	[ "$f" = 0 ] || bad="$bad $name"
done
for name in $bad; do # CI keeps the end of what is printed here
	echo "== $name failed:"
	tail -n 12 "out/check/$name.log"
done
[ -z "$bad" ] || echo "failed:$bad; logs in out/check/"
if [ "$skipped" = 0 ]; then
	echo "$passed passed, $failed failed"
else
	echo "$passed passed, $failed failed, $skipped skipped"
fi
[ "$failed" = 0 ]
