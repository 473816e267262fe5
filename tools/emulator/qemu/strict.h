/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reports what correct software never does: one line "emulator-strict: ..." on stderr,
 * and the number of them when QEMU ends. "-device reveille-strict,report=off" silences it.
 */
#ifndef REVEILLE_STRICT_H
#define REVEILLE_STRICT_H

#include <stdarg.h>

/* fmt: a string literal, which is also the key of the rate limit. */
void reveille_strict(const char *fmt, ...) G_GNUC_PRINTF(1, 2);
void reveille_vstrict(const char *fmt, va_list args) G_GNUC_PRINTF(1, 0);

#endif
