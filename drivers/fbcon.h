/* SPDX-License-Identifier: MIT */
/* Text on the firmware's framebuffer, for test boxes without a serial port. */
#ifndef DRIVERS_FBCON_H
#define DRIVERS_FBCON_H

#include "boot/boot_info.h"

bool fbcon_init(const struct boot_framebuffer *fb);
/* Nothing more is written. */
void fbcon_close(void);
void fbcon_write(const char *text, size_t bytes);

#endif
