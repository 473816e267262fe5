/* SPDX-License-Identifier: MIT */
/* Included before all else, by -include: a pCPU of the random simulation that waits for a lock lets
 * the others go on, or whoever holds it never would. */
#ifndef SIM_SPIN_H
#define SIM_SPIN_H

void sim_spin(void);
#define __builtin_ia32_pause sim_spin

#endif
