/* SPDX-License-Identifier: MIT */
/* One AMD IOMMU: discovery data, registers, control shadow, bring-up, own interrupts. */
#ifndef IOMMU_IOMMU_H
#define IOMMU_IOMMU_H

#include "base/err.h"
#include "base/spinlock.h"
#include "base/types.h"

#define IOMMU_MAX 16

struct iommu_features {
	bool ga, gam, gappi, gappi_dis, xt, ia, nx, np_cache;
	uint32_t host_levels; /* page table levels the walker takes */
	uint32_t irte_max;    /* 512 or 2048 */
	uint32_t smi_filters; /* registers; 0: every device can send SMIs */
	uint64_t efr, efr2;   /* raw, for the survey */
};

/* From the two registers, or their images in the IVRS; np_cache, which is elsewhere, stays. */
void iommu_decode_features(struct iommu_features *f, uint64_t efr, uint64_t efr2);

struct cmd_ring {
	uint64_t *entry;   /* 16 bytes each */
	uint32_t tail;     /* bytes */
	uint32_t queued;   /* entries since the last completion */
	uint64_t sequence; /* of the last COMPLETION_WAIT */
	uint64_t commands; /* ever written */
	uint64_t *done;    /* where hardware stores the sequence */
};

struct galog {
	uint64_t *entry;
	uint64_t *tail_copy; /* written by hardware (GA log tail address) */
	uint32_t bytes, head;
	uint32_t head_told; /* as last written to the register */
	uint32_t overdue;   /* looks in vain for an entry that the tail promises */
	bool enabled;
	uint32_t draining; /* (shared) between galog_begin() and galog_end() */
	uint64_t entries, overflows, recoveries; /* counters */
};

struct event_log {
	uint64_t *entry;
	uint32_t bytes, head;
	uint64_t events, overflows;
};

struct iommu {
	volatile uint8_t *regs;  /* (const) */
	uint32_t index;          /* (const) */
	devid_t dev;             /* (const) its own PCI function */
	uint16_t cap_offset;     /* (const) */
	struct iommu_features f; /* (const) */
	struct spinlock lock;    /* rank IOMMU: control, cmd, device table */
	uint64_t control;        /* (lock) shadow of the control register */
	uint64_t *device_table;  /* (lock) 4 words a device, 65536 devices or fewer */
	uint32_t device_count;   /* (const) */
	struct cmd_ring cmd;     /* (lock) */
	struct event_log event;  /* boot CPU */
	struct galog galog;      /* the CPU that its interrupt targets */
	apicid_t galog_apicid;   /* (shared) its interrupt's target; written under lock by it */
	bool failed;             /* (lock) a completion never came: no more commands */
	bool xt;                 /* (const) 32-bit destinations, XT interrupt registers */
	bool one_message; /* (const) MSI with one message: GA log interrupts come on the event
			   * vector, whose handler then looks at both logs */
	bool mute;        /* (const) it can't send interrupts of its own: no GA log */
	uint64_t mmio_reads, mmio_writes; /* counters of the wake path's accesses (own CPU) */
};

/* What ivrs.c found; see ivrs.h. */
struct ivrs;

/* Where the units' own interrupts go. With MSI (no XT registers, or xAPIC) both go to
 * galog_apicid. */
struct iommu_setup {
	apicid_t event_apicid, galog_apicid;
	uint8_t event_vector,
		galog_vector;   /* galog = event + 1, event even: MSI messages 0 and 1 */
	bool x2apic;            /* the CPUs use x2APIC IDs */
	uint32_t galog_entries; /* ring size: 512..8192, a power of two */
};

/* Takes all IOMMUs over from firmware: off, tables that block every device, rings, event log,
 * 128-bit IRTEs, XT mode where the CPUs use x2APIC IDs, on. A machine without an IVRS (NULL) or an
 * IOMMU: ERR_UNFIT, count 0. A unit that can't be brought up is left out and logged; its devices
 * have no iommu_of(). */
err_t iommu_init_all(const struct ivrs *ivrs, const struct iommu_setup *setup) MUST_USE;
uint32_t iommu_count(void);
struct iommu *iommu_by_index(uint32_t i);
/* The one that a device is behind; NULL: none. */
struct iommu *iommu_of(devid_t dev);
/* Requester ID that a device's requests carry (IVRS aliases). */
devid_t iommu_alias(devid_t dev);
/* The unit that an I/O APIC's interrupts pass, and the requester ID that they carry: the IVRS'
 * special devices, by the I/O APIC's ID. NULL: it names none. */
struct iommu *iommu_of_ioapic(uint8_t ioapic_id, devid_t *dev);
/* Likewise an HPET's, by its number in its ACPI table. */
struct iommu *iommu_of_hpet(uint8_t number, devid_t *dev);
/* The IVRS' unity-mapped ranges (IVMD) of a device into its domain, before dte_assign().
 * ERR_INVALID: the range is the domain's already, for something else. */
struct domain;
err_t iommu_map_unity(struct domain *d, devid_t dev) MUST_USE;
/* Guest-mode IRTEs on (GAMEn); done once, before the first irte_post(). */
err_t iommu_enable_guest_mode(struct iommu *u) MUST_USE;

/* DTEs: a device is blocked (DMA aborted, interrupts aborted), or given to a domain. */
struct domain {
	uint16_t id;
	uint32_t levels;
	phys_t root;
};
struct irt;
err_t dte_assign(
	struct iommu *u, devid_t dev, const struct domain *d, const struct irt *irt) MUST_USE;
err_t dte_block(struct iommu *u, devid_t dev) MUST_USE;
/* Its interrupts go by the table; DMA stays blocked. For I/O APICs and HPETs. */
err_t dte_remap(struct iommu *u, devid_t dev, const struct irt *irt) MUST_USE;
/* dev, which a guest will have, sends no SMIs from now on, where the unit can see to that
 * (f.smi_filters). ERR_UNFIT: firmware lets them through and has locked that. */
err_t smi_forbid(struct iommu *u, devid_t dev) MUST_USE;
/* What an ID has now: one of an I/O APIC or an HPET may be a PCI function's too, and there is one
 * entry for both. Without the lock: VMs get what they get at boot, one after the other. */
enum dte_use { DTE_BLOCKED, DTE_REMAPPED, DTE_ASSIGNED };
enum dte_use dte_use(const struct iommu *u, devid_t dev);

/* I/O page tables (v1) of a domain. */
err_t iopt_init(struct domain *d, uint16_t id, uint32_t levels) MUST_USE;
enum iopt_perm { IOPT_R = 1, IOPT_W = 2, IOPT_RW = 3 };
/* 4 KiB multiples; larger leaves where alignment allows. The same mapping once more is fine,
 * another one in its place ERR_INVALID. New mappings need no invalidation unless NpCache: map
 * before dte_assign(), which invalidates the domain. */
err_t iopt_map(
	struct domain *d, uint64_t iova, phys_t host, uint64_t bytes, enum iopt_perm perm) MUST_USE;

/* Event log: yields one decoded event; false when empty. status bits are acknowledged inside. */
struct iommu_event {
	uint8_t code;
	devid_t dev;
	uint16_t domain;
	uint16_t flags;
	uint64_t address;
	const char *name;
};
bool event_next(struct iommu *u, struct iommu_event *e);

#endif
