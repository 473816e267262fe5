/* SPDX-License-Identifier: MIT */
/*
 * The GA log in the IOMMU. Its entries and the copy of its tail reach memory later than the message
 * and in either order; the CPU's register writes reach the IOMMU later too. A read of a register
 * pushes both.
 */
#ifdef WITH_GALOG
bit g_run = 1, g_overflow, g_int;
bit g_draining; /* between the CPU's write of GAInt and its read of the status */
byte g_tail, g_head;
byte slot[RING]; /* memory: 1 + tag, 0: consumed */
byte tail_copy;
#ifdef WITH_HANDOVER
byte log_target; /* the pCPU that its interrupt goes to */
#define LOG_TARGET log_target
#else
#define LOG_TARGET 0
#endif
#define W_INT 0
#define W_HEAD 1
#ifdef LOG_AT_ONCE /* for models that are about something else */
#define IOMMU_READ true
#define WRITE_ENTRY(at, what) slot[at] = what
#define WRITE_TAIL(x) tail_copy = x
#define WRITE_INT atomic { g_int = 0; g_draining = 1 }
#define WRITE_HEAD(x) g_head = x
#else
chan to_slot = [RING] of { byte, byte };
chan to_tail = [RING] of { byte };
chan to_iommu = [2] of { byte, byte };
#define IOMMU_READ (empty(to_iommu) && empty(to_slot) && empty(to_tail))
#define WRITE_ENTRY(at, what) to_slot ! at, what
#define WRITE_TAIL(x) to_tail ! x
#define WRITE_INT to_iommu ! W_INT, 0
#define WRITE_HEAD(x) to_iommu ! W_HEAD, x
#endif

inline log_interrupt()
{
	if
	:: !g_int ->
		g_int = 1;
		if
		:: interrupt(LOG_TARGET, INT_GALOG)
		:: g_draining -> skip /* set again without a message: erratum ERBT1312 */
		fi
	:: else
	fi
}

inline log_append(tag)
{
	if
	:: !g_run -> skip
	:: g_run && (g_tail + 1) % RING == g_head ->
		g_overflow = 1; /* raises no interrupt of its own */
		g_run = 0
	:: else ->
		WRITE_ENTRY(g_tail, 1 + tag);
		g_tail = (g_tail + 1) % RING;
		WRITE_TAIL(g_tail);
		log_interrupt()
	fi
}

#ifdef LOG_AT_ONCE
proctype galog_memory()
{
	skip
}
#else
proctype galog_memory()
{
	byte a, b;

end:
	do
	:: atomic { to_slot ? a, b -> slot[a] = b; a = 0; b = 0 }
	:: atomic { to_tail ? a -> tail_copy = a; a = 0 }
	:: atomic {
		to_iommu ? a, b ->
		if
		:: a == W_INT -> g_int = 0; g_draining = 1
		:: else -> g_head = b
		fi;
		a = 0;
		b = 0
	}
	od
}
#endif
#else
inline log_append(tag)
{
	skip
}
#endif
