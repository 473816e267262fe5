/* SPDX-License-Identifier: MIT */
/* iommu/galog.c, the GALOG part of vmm/wake.c, on the pCPU to which the log's interrupt goes, and
 * vmm/place.c. */
byte head, head_told; /* struct galog */
bit log_enabled = 1;  /* galog.enabled */
bit overflow;         /* as read from the status register */
#ifdef WITH_SWITCH
bit draining;
#ifdef M_NO_DRAINING
#define DRAINING(x) skip
#else
#define DRAINING(x) draining = x
#endif
#else
#define DRAINING(x) skip
#endif

#ifdef WITH_HANDOVER
byte log_owner;  /* galog_apicid, as its owner goes by it */
byte log_wanted; /* places[].wanted */
#define LOG_IS_MINE (log_owner == p)
bit unit_locked; /* iommu.lock */
#ifdef M_MOVE_NO_LOCK
#define LOCK_UNIT skip
#else
#define LOCK_UNIT atomic { !unit_locked -> unit_locked = 1 }
#endif
#define UNLOCK_UNIT unit_locked = 0
#else
#define log_owner 0
#define LOCK_UNIT skip
#define UNLOCK_UNIT skip
#define LOG_IS_MINE (p == 0)
#endif
#ifdef M_ENABLED_LATE
#define ENABLED_EARLY skip
#define ENABLED_LATE log_enabled = 1
#else
#define ENABLED_EARLY log_enabled = 1
#define ENABLED_LATE skip
#endif

/* [model galog:restart] off, wait, all anew, on: under the unit's lock */
inline log_start()
{
	d_step {
		k = 0;
		do
		:: k < RING -> slot[k] = 0; k++
		:: else -> break
		od;
		k = 0;
		tail_copy = 0
	}
	head = 0;
	head_told = 0;
	ENABLED_EARLY;
	d_step {
		g_head = 0;
		g_tail = 0;
		g_overflow = 0;
		g_int = 0;
		g_draining = 0;
		g_run = 1;
		galog_on = 1
	}
	ENABLED_LATE
}

inline log_stop()
{
	log_enabled = 0;
	d_step { g_run = 0; galog_on = 0 }
	IOMMU_READ
}

#ifdef WITH_SWITCH
/* [model galog:disable] and nobody drains any more */
inline log_disable()
{
	log_stop();
	!draining
}
#endif

/* [model galog:scan] after an overflow nobody knows whose entries were lost */
inline wake_scan()
{
	w = 0;
	do
	:: w < V ->
		if
		:: state[w] == BLOCKED ->
			if
			:: irr[w] -> vcpu_wake(w)
			:: else
			fi
		:: else
		fi;
		w++
	:: else -> break
	od;
	w = 0
}

/* [model galog:recover] the log runs again first, then everybody is looked at */
inline galog_recover()
{
#ifdef M_SCAN_BEFORE_RESTART
	wake_scan();
#endif
	LOCK_UNIT;
	log_stop();
	log_start();
	UNLOCK_UNIT;
#if !defined(M_SCAN_BEFORE_RESTART) && !defined(M_NO_SCAN)
	wake_scan()
#endif
}

/* [model galog:next] what isn't 0 is new; it is set to 0 when taken */
inline galog_drain_entries()
{
	do
	:: log_enabled ->
		if
		:: atomic { slot[head] != 0 -> e = slot[head] };
			slot[head] = 0;
			head = (head + 1) % RING;
			vcpu_wake(e - 1);
			e = 0
		:: slot[head] == 0 && tail_copy == head -> break
		/* [model galog:await] the tail before its entry (erratum 732): waited for, or given up */
		:: slot[head] == 0 && tail_copy != head ->
			if
			:: slot[head] != 0
			:: true -> break
			fi
		fi
	:: !log_enabled -> break
	od
}

#ifdef M_NO_GAINT_LOOK
#define STATUS_GAINT 0
#else
#define STATUS_GAINT g_int
#endif
#ifdef M_OVERFLOW_NOT_SEEN
#define STATUS_OVERFLOW 0
#else
#define STATUS_OVERFLOW g_overflow
#endif

/* GALOG_ROUNDS is ROUNDS here. */
inline wake_from_galog()
{
	rounds = 0;
	again = log_enabled && LOG_IS_MINE;
	do
	:: again && rounds < ROUNDS ->
		rounds++;
		/* [model galog:begin] GAInt is cleared before the drain */
		DRAINING(1);
#if !defined(M_GAINT_KEPT) && !defined(M_GAINT_LAST)
		WRITE_INT;
#endif
		galog_drain_entries();
		/* [model galog:end] head, then status, then one more look at the memory */
#ifndef M_NO_HEAD
		if
		:: head != head_told -> WRITE_HEAD(head); head_told = head
		:: else
		fi;
#endif
		atomic {
#ifndef M_NO_STATUS_READ
			IOMMU_READ ->
#endif
			g_draining = 0;
			again = STATUS_GAINT;
			overflow = STATUS_OVERFLOW
		};
		/* [model galog:late] what the interrupt had overtaken is here now */
		if
		:: overflow -> overflow = 0; DRAINING(0); galog_recover()
		:: !overflow && log_enabled ->
#ifndef M_NO_SLOT_LOOK
			again = again | (slot[head] != 0);
#endif
#ifdef M_GAINT_LAST
			WRITE_INT;
#endif
			DRAINING(0)
		:: else -> again = 0; DRAINING(0)
		fi
	/* [model galog:again] a storm: go on by an interrupt to oneself */
	:: again && rounds == ROUNDS ->
#ifndef M_NO_SELF_SEND
		interrupt(p, INT_GALOG);
#endif
		break
	:: !again -> break
	od;
	again = 0;
	rounds = 0
}

/* [model galog:backstop] an overflow that nobody told of: its owner finds it */
inline wake_backstop()
{
	if
	:: log_enabled ->
		IOMMU_READ;
		if
		:: g_overflow -> interrupt(log_owner, INT_GALOG)
		:: else
		fi
	:: else
	fi
}

#ifdef WITH_HANDOVER
inline galog_new_owner(to)
{
	log_target = to;
	log_owner = to
}

/* [model galog:move] off, another's, on, and then everybody is looked at */
inline give_away(to)
{
#ifdef M_MOVE_SCANS_FIRST
	wake_scan();
#endif
	LOCK_UNIT;
	log_stop();
#ifdef M_MOVE_OWNER_LATE
	log_target = to;
#else
	galog_new_owner(to);
#endif
	log_start();
#ifdef M_MOVE_OWNER_LATE
	log_owner = to;
#endif
	UNLOCK_UNIT;
#if !defined(M_MOVE_NO_SCAN) && !defined(M_MOVE_SCANS_FIRST)
	wake_scan()
#endif
}

inline place_obey()
{
	if
	:: LOG_IS_MINE && log_wanted != p -> give_away(1 - p)
	:: else
	fi
}

/* [model galog:order] a wish, and an interrupt to the one who may fulfil it */
inline place_order()
{
	log_wanted = 1 - log_owner;
#ifdef M_MOVE_BY_ANYBODY
	give_away(log_wanted)
#else
	interrupt(log_owner, INT_MOVE)
#endif
}
#endif
