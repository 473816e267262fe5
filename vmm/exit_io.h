/* SPDX-License-Identifier: MIT */
#ifndef VMM_EXIT_IO_H
#define VMM_EXIT_IO_H

#include "base/types.h"

/* One access of IN or OUT, as a device sees it. bytes is 1, 2 or 4; it may reach over the end of
 * the device's ports. */
struct port_access {
	uint16_t port;
	unsigned bytes;
	bool in;
	uint32_t value; /* OUT: zero-extended; IN: filled in by the device, bits above ignored */
};

#endif
