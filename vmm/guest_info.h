/* SPDX-License-Identifier: MIT */
/* The page that a built-in guest finds at GUEST_INFO_GPA; every vCPU starts in long mode (identity
 * map, flat) with RDI = its index. Shared with tests/guest/ (and with any launcher of the same
 * image). */
#ifndef VMM_GUEST_INFO_H
#define VMM_GUEST_INFO_H

#include <stdint.h>

#define GUEST_INFO_GPA 0x8000
#define GUEST_LOAD_GPA 0x200000 /* image; entry at its first byte */
#define GUEST_TABLES_GPA                                                                           \
	0x10000 /* page tables that map the first 512 GiB one to one by 1 GiB pages */
#define GUEST_HIGH_GPA       0x100000000 /* where memory goes on that has no place below */
#define GUEST_HYPERCALL_PORT 0x52
#define GUEST_INFO_MAGIC     0x4f464e4954534755ull
#define GUEST_INFO_DEVICES   32

struct guest_info_device {
	uint16_t vendor, device;
	uint32_t messages; /* MSI/MSI-X messages that HC_ROUTE takes; 0 with a PCI bus */
	struct {
		uint64_t gpa, bytes;
	} bar[6];
};

struct guest_info {
	uint64_t magic;
	uint32_t vcpu_count, device_count;
	uint64_t memory_bytes; /* from 0 on */
	uint32_t x2apic;       /* 1: the guest's APICs are in x2APIC mode */
	uint32_t tsc_per_us;
	uint32_t hypercall_by_port; /* 1: OUT to GUEST_HYPERCALL_PORT instead of VMMCALL */
	uint64_t pci_ecam;   /* configuration space of bus 0 in memory; 0: no bus, use device[] */
	uint64_t high_bytes; /* memory from GUEST_HIGH_GPA on */
	char args[128];
	uint8_t vcpu_pcpu[128]; /* pCPU of each vCPU, for the bench's choice of arms */
	struct guest_info_device device[GUEST_INFO_DEVICES];
};

#endif
