/* SPDX-License-Identifier: MIT */
/*
 * The machine: pCPUs with store buffers, vAPIC pages, IRTEs, devices, doorbells, host interrupts.
 *
 * A plain store goes into the pCPU's store buffer (sb) and reaches memory later, in order; a locked
 * operation or a fence waits until the buffer is empty (TSO). What the IOMMU and the cores do to
 * each other (OR of an IRR bit, an entry's low half, a message) is one step each, and any other
 * step may come between two of them. What is assumed of hardware is switched by HW_* below; each
 * assumption is one that docs/models.md names.
 *
 * Every run ends: devices and guests have so many things to do and no more. So "each interrupt is
 * delivered at last" is: when nothing can move any more, nothing deliverable is left (monitor), and
 * no run goes round in circles (the runner's search for cycles).
 */
#define NONE 255
#define OFF 0
#define RUNNABLE 1
#define RUNNING 2
#define BLOCKED 3

#define LOW 1  /* a vector that a raised TPR masks */
#define HIGH 2 /* one that it does not */
#define TAKEABLE(x, v) ((x) & (HIGH | (1 - masked[v])))

/* An IRTE's low half: how, destination, tag. */
#define QUIET 0
#define RUN 1
#define GALOG 2
#define GAPPI 3
#define LO(how, cpu, tag) ((how) + 4 * (cpu) + 16 * (tag))
#define HOW(lo) ((lo) & 3)
#define DEST(lo) (((lo) >> 2) & 3)
#define TAG(lo) ((lo) >> 4)

/* Host interrupts that wait in a local APIC: one bit a vector. */
#define INT_KICK 1
#define INT_GALOG 2
#define INT_SHARED 4
#define INT_TIMER 8
#define INT_OWN(v) (16 << (v))
#define INT_MOVE 64 /* VEC_GALOG_MOVE */

#define AT_HOST 0
#define AT_SLEEP 1
#define AT_GUEST 2

/* vAPIC pages, and what the guest is owed. */
byte irr[V];
byte owed[V];
bit masked[V];

byte irte[D];
byte page_of[D]; /* the half that may be cached */
byte vector_of[D];
#ifdef WITH_ROUTE
bit cached[D];
byte cached_page[D];
byte cached_vector[D];
bit posting[D]; /* an OR by the cached half is to come */
#endif
byte devices_left = D;

#ifdef WITH_EVENTS
byte events[V];
#endif
byte entry[V]; /* physical APIC ID table: 0, or 1 + the host APIC ID */
#ifdef WITH_1235
byte was_entry[V]; /* what a core with erratum 1235 may still see */
#endif
byte state[V];
bit locked[V]; /* posts_lock */

byte pending[P];
byte at[P];
byte cur[P] = NONE; /* the vCPU in guest mode here */
bit look[P];        /* it will evaluate its IRR */

/* Which mechanism the IOMMU has on. */
#ifdef START_GAPPI
bit gappi_on = 1;
bit galog_on = 0;
#else
bit gappi_on = 0;
bit galog_on = 1;
#endif

#define L_LO 0
#define L_ENTRY 4
#define L_STATE 8
#define L_UNLOCK 12
#define L_KICKED 16
chan sb[P] = [6] of { byte, byte };
byte kicked[P];

#define FENCE empty(sb[p])

proctype store_buffer(byte p)
{
	byte loc, val;

end:
	do
	:: atomic {
		sb[p] ? loc, val ->
		if
		:: loc < L_ENTRY -> irte[loc] = val
		:: loc >= L_ENTRY && loc < L_STATE ->
#ifdef WITH_1235
			if
			:: val == 0 -> was_entry[loc - L_ENTRY] = entry[loc - L_ENTRY]
			:: else -> was_entry[loc - L_ENTRY] = 0
			fi;
#endif
			entry[loc - L_ENTRY] = val
		:: loc >= L_STATE && loc < L_UNLOCK -> state[loc - L_STATE] = val
		:: loc >= L_UNLOCK && loc < L_KICKED -> locked[loc - L_UNLOCK] = 0
		:: else -> kicked[loc - L_KICKED] = val
		fi;
		loc = 0;
		val = 0
	}
	od
}

inline interrupt(cpu, what)
{
	pending[cpu] = pending[cpu] | (what)
}

/* To a core that is not in guest mode it does nothing. */
inline ring_doorbell(cpu)
{
	if
	:: cur[cpu] != NONE -> look[cpu] = 1
	:: else
	fi
}

#include "galog_hw.pml"

/* What an IOMMU does once it knows that nobody runs there. first: the whole IRR was clear. */
inline tell(lo, first)
{
	if
	:: galog_on && HOW(lo) == GALOG -> log_append(TAG(lo))
	:: gappi_on && (HOW(lo) == GAPPI || (NO_GAPPIDIS && HOW(lo) == QUIET)) ->
		if
		:: true -> /* must come when first; spurious ones are allowed */
			if
			:: SHARED -> interrupt(DEST(lo), INT_SHARED)
			:: else -> interrupt(DEST(lo), INT_OWN(TAG(lo)))
			fi
		:: !first -> skip
		fi
	:: else -> skip
	fi
}

#ifdef HW_READS_FIRST
#define HW_READ_EARLY lo = irte[d]
#define HW_READ_LATE skip
#else
#define HW_READ_EARLY skip
#define HW_READ_LATE lo = irte[d]
#endif
#ifdef HW_TESTS_FIRST
#define HW_TEST_EARLY first = (irr[target] == 0)
#define HW_TEST_LATE skip
#else
#define HW_TEST_EARLY skip
#define HW_TEST_LATE first = (irr[target] == 0)
#endif

proctype device(byte d)
{
	byte left = FIRES;
	byte target, vector, lo;
	bit first;

	do
	:: left > 0 ->
		left--;
#ifdef WITH_ROUTE
		d_step {
			if
			:: !cached[d] ->
				cached_page[d] = page_of[d];
				cached_vector[d] = vector_of[d];
				cached[d] = 1
			:: else
			fi;
			target = cached_page[d];
			vector = cached_vector[d];
			posting[d] = 1
		}
#else
		target = page_of[d];
		vector = vector_of[d];
#endif
#ifdef HW_READS_FIRST
		HW_READ_EARLY;
#endif
#ifdef HW_TESTS_FIRST
		HW_TEST_EARLY;
#endif
		d_step {
			HW_TEST_LATE;
			irr[target] = irr[target] | vector;
			owed[target] = owed[target] | vector;
#ifdef WITH_ROUTE
			posting[d] = 0
#endif
		}
		HW_READ_LATE;
		atomic {
			if
			:: HOW(lo) == RUN -> ring_doorbell(DEST(lo))
			:: else -> tell(lo, first)
			fi;
			lo = 0;
			first = 0;
			target = 0;
			vector = 0
		}
	:: else -> break
	od;
	devices_left--
}
