/* SPDX-License-Identifier: MIT */
/* What boot/ hands to the VMM. Lies in ordinary memory that boot/ allocated and that the
 * memory map calls BOOT_MEM_VMM. Pointers are physical. */
#ifndef BOOT_INFO_H
#define BOOT_INFO_H

#include "base/types.h"

#define BOOT_INFO_MAGIC  0x494c4c4556455231ull
#define BOOT_MEM_REGIONS 256
#define BOOT_FILES       33 /* a kernel and an initrd for each of 16 VMs */
#define BOOT_NAME_BYTES  64

enum boot_mem_type {
	BOOT_MEM_FREE,     /* conventional and boot services memory: ours */
	BOOT_MEM_VMM,      /* the VMM image, page tables, this structure, files */
	BOOT_MEM_FIRMWARE, /* runtime services, ACPI, reserved: keep off */
	BOOT_MEM_ACPI,
};

struct boot_mem {
	uint64_t base, bytes;
	enum boot_mem_type type;
};

struct boot_framebuffer {
	uint64_t base; /* 0: none */
	uint32_t width, height, pitch_bytes;
	uint32_t bgr; /* 1: blue in the low byte */
};

struct boot_file {
	char name[BOOT_NAME_BYTES]; /* as reveille.cfg has it, below the folder of reveille.cfg */
	uint64_t base, bytes;
};

struct boot_info {
	uint64_t magic;
	uint64_t rsdp;                    /* 0: none */
	uint64_t image_base, image_bytes; /* physical, of the VMM */
	uint64_t cr3;
	uint64_t low_page; /* a free page below 1 MiB for the APs' start code */
	struct boot_framebuffer fb;
	uint32_t traced; /* 1: the image with the trace's hooks */
	uint32_t mem_count, file_count;
	struct boot_mem mem[BOOT_MEM_REGIONS]; /* sorted by base, no overlap */
	struct boot_file files[BOOT_FILES];    /* [0] is reveille.cfg */
};

#endif
