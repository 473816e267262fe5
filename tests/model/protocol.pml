/* SPDX-License-Identifier: MIT */
/*
 * Reveille's part: vmm/vcpu.c, vmm/wake.c, vmm/sched.c, avic/run.c, as inlines for a pCPU p. Each
 * line that the protocol needs has a label of this form here and in the C code. M_* leave
 * one of them out or change its order; tests/model/mutants.py says which and where that must show.
 */
byte home[V];
bit halted[V];
byte stash[V];
byte ready[P]; /* a bit for each vCPU */
byte inbox[P];
byte sharers[P];
#ifndef WITH_EVENTS
byte events[V];
#endif

/* struct avic_vcpu, under posts_lock */
bit running[V];
byte target_cpu[V];
byte put_how[V];
byte post_of[D]; /* on whose list of posts; NONE: on nobody's */

/* generation * 4 + mechanism */
#define MECH_GALOG 1
#define MECH_GAPPI 2
#ifdef START_GAPPI
byte wake_word = MECH_GAPPI;
#else
byte wake_word = MECH_GALOG;
#endif
#define MECH(word) ((word) & 3)

#ifdef WITH_NOTIFY
inline lock(v)
{
	atomic { FENCE && !locked[v] -> locked[v] = 1 }
}
#define UNLOCK(v) sb[p] ! L_UNLOCK + v, 0
#else /* nobody else takes it: what is left is its locked operation */
#define lock(v) FENCE
#define UNLOCK(v) skip
#endif

#ifdef WITH_EVENTS
#define STORE_STATE(v, to) sb[p] ! L_STATE + v, to
#else /* a locked operation follows at once, so it may as well be in memory now */
#define STORE_STATE(v, to) state[v] = to
#endif

/* ---- avic/run.c ---- */

inline store_irtes(v, how)
{
	k = 0;
	do
	:: k < D ->
		if
		:: post_of[k] == v -> sb[p] ! L_LO + k, LO(how, target_cpu[v], v)
		:: else
		fi;
		k++
	:: else -> break
	od;
	k = 0
}

/* [model protocol:load] entry, then IRTEs, one store each */
inline avic_load(v)
{
	atomic {
		lock(v);
		running[v] = 1;
#ifndef M_LOAD_OLD_DESTINATION
		target_cpu[v] = p;
#endif
#if defined(WITH_IPI) && !defined(WITH_1235_WORKAROUND)
		sb[p] ! L_ENTRY + v, 1 + target_cpu[v];
#endif
		store_irtes(v, RUN);
		UNLOCK(v)
	}
}

/* [model protocol:put] IRTEs, then entry */
inline avic_put(v, how)
{
	atomic {
		lock(v);
		running[v] = 0;
		put_how[v] = how;
		target_cpu[v] = home[v];
#ifndef M_PUT_NO_IRTES
		store_irtes(v, how);
#endif
#if defined(WITH_IPI) && !defined(M_PUT_NO_ENTRY)
		sb[p] ! L_ENTRY + v, 0;
#endif
		UNLOCK(v)
	}
}

/* ---- vmm/sched.c ---- */

/* [model protocol:kick] nothing is sent while one is on its way */
inline cpu_kick(c)
{
	atomic {
		FENCE ->
		if
		:: !kicked[c] -> kicked[c] = 1; interrupt(c, INT_KICK)
		:: else
		fi
	}
}

/* [model protocol:enqueue] own: ready queue; other: inbox, unlock, kick */
inline ready_push(v)
{
	assert(!(ready[p] & (1 << v)));
	ready[p] = ready[p] | (1 << v)
}

inline inbox_send(v)
{
#ifdef M_KICK_BEFORE_INBOX
	cpu_kick(home[v]);
#endif
	atomic {
		FENCE ->
		assert(!(inbox[home[v]] & (1 << v)));
		inbox[home[v]] = inbox[home[v]] | (1 << v)
	}
#if !defined(M_KICK_BEFORE_INBOX) && !defined(M_NO_KICK)
	cpu_kick(home[v])
#endif
}

inline take_inbox()
{
	atomic {
		FENCE ->
		assert(!(ready[p] & inbox[p]));
		ready[p] = ready[p] | inbox[p];
		inbox[p] = 0
	}
}

/* [model protocol:inbox] kicked is cleared, by a locked exchange, before the look */
inline sched_inbox()
{
#if defined(M_KICKED_AFTER)
	take_inbox();
	atomic { FENCE -> kicked[p] = 0 }
#elif defined(M_KICKED_NEVER)
	take_inbox()
#else
	atomic { FENCE -> kicked[p] = 0 }
	take_inbox()
#endif
}

/* ---- vmm/vcpu.c ---- */

/* [model protocol:B3] compare-and-swap: one waker wins */
inline vcpu_wake(v)
{
#ifdef M_WAKE_NO_CAS
	won = (state[v] == BLOCKED);
#endif
	atomic {
		FENCE ->
		if
#ifdef M_WAKE_NO_CAS
		:: won ->
#else
		:: state[v] == BLOCKED ->
#endif
			state[v] = RUNNABLE;
			if
			:: home[v] == p -> ready_push(v); won = 0
			:: else -> won = 1
			fi
		:: else -> won = 0
		fi
	}
	if
	:: won -> inbox_send(v); won = 0
	:: else
	fi
}

/* [model protocol:post-event] wakes the blocked; makes one that runs elsewhere exit */
inline post_event(v)
{
	vcpu_wake(v);
	if
	:: state[v] == RUNNING ->
		if
		:: home[v] != p -> cpu_kick(home[v])
		:: else
		fi
	:: else
	fi
}

/* [model protocol:notify] under posts_lock: it runs here, elsewhere, or not */
inline notify(v)
{
#ifdef M_NOTIFY_NO_LOCK
	runs = running[v];
	where = target_cpu[v];
#else
	lock(v);
	runs = running[v];
	where = target_cpu[v];
	UNLOCK(v);
#endif
	if
	:: !runs ->
#ifndef M_NOTIFY_NO_WAKE
		post_event(v)
#else
		skip
#endif
	:: runs && where != p ->
#ifndef M_NOTIFY_NO_DOORBELL
		atomic { ring_doorbell(where) }
#else
		skip
#endif
	:: else
	fi;
	runs = 0;
	where = 0
}

/* [model protocol:unstash] what was put away comes back, once */
inline unstash(v)
{
	d_step {
#ifndef M_NO_UNSTASH
		irr[v] = irr[v] | stash[v];
#endif
#ifndef M_UNSTASH_KEEPS
		stash[v] = 0
#endif
	}
}

inline put_away(v, which)
{
	d_step {
		stash[v] = stash[v] | (irr[v] & which);
		irr[v] = irr[v] & ~(which)
	}
}

/* [model protocol:stash] word by word, posts may come in between */
inline stash_all(v)
{
	put_away(v, LOW);
	put_away(v, HIGH)
}

/* Interrupts directed here again. */
inline direct_here(v)
{
	unstash(v);
	avic_load(v)
}

/* [model protocol:leave] IsRun goes first, the state after it, then the queue */
inline leave_runnable(v)
{
	avic_put(v, QUIET);
	STORE_STATE(v, RUNNABLE)
}
