/* SPDX-License-Identifier: MIT */
/* Nothing can move any more: is everybody where he should be, and has everything been delivered? */
proctype monitor()
{
	byte i;

#ifdef WITH_GALOG
	timeout -> interrupt(0, INT_TIMER); /* the slow timer comes again and again; once is enough */
#endif
	timeout ->
	d_step {
		assert(devices_left == 0);
		i = 0;
		do
		:: i < V ->
			if
			:: state[i] == RUNNABLE ->
				/* Another spins in the guest; the slice, which isn't in the model, ends. */
				assert(ready[home[i]] & (1 << i));
				assert(cur[home[i]] != NONE)
			:: else ->
				assert(state[i] == BLOCKED || state[i] == RUNNING);
				assert(!TAKEABLE(owed[i], i))
			fi;
			assert(!locked[i]);
#ifdef WITH_EVENTS
			assert(!events[i]);
#endif
			i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < P -> assert(at[i] != AT_HOST); i++
		:: else -> break
		od
	}
}
