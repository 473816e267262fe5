/* SPDX-License-Identifier: MIT */
/*
 * What a vCPU's own exit, a hypercall or an IPI does beside halting; each model turns on what it is
 * about, and ACTS says how often in all. v: the vCPU that runs on p; other: the one it means.
 */
byte acts = ACTS;

#ifdef WITH_MIGRATE
/* [model acts:migrate] IsRun off, home, state, and only then the queue */
#define ACT_MIGRATE \
	avic_put(v, QUIET); \
	MIGRATE_HOME(1 - p); \
	MIGRATE_STATE; \
	inbox_send(v); \
	MIGRATE_LATE; \
	v = NONE; \
	goto pick
#define MIGRATE_HOME(c) home[v] = c
#ifdef M_MIGRATE_STATE_LATE
#define MIGRATE_STATE skip
#define MIGRATE_LATE STORE_STATE(v, RUNNABLE)
#else
#define MIGRATE_STATE STORE_STATE(v, RUNNABLE)
#define MIGRATE_LATE skip
#endif
#define ACT \
	ACT_MIGRATE
#endif

#ifdef WITH_IPI
#ifdef WITH_1235
#define READ_ENTRY(x) \
	if \
	:: e = entry[x] \
	:: was_entry[x] != 0 -> e = was_entry[x] \
	fi
#else
#define READ_ENTRY(x) e = entry[x]
#endif

/* In the guest: hardware sets the bit and looks at the entry; not running: exit 401h, cause 1.
 * [model acts:ipi] the bit is set already: only notify */
#define ACT_BEGIN \
	other = 1 - v; \
	irr[other] = irr[other] | HIGH; \
	owed[other] = owed[other] | HIGH
#define ACT \
	READ_ENTRY(other); \
	if \
	:: e != 0 -> atomic { ring_doorbell(e - 1); e = 0; other = 0 } \
	:: else -> \
		atomic { out_of_guest() }; \
		IPI_SETS_AGAIN; \
		notify(other); \
		other = 0; \
		goto enter \
	fi
#ifdef M_IPI_SETS_AGAIN
#define IPI_SETS_AGAIN d_step { irr[other] = irr[other] | HIGH }
#else
#define IPI_SETS_AGAIN skip
#endif
#endif

#ifdef WITH_SOFT
/* [model acts:post] an interrupt by software: locked OR, then notify */
#define ACT \
	other = 1 - v; \
	atomic { \
		FENCE -> \
		irr[other] = irr[other] | HIGH; \
		owed[other] = owed[other] | HIGH; \
	}; \
	notify(other); \
	other = 0; \
	goto enter
#endif

#ifdef WITH_EVENTS
/* [model acts:event] left by a locked OR; then woken or kicked */
#define ACT \
	other = 1 - v; \
	atomic { FENCE -> events[other] = 1 }; \
	post_event(other); \
	other = 0; \
	goto enter
#endif

#ifdef WITH_ROUTE
/*
 * Device 0's message goes to the other vCPU, by another vector.
 * [model acts:route] off the list, whole entry, invalidate and wait, on the list, both look
 */
inline assign_route()
{
	w = page_of[0];
	other = 1 - w;
#ifndef M_ROUTE_NO_DETACH
	lock(w);
	post_of[0] = NONE;
	sb[p] ! L_UNLOCK + w, 0;
#endif
	atomic {
		FENCE ->
		irte[0] = LO(QUIET, home[other], other);
		page_of[0] = other;
		vector_of[0] = HIGH + LOW - vector_of[0]
	}
#ifdef M_ROUTE_LOOK_EARLY
	notify(w);
#endif
#ifndef M_ROUTE_NO_INVALIDATE
	cached[0] = 0;
#ifndef M_ROUTE_NO_WAIT
	!posting[0];
#endif
#endif
	/* [model acts:attach] the entry gets the state of the vCPU under posts_lock */
#ifdef M_ROUTE_ATTACH_BLIND
	post_of[0] = other;
#else
	atomic {
		lock(other);
		post_of[0] = other;
		if
		:: running[other] -> sb[p] ! L_LO + 0, LO(RUN, target_cpu[other], other)
		:: else -> sb[p] ! L_LO + 0, LO(put_how[other], target_cpu[other], other)
		fi;
		sb[p] ! L_UNLOCK + other, 0
	}
#endif
#ifndef M_ROUTE_NO_FENCE
	FENCE;
#endif
	/* [model acts:route-look] what came meanwhile told nobody, or the wrong one */
#if !defined(M_ROUTE_NO_LOOK_OLD) && !defined(M_ROUTE_LOOK_EARLY)
	notify(w);
#endif
#ifndef M_ROUTE_NO_LOOK_NEW
	notify(other);
#endif
	w = 0;
	other = 0
}
#define ACT \
	assign_route(); \
	goto enter
#endif

#ifdef WITH_SWITCH
bit switching;

/* [model acts:turn] one off, then the other on; both at once is not specified */
inline iommu_turn()
{
#ifdef M_SWITCH_ON_FIRST
	if
	:: MECH(wake_word) == MECH_GALOG -> gappi_on = 1
	:: else
	fi;
#endif
	if
	:: MECH(wake_word) == MECH_GALOG ->
		log_disable();
		assert(!galog_on);
		assert(!gappi_on);
		gappi_on = 1
	:: else ->
		gappi_on = 0;
		log_start()
	fi
}

inline new_word()
{
	atomic {
		FENCE ->
		wake_word = ((wake_word + 4) & ~3) + (MECH_GALOG + MECH_GAPPI - MECH(wake_word))
	}
}

/* [model acts:switch] the new mechanism, the new word, and then everybody is woken once */
inline wake_switch()
{
	iommu_turn();
#ifndef M_SWITCH_WORD_LATE
	new_word();
#endif
	w = 0;
	do
	:: w < V ->
#ifndef M_SWITCH_WAKES_NOBODY
		vcpu_wake(w);
#endif
		w++
	:: else -> break
	od;
	w = 0;
#ifdef M_SWITCH_WORD_LATE
	new_word();
#endif
	switching = 0
}
#define ACT \
	if \
	:: atomic { !switching -> switching = 1 }; wake_switch() \
	:: switching \
	fi; \
	goto enter
#endif

#ifdef WITH_HANDOVER
#define ACT \
	place_order(); \
	goto enter
#endif

#ifdef ACT
#ifndef ACT_BEGIN
#define ACT_BEGIN out_of_guest()
#endif
#define ACT_GUARD atomic { acts > 0 && ACTOR(v) && !look[p] && !pending[p] -> acts--; ACT_BEGIN }
#else
#define ACT_GUARD false
#define ACT skip
#endif
