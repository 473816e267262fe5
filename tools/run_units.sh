#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs test programs that end in "N passed, N failed" and adds the numbers up.
passed=0 failed=0
for t in "$@"; do
	out=$(timeout 600 "$t" 2>&1)
	status=$?
	last=$(printf '%s\n' "$out" | tail -n 1)
	p=$(printf '%s\n' "$last" | sed -n 's/^\([0-9]*\) passed, [0-9]* failed$/\1/p')
	f=$(printf '%s\n' "$last" | sed -n 's/^[0-9]* passed, \([0-9]*\) failed$/\1/p')
	if [ -z "$p" ] || { [ $status != 0 ] && [ "${f:-0}" = 0 ]; }; then
		p=${p:-0} f=1
	fi
	passed=$((passed + p)) failed=$((failed + f))
	printf '  %-44s %s\n' "${t#build/}" "${p} passed, ${f} failed"
	[ "$f" = 0 ] && [ $status = 0 ] || printf '%s\n' "$out"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
