/* SPDX-License-Identifier: MIT */
/* A file that a VM is started from, as the loader left it in memory. Not trusted. */
#ifndef GUEST_GUEST_FILE_H
#define GUEST_GUEST_FILE_H

#include "base/types.h"

struct guest_file {
	const uint8_t *data; /* NULL: none */
	uint64_t bytes;
};

#endif
