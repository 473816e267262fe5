/* SPDX-License-Identifier: MIT */
/*
 * A guest's CMOS clock (Motorola MC146818) at ports 70h and 71h: the machine's date, to be read. It
 * can't be set, has neither alarm nor interrupt, and its RAM reads 0. Linux has the date at boot
 * from pvclock.h; this is for what asks /dev/rtc, and for kernels that know no such clock.
 */
#ifndef GUEST_VRTC_H
#define GUEST_VRTC_H

#include "base/types.h"

struct port_access;

struct vrtc {
	uint32_t index; /* (shared) the register that the data port shows */
};

/* One of the two ports. Any CPU; two vCPUs that use them at once get what they would on a machine.
 */
void vrtc_access(struct vrtc *r, struct port_access *a);

#endif
