/* SPDX-License-Identifier: MIT */
/*
 * Address spaces are types, so that a guest-physical address can't reach a
 * function that wants a system-physical one.
 */
#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
	uint64_t v;
} phys_t; /* system physical address, bytes */

typedef struct {
	uint64_t v;
} gpa_t; /* guest physical address, bytes */

typedef uint32_t apicid_t; /* host physical (x2)APIC ID */
typedef uint16_t devid_t;  /* PCI requester ID: bus 15:8, device 7:3, function 2:0 */

#define PHYS(x)    ((phys_t){ (x) })
#define GPA(x)     ((gpa_t){ (x) })
#define PHYS_NONE  PHYS(~0ull)
#define PAGE_BYTES 4096ull
#define PAGE_MASK  (PAGE_BYTES - 1)

#define KIB                             1024ull
#define MIB                             (1024ull * KIB)
#define GIB                             (1024ull * MIB)
#define ARRAY_COUNT(a)                  (sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(x, a)                  (((x) + (a)-1) & ~((a)-1))
#define ALIGN_DOWN(x, a)                ((x) & ~((a)-1))
#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define DEVID(bus, dev, fn) ((devid_t)((bus) << 8 | (dev) << 3 | (fn)))

#endif
