/* SPDX-License-Identifier: MIT */
/*
 * A pCPU: pick, load, guest, exit, block; interrupts while it sleeps and when one has ended the
 * guest. And what its guest does: halt, spin until it is interrupted, and the acts of a model.
 */
#include "settings.pml"
#include "machine.pml"
#include "protocol.pml"
#ifdef WITH_GALOG
#include "galog.pml"
#endif
#include "acts.pml"
#include "monitor.pml"

byte preempts = PREEMPTS;
byte masks = MASKS;
byte spin_budget = SPINS;
bit spins[V]; /* the guest waits inside, without HLT */

/* What the vCPU could take if it went on. */
#define CAN_RESUME(v) TAKEABLE(irr[v], v)

/* [model pcpu:look] A4: with GAPPI any bit counts, masked ones too */
#ifdef M_MASKED_IGNORED
#define LOOK_GAPPI(v) CAN_RESUME(v)
#else
#define LOOK_GAPPI(v) irr[v]
#endif
/* [model pcpu:look-word] and the mechanism must be the one that it armed for */
#ifdef M_NO_WORD_LOOK
#define WORD_CHANGED 0
#else
#define WORD_CHANGED (wake_word != word)
#endif
#ifdef M_NO_EVENTS_LOOK
#define EVENTS_LOOK(v) 0
#else
#define EVENTS_LOOK(v) events[v]
#endif
#define MUST_LOOK(v) \
	(WORD_CHANGED || EVENTS_LOOK(v) || (MECH(word) == MECH_GAPPI && LOOK_GAPPI(v)) || \
		(MECH(word) != MECH_GAPPI && CAN_RESUME(v)))

/* Takes the vector, at VMRUN, at a doorbell, at EOI and when the TPR comes down. */
inline guest_looks()
{
	d_step {
		if
		:: irr[v] & HIGH ->
			irr[v] = irr[v] & ~HIGH;
			assert(owed[v] & HIGH); /* not delivered twice */
			owed[v] = owed[v] & ~HIGH;
			masked[v] = 0;
			spins[v] = 0
		:: !(irr[v] & HIGH) && TAKEABLE(irr[v], v) ->
			irr[v] = irr[v] & ~LOW;
			assert(owed[v] & LOW);
			owed[v] = owed[v] & ~LOW;
			spins[v] = 0
		:: else -> look[p] = 0
		fi
	}
}

inline out_of_guest()
{
	cur[p] = NONE;
	look[p] = 0;
	at[p] = AT_HOST
}

proctype pcpu(byte p)
{
	byte v = NONE, w, e, k, word, tries, rounds, where, other;
	bit won, runs, again;

pick:
	atomic { word = 0; tries = 0; at[p] = AT_SLEEP };
	/* [model pcpu:sleep] nothing comes between the look at the queue and HLT: STI's shadow */
	do
	:: atomic { ready[p] & 1 -> v = 0; ready[p] = ready[p] & ~1; at[p] = AT_HOST; goto load }
	:: atomic { ready[p] & 2 -> v = 1; ready[p] = ready[p] & ~2; at[p] = AT_HOST; goto load }
	:: atomic { !ready[p] && pending[p] -> at[p] = AT_HOST; goto interrupts }
	od;

load:
	/* [model pcpu:load-look] woken for nothing: it sleeps again */
	atomic {
		sharers[p] = sharers[p] & ~(1 << v);
#ifndef WITH_EVENTS
		assert(state[v] == RUNNABLE);
#endif
		STORE_STATE(v, RUNNING);
		if
		:: halted[v] && stash[v] -> unstash(v)
		:: else
		fi
	};
	atomic {
		if
		:: halted[v] && !CAN_RESUME(v) -> goto arm
		:: else -> halted[v] = 0
		fi
	};
	direct_here(v);
	goto enter;

enter:
#ifndef M_NO_LOAD_FENCE
	FENCE;
#endif
	atomic {
		events[v] = 0;
		assert(cur[1 - p] != v); /* not on two pCPUs */
		assert(home[v] == p);
#ifdef HW_VMRUN_BLIND
		look[p] = 0;
#else
		look[p] = 1;
#endif
		cur[p] = v;
		at[p] = AT_GUEST
	}
	do
	:: atomic { look[p] -> guest_looks() }
	:: atomic { pending[p] -> out_of_guest(); goto interrupts }
	:: atomic { CAN_HALT && !look[p] && !spins[v] -> out_of_guest(); goto hlt }
	:: atomic { spin_budget > 0 && !look[p] && !spins[v] -> spin_budget--; spins[v] = 1 }
	:: atomic { masks > 0 && !masked[v] && !spins[v] -> masks--; masked[v] = 1 }
	:: atomic { preempts > 0 && ready[p] -> preempts--; out_of_guest(); goto preempt }
	:: ACT_GUARD -> ACT
	od;

preempt:
	leave_runnable(v);
	atomic { ready_push(v); v = NONE; goto pick };

	/* [model pcpu:halted-open] masked[v] is the guest's own: the same until it runs again */
hlt:
	atomic {
		if
		:: CAN_RESUME(v) -> goto enter
		:: else -> halted[v] = 1
		fi
	};

arm:
	/* [model pcpu:word] read before anything is armed */
	word = wake_word;
#ifndef M_NO_STASH
	/* [model pcpu:put-away] GAPPI is sent only when the whole IRR was clear */
	if
	:: MECH(word) == MECH_GAPPI && irr[v] -> stash_all(v)
	:: else
	fi;
#endif
	atomic {
#ifndef M_NO_STASH_LOOK
		/* [model pcpu:stash-look] what was put away may be deliverable by now */
		if
		:: TAKEABLE(stash[v], v) -> goto stash_resumes
		:: else
		fi;
#endif
		/* [model pcpu:sharer] on the list before it is armed */
		if
		:: MECH(word) == MECH_GAPPI && SHARED -> sharers[p] = sharers[p] | (1 << v)
		:: else
		fi
#ifndef M_A1_LATE
		;
		STORE_STATE(v, BLOCKED) /* [model pcpu:A1] */
#endif
	};
	/* A1 above; [model pcpu:A2] */
#ifdef M_NOT_ARMED
	avic_put(v, QUIET);
#elif !defined(M_NO_PUT)
	avic_put(v, (MECH(word) == MECH_GAPPI -> GAPPI : GALOG));
#endif
	/* [model pcpu:A3] */
#ifndef M_NO_FENCE
	FENCE;
#endif
#ifdef M_A1_LATE
	sb[p] ! L_STATE + v, BLOCKED;
#endif
	/* [model pcpu:A4] */
	if
#ifdef M_NO_LOOK
	:: true -> v = NONE; goto pick
#else
	:: !MUST_LOOK(v) -> v = NONE; goto pick
	:: else
#endif
	fi;
	/* [model pcpu:cancel] */
#ifdef M_CANCEL_NO_CAS
	sb[p] ! L_STATE + v, RUNNING;
#else
	atomic {
		FENCE ->
		if
		:: state[v] == BLOCKED -> state[v] = RUNNING
		:: else -> v = NONE; goto pick
		fi
	}
#endif
	direct_here(v);
	/* [model pcpu:tries] a device can't keep it here; ARM_TRIES is 2 in the model */
	atomic {
		events[v] = 0;
		if
		:: CAN_RESUME(v) -> goto resume
		:: !CAN_RESUME(v) && tries == 0 -> tries = 1; goto arm
		:: else -> goto preempt
		fi
	};

stash_resumes:
	direct_here(v);

resume:
	atomic { sharers[p] = sharers[p] & ~(1 << v); halted[v] = 0; goto enter };

interrupts:
	do
	:: atomic { pending[p] & INT_KICK -> pending[p] = pending[p] & ~INT_KICK }; sched_inbox()
	/* [model pcpu:own] the vector is the vCPU */
	:: atomic { pending[p] & INT_OWN(0) -> pending[p] = pending[p] & ~INT_OWN(0) }; vcpu_wake(0)
	:: atomic { pending[p] & INT_OWN(1) -> pending[p] = pending[p] & ~INT_OWN(1) }; vcpu_wake(1)
	/* [model pcpu:shared] all sharers, never only the first */
	:: atomic { pending[p] & INT_SHARED -> pending[p] = pending[p] & ~INT_SHARED; w = 0 };
		do
		:: w < V ->
			if
			:: (sharers[p] & (1 << w)) && irr[w] ->
				vcpu_wake(w);
#ifdef M_FIRST_SHARER
				w = V - 1
#endif
			:: else
			fi;
			w++
		:: else -> break
		od;
		w = 0
#ifdef WITH_GALOG
	:: atomic { pending[p] & INT_GALOG -> pending[p] = pending[p] & ~INT_GALOG }; wake_from_galog()
#ifdef WITH_HANDOVER
	:: atomic { pending[p] & INT_MOVE -> pending[p] = pending[p] & ~INT_MOVE }; place_obey()
#endif
	:: atomic { pending[p] & INT_TIMER -> pending[p] = pending[p] & ~INT_TIMER };
#ifndef M_NO_BACKSTOP
		wake_backstop()
#endif
#endif
	:: !pending[p] -> break
	od;
	if
	:: v == NONE -> goto pick
#ifdef M_STI_WINDOW
	/* It came after the look at the queue and before HLT, which then sleeps all the same. */
	:: v == NONE -> at[p] = AT_SLEEP; pending[p] -> at[p] = AT_HOST; goto interrupts
#endif
	:: v != NONE -> goto enter
	fi
}

init
{
	byte i;

	atomic {
		i = 0;
		do
		:: i < D ->
			page_of[i] = DEVICE_TO(i);
			vector_of[i] = DEVICE_VECTOR(i);
			post_of[i] = DEVICE_TO(i);
			irte[i] = LO(QUIET, HOME(DEVICE_TO(i)), DEVICE_TO(i));
			i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < V ->
			home[i] = HOME(i);
			target_cpu[i] = HOME(i);
			state[i] = RUNNABLE;
			ready[HOME(i)] = ready[HOME(i)] | (1 << i);
			i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < P -> run pcpu(i); run store_buffer(i); i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < D -> run device(i); i++
		:: else -> break
		od;
		i = 0;
#ifdef WITH_GALOG
		run galog_memory();
#endif
		run monitor()
	}
}
