/* SPDX-License-Identifier: MIT */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

/* Stops all CPUs and prints registers and the last trace entries. For our bugs only:
 * nothing that a guest, a device, the config or firmware says may lead here. */
_Noreturn void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (__builtin_expect(!(cond), 0))                                                  \
			panic("%s:%d: CHECK(%s) failed", __FILE__, __LINE__, #cond);               \
	} while (0)

#endif
