/* SPDX-License-Identifier: MIT */
/* Seam 1 of 4, host side: device registers. */
#ifndef HW_MMIO_H
#define HW_MMIO_H

#include "sim.h"

#define HOST_MMIO(bits)                                                                            \
	static inline uint##bits##_t mmio_read##bits(const volatile void *p)                       \
	{                                                                                          \
		sim_point();                                                                       \
		return (uint##bits##_t)sim_mmio_read(p, bits / 8);                                 \
	}                                                                                          \
	static inline void mmio_write##bits(volatile void *p, uint##bits##_t v)                    \
	{                                                                                          \
		sim_point();                                                                       \
		sim_mmio_write(p, bits / 8, v);                                                    \
	}

HOST_MMIO(8)
HOST_MMIO(16)
HOST_MMIO(32)
HOST_MMIO(64)

#endif
