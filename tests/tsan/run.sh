#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The scheduler's inbox and the vCPU state machine under ThreadSanitizer: no report by each
# mechanism; and a report, or a lost message, with each fault planted into a copy of one file.
#
#   tests/tsan/run.sh BUILD_DIR [MESSAGES]
set -eu
cd "$(dirname "$0")/../.."
dir=$1/tsan
count=${2:-20000}
cc=${CC:-gcc}
mkdir -p "$dir"

# It does not know fences; what they order is atomic here in any case.
flags="-std=gnu11 -O1 -g -fno-builtin -fno-strict-aliasing -Wall -Wextra -Werror \
	-Wno-unused-parameter -Wno-tsan -fsanitize=thread -Itests/host -Itests/tsan -Ivmm -I."
sources=$(ls tests/tsan/threads_test.c \
	$(sed -n 's,^/\* sources: \(.*\) \*/.*,\1,p' tests/tsan/threads_test.c))
# Where addresses are spread wider than the sanitizer's map.
fixed="setarch -R"
$fixed true 2>/dev/null || fixed=

object() {
	echo "$dir/$(echo "$1" | tr / _).o"
}

passed=0 failed=0
verdict() {
	if [ "$1" = "$2" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "  TSAN: $3"
	fi
}

run() { # PROGRAM MECHANISM MESSAGES LOG -> clean, race or wrong
	status=0
	TSAN_OPTIONS="halt_on_error=${5:-0} exitcode=66" timeout 300 $fixed "$1" "$2" "$3" \
		> "$4" 2>&1 || status=$?
	case $status in
	0) echo clean ;;
	66) echo race ;;
	*) echo "wrong ($status)" ;;
	esac
}

for f in $sources; do
	echo "$f $(object "$f")"
done | xargs -n 2 -P "${JOBS:-2}" sh -c "$cc $flags -c \"\$0\" -o \"\$1\""
$cc -fsanitize=thread -o "$dir/threads_test" $(for f in $sources; do object "$f"; done) -lpthread

for mechanism in galog gappi-own gappi-shared; do
	log=$dir/$mechanism.log
	got=$(run "$dir/threads_test" $mechanism "$count" "$log")
	grep '^  [a-z-]*:' "$log" || true
	[ "$got" = clean ] || head -n 40 "$log"
	verdict "$got" clean "$mechanism: $got, see $log"
done

# plant NAME FILE SED WHAT
plant() {
	copy=$dir/$1.c
	sed "$3" "$2" > "$copy"
	if cmp -s "$2" "$copy"; then
		verdict changes nothing "$1 changes nothing in $2 any more"
		return
	fi
	$cc -iquote "$(dirname "$2")" $flags -c "$copy" -o "$copy.o"
	objects=
	for f in $sources; do
		[ "$f" = "$2" ] && objects="$objects $copy.o" || objects="$objects $(object "$f")"
	done
	$cc -fsanitize=thread -o "$dir/$1" $objects -lpthread
	# It ends with the first report: a second as a rule, and a few where threads meet seldom.
	got=$(run "$dir/$1" galog $((50 * count)) "$dir/$1.log" 1)
	verdict "$got" race "$1: $4: $got, but no race was reported"
	echo "  $1: $4: $got$(sed -n 's/^SUMMARY: ThreadSanitizer: data race/:/p' "$dir/$1.log")"
}

plant inbox-send-unlocked vmm/sched.c '/^static.*inbox_send/,/^}/{/spin_/d}' \
	'a vCPU is put into an inbox without its lock'
plant inbox-taken-unlocked vmm/sched.c '/^void sched_inbox/,/^}/{/spin_/d}' \
	'an inbox is emptied without its lock'
plant wake-no-cas vmm/vcpu.c \
	'/^bool vcpu_wake/,/^}/s/!shared_cas32(.*))$/v->state != VCPU_BLOCKED || !(v->state = VCPU_RUNNABLE))/' \
	'BLOCKED becomes RUNNABLE by a test and a plain store'
plant home-plain vmm/vcpu.c \
	's/__atomic_store_n(&v->home, to, __ATOMIC_RELAXED)/v->home = to/;s/__atomic_load_n(&v->home, __ATOMIC_RELAXED)/v->home/' \
	'who posts an event reads the home of a vCPU that moves'
plant posts-unlocked avic/run.c '/^inline.*avic_put/,/^}/{/spin_/d}' \
	'avic_put() without posts_lock'

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
