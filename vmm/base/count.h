/* SPDX-License-Identifier: MIT */
/* Counters that cost an instruction where it hurts. uncounted/ has another file of this name, in
 * which they cost nothing: tools/report/cost.py compares the two. */
#ifndef BASE_COUNT_H
#define BASE_COUNT_H

#define COUNTS         true
#define COUNT(counter) ((void)((counter)++))

#endif
