/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_FONT_H
#define DRIVERS_FONT_H

#include "base/types.h"

#define FONT_FIRST   0x20
#define FONT_LAST    0x7e
#define FONT_COLUMNS 5
#define FONT_ROWS    7

extern const uint8_t font_rows[FONT_LAST - FONT_FIRST + 1][FONT_ROWS];

#endif
