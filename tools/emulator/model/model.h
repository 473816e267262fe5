/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the hardware model asks of whoever hosts it: QEMU's glue (../qemu/) or a
 * unit test. The model is portable C11: it includes no header of QEMU and none of
 * the hypervisor, and it holds its own transcription of the facts (spec_*.h).
 *
 * Threads: the host calls the model with one lock held (QEMU's BQL). The machine's
 * memory is written by others at any time, so words that the hypervisor changes
 * while hardware looks at them go through load64, load128 and or32.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_NO_CPU 0xff /* not in the context of a CPU */

/* The kinds of stopwatch record; the file format is in stopwatch.h. */
enum sw_kind {
	SW_POST = 1, /* IRTE post.        x vector       a device ID  b vAPIC page  c IRTE low */
	SW_GALOG,    /* GA log entry.                    a GATag      b tail after  c device ID */
	SW_GAPPI,    /* GAPPI sent.       x vector       a destination b vAPIC page */
	SW_HOST_IRQ, /* host takes an interrupt. x vector */
	SW_VMEXIT,   /* #VMEXIT.                           a exit code, low 32 b VMCB c guest RAX */
	SW_VMRUN,    /* VMRUN.            x EVENTINJ 15:0 if valid, else 0  a ASID  b VMCB
		      *                   c vAPIC page | 1 when AVIC is on, else 0 */
	SW_DOORBELL, /* doorbell.         x 1 from the IOMMU, 0 MSR or ICR  a destination */
	SW_VIRQ,     /* virtual interrupt enters the guest. x vector  a 0 vAPIC, 1 V_IRQ,
		      *                   2 EVENTINJ     b VMCB       c vAPIC page or 0 */
	SW_IOMMU_MMIO, /* register access.  x 1 write      a offset     b value       c size */
	SW_IOMMU_CMD,  /* command executed. x opcode                    b q0          c q1 */
	SW_REMAP,      /* remapped to host. x vector       a destination              c device ID */
	SW_GALOG_OVERFLOW, /*                              a GATag lost               c device ID */
};

struct model_host {
	void *opaque;

	/* Physical memory of the machine, as the hardware reaches it. false: nothing there. */
	bool (*read)(void *opaque, uint64_t addr, void *buf, size_t bytes);
	bool (*write)(void *opaque, uint64_t addr, const void *buf, size_t bytes);

	/* Atomic, naturally aligned, sequentially consistent. */
	bool (*load64)(void *opaque, uint64_t addr, uint64_t *value);
	bool (*load128)(void *opaque, uint64_t addr, uint64_t value[2]);
	bool (*or32)(void *opaque, uint64_t addr, uint32_t bits, uint32_t *old);
	bool (*and32)(void *opaque, uint64_t addr, uint32_t bits, uint32_t *old);

	/* A physical interrupt message onto the machine's APIC bus (never remapped). */
	void (*interrupt)(void *opaque, uint32_t dest, bool logical, unsigned delivery_mode,
		bool level, uint8_t vector);
	/* An MSI by address and data as the PCI capability says (never remapped). */
	void (*msi)(void *opaque, uint64_t address, uint32_t data);
	/* The AVIC doorbell to the core with this host physical APIC ID. */
	void (*doorbell)(void *opaque, uint32_t apicid);

	/* Something that correct software never does; the run must fail. printf style. */
	void (*strict)(void *opaque, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

	/* One stopwatch record; NULL when the stopwatch is off. */
	void (*stopwatch)(
		void *opaque, enum sw_kind kind, uint16_t x, uint32_t a, uint64_t b, uint64_t c);
	/* A uniformly distributed number below n, for injected faults; repeatable. */
	uint32_t (*random)(void *opaque, uint32_t n);
};

#endif
