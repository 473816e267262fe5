#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Would the simulation find a fault? Each fault planted here, into a copy of one source file, must
# make it fail: a line taken out or changed by sed. A plant that no longer changes its file is an
# error: the source has moved on and the plant has to follow.
#
# The random simulation must find it too, within 60 seeds, but for plants marked "stories": what
# those spoil, the next message to the same vCPU mends, and in a crowd there always is a next one.
# "random": what two of the stories' pCPUs can't do, only a crowd.
#
#   tests/sim/plants.sh BUILD_DIR [NAME]      CC and the number of jobs (JOBS) from the environment
set -eu
cd "$(dirname "$0")/../.."
dir=$1/sim-plants
only=${2-}
cc=${CC:-gcc}
mkdir -p "$dir"

flags="-std=gnu11 -O2 -fno-builtin \
	-fno-strict-aliasing -include tests/sim/spin.h -Itests/host -Itests/unit -Itests/sim -Itools/emulator/model -Ivmm -I."
sources=$(sed -n 's,^/\* sources: \(.*\) \*/.*,\1,p' tests/sim/wake_test.c)
sources=$(ls $sources tests/host/seam.c)
crowd=$(ls $(sed -n 's,^/\* sources: \(.*\) \*/.*,\1,p' tests/sim/random.c) tests/sim/random.c)
tests="tests/sim/wake_test.c tests/sim/change_test.c"

object() {
	echo "$dir/$(echo "$1" | tr / _).o"
}

compile_all() {
	for f in $(printf '%s\n' $sources $tests $crowd | sort -u); do
		echo "$f $(object "$f")"
	done | xargs -n 2 -P "${JOBS:-2}" sh -c "$cc $flags -c \"\$0\" -o \"\$1\""
}

# with_plant NAME FILE SOURCES: objects, the planted one in its place
with_plant() {
	for f in $3; do
		[ "$f" = "$2" ] && echo "$dir/$1.c.o" || object "$f"
	done
}

# by_random NAME FILE
by_random() {
	$cc -o "$dir/$1.random" $(with_plant "$1" "$2" "$crowd")
	if timeout 300 "$dir/$1.random" 60 > "$dir/$1.random.log" 2>&1; then
		echo "  PLANT $1: NOT FOUND by 60 random seeds"
		failed=$((failed + 1))
	else
		echo "  PLANT $1: found by $(sed -n 's/^sim: \(seed [0-9]*\) fails.*/\1/p' \
			"$dir/$1.random.log")"
		planted=$((planted + 1))
	fi
}

# plant NAME FILE SED WHAT [stories|random]
plant() {
	[ -z "$only" ] || [ "$only" = "$1" ] || return 0
	copy=$dir/$1.c
	sed "$3" "$2" > "$copy"
	if cmp -s "$2" "$copy"; then
		echo "  PLANT $1: changes nothing in $2 any more"
		failed=$((failed + 1))
		return 0
	fi
	$cc -iquote "$(dirname "$2")" $flags -c "$copy" -o "$copy.o"
	[ "${5-}" = stories ] || by_random "$1" "$2"
	[ "${5-}" != random ] || return 0
	for t in $tests; do
		$cc $flags -o "$dir/$1" "$(object $t)" $(with_plant "$1" "$2" "$sources")
		if ! timeout 300 "$dir/$1" > "$dir/$1.log" 2>&1; then
			echo "  PLANT $1: found ($4): $(grep -m1 -v '^strict\|runs$' "$dir/$1.log" || true)"
			planted=$((planted + 1))
			return 0
		fi
	done
	echo "  PLANT $1: NOT FOUND: $4"
	failed=$((failed + 1))
}

failed=0
planted=0
compile_all

plant no-fence vmm/vcpu.c '/shared_fence();.*A3/d' \
	'no fence between IsRun = 0 and the second look'
plant no-second-look vmm/vcpu.c 's/if (!must_look(v, word))/if (true)/' \
	'no second look at the IRR'
plant not-armed vmm/vcpu.c '/direct_away(v, gappi/d' \
	'blocked with IsRun = 1'
plant masked-left vmm/vcpu.c 's/v->stats.parked_bits += vapic_stash(.*/;/' \
	'masked bits left in the page with GAPPI'
plant deliverable-put-away vmm/vcpu.c 's/stash.any, 0) && stash_resumes(v))/stash.any, 0) \&\& false)/' \
	'a deliverable bit put away with the masked ones'
plant masked-ignored vmm/vcpu.c 's/return vapic_irr_any(v->avic.page);/return can_resume(v);/' \
	'the second look with GAPPI overlooks masked bits' stories
plant never-unstashed avic/vapic.c '/shared_or32(bank(p, VAPIC_IRR, i), stash->irr/d' \
	'bits put away are never put back'
plant no-scan vmm/wake.c 's/woken = wake_scan(cpu);/woken = 0;/' \
	'nobody is looked at after an overflow'
plant no-backstop vmm/wake.c 's/ && galog_overflowed(u))/ \&\& false)/' \
	'an overflow that raises no interrupt is never found' stories
plant first-sharer-only vmm/wake.c 's/COUNT(cpu->count.gappi_shared_wakes);/break;/' \
	'the shared vector wakes the first only'
plant switch-wakes-nobody vmm/wake.c '/^err_t wake_switch/,$s/vcpu_wake(cpu, v);/(void)v;/' \
	'a switch of mechanism wakes nobody'
plant put-forgets-irtes avic/run.c '/publish_irte(post_of(node), false/s/publish_irte.*/(void)node;/' \
	'avic_put() leaves the IRTEs'
plant attach-quiet avic/run.c '/publish_irte(post, a->running/d' \
	'an attached IRTE stays quiet' stories
plant attach-untold vmm/route.c 's/^\tlook(here, target);//' \
	'nobody looks after a message was moved' stories
plant gaint-kept iommu/galog.c '/^void galog_begin/,/^}/s/iommu_ack(u, STATUS_GAINT);//' \
	'GAInt is never acknowledged'
plant no-invalidation iommu/irte.c 's/cmd_invalidate_interrupts(u, dev);//' \
	'the IOMMU goes on with the old IRTE'
plant hand-over-unasked vmm/place.c '/^void place_order/,/^}/s/lapic_send(owner/lapic_send(here->apicid/
/^void place_obey/,/^}/s/shared_load32(&u->galog_apicid) == here->apicid && to && to != here/to \&\& shared_load32(\&u->galog_apicid) != to->apicid/' \
	'who is not its owner gives the log away' random
plant hand-over-unseen vmm/place.c 's/woken = wake_scan(here);/woken = 0;/' \
	'nobody is looked at after the log went to another pCPU' random
plant hand-over-late iommu/galog.c '/^err_t galog_move/,/^}/{/own_interrupt_move/d
s/err = on ? start(u) : OK;/err = on ? start(u) : OK;\n\t\town_interrupt_move(u, to);/}' \
	'the log has a new owner only when it runs' random
plant enabled-late iommu/galog.c '/^\tg->enabled = true;/d
s/err_t err = await_begun(u);/&\n\tg->enabled = !err;/' \
	'the owner ignores the first message of a log that another pCPU starts' random
plant kick-lost vmm/sched.c '/^void sched_inbox/,/^}/s/shared_swap32(&cpu->kicked, 0);//' \
	'kicked stays set: the next one sends no interrupt'
plant doorbell-missing avic/run.c '/hw_doorbell(where);/d' \
	'software sets a bit and does not ring'
plant storm-unseen vmm/route.c 's/else if (target && vcpu_owed(target))/else if (0)/' \
	'what came while a message was held is not looked for' random
plant storm-for-ever vmm/storm.c 's/^\t\t\trelease(here, d, now);//' \
	'a message that was held stays so' random

echo "$planted passed, $failed failed"
[ "$failed" = 0 ]
