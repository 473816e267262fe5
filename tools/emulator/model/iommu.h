/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An AMD IOMMU: registers, command buffer, event log, DMA translation, interrupt
 * remapping, guest virtual APIC mode with GA log and GAPPI. 48882 rev 3.11.
 *
 * Everything is called with the host's one lock held; see model.h.
 */
#ifndef IOMMU_H
#define IOMMU_H

#include "model.h"

/* What the part can do and which faults are injected. Constant once created, but for
 * the fault injection, which may be changed at any time. */
struct iommu_config {
	bool gasup;  /* 128-bit IRTEs */
	bool gamsup; /* guest virtual APIC mode, with the GA log */
	bool gappisup;
	bool gappidissup;
	bool xtsup;
	bool iasup;
	bool prefsup;
	bool irtcachedissup; /* the control bit sticks; there is no feature bit for it */
	bool htrangeignore;
	bool smifsup;           /* SMIs of devices can be held back */
	unsigned smi_filters;   /* EFR.SmiFRC: log2 of how many devices may be let through */
	unsigned smi_filter;    /* the first of these registers, as firmware has left it */
	unsigned num_int_remap; /* EFR2.NumIntRemapSup: 0 = 512 entries, 1 = 2048 */
	unsigned hats;          /* EFR.HATS: 0 = 4 levels, 1 = 5, 2 = 6, 3 = none */
	unsigned segments_log2; /* EFR.DevTblSegSup */
	bool caching;           /* false: every structure is read afresh */
	uint64_t mmio_base;
	uint16_t devid; /* of the IOMMU itself */
	uint16_t ioapic_devid;
	uint16_t hpet_devid;

	unsigned spurious_gappi;   /* percent */
	unsigned galog_limit;      /* entries the GA log holds; 0: as its length says */
	bool galog_overflow_int;   /* raise GAInt on overflow too; not guaranteed */
	unsigned wake_lost;        /* the n-th GA log entry or GAPPI from now comes not; 0: none */
	unsigned completion_lost;  /* the n-th COMPLETION_WAIT from now hangs; 0: none */
	bool late_log;             /* a log's tail is seen before its entry (erratum 732) */
	uint32_t command_delay_ns; /* 0: commands run inside the register write */

	/* Call iommu_later() in about ns. Needed for late_log and command_delay_ns. */
	void (*later)(void *opaque, uint32_t ns);
	/* Translations of this range are no longer valid, in every device's space. */
	void (*unmap)(void *opaque, uint64_t iova, uint64_t last);
};

#define DTE_SLOTS  65536
#define IRTE_SLOTS 16384
#define TLB_SLOTS  8192
#define PDE_SLOTS  1024

struct dte_slot {
	bool cached;
	bool faulted; /* a page fault of this device was logged (for SE) */
	uint64_t q[4];
};

struct irte_slot {
	bool cached;
	uint16_t devid;
	uint16_t index;
	uint64_t q[2];
};

/* One 4 KB piece of a translation; shift is the size of the page it came from. */
struct tlb_slot {
	bool cached;
	uint8_t shift;
	uint16_t domain;
	uint64_t page; /* IOVA >> 12 */
	uint64_t spa;
	uint64_t perms; /* PTE_IR | PTE_IW */
};

/* A table pointer of the page directory cache. */
struct pde_slot {
	bool cached;
	uint8_t level; /* of the table that it points to */
	uint16_t domain;
	uint64_t prefix; /* IOVA >> (12 + 9 * level) */
	uint64_t table;
	uint64_t perms;
};

struct late_write {
	uint64_t addr;
	uint64_t q[2];
	unsigned bytes; /* 0: free */
};

/* The MSI capability and the lock of the base address: PCI configuration space. */
struct iommu_pci {
	bool locked;
	uint64_t base;
	uint16_t msi_control;
	uint32_t msi_addr_lo;
	uint32_t msi_addr_hi;
	uint32_t msi_data;
};

struct iommu {
	struct model_host host;
	struct iommu_config cfg;
	struct iommu_pci pci;

	uint64_t reg[0x260 / 8]; /* 0000h to 0258h */
	uint64_t ring[0x98 / 8]; /* 2000h to 2090h; the status word included */
	bool cmd_stopped;        /* by an error; until CmdBufEn is written 0 */
	bool event_stopped;      /* by overflow; until EventLogEn is written 0 */
	bool galog_stopped;
	bool cmd_hung;        /* an injected lost completion */
	bool cmd_active;      /* inside the fetch loop */
	bool galog_full_once; /* injected: the next entry finds the log full */

	struct dte_slot *dte;   /* [DTE_SLOTS] */
	struct irte_slot *irte; /* [IRTE_SLOTS] */
	struct tlb_slot *tlb;   /* [TLB_SLOTS] */
	struct pde_slot *pde;   /* [PDE_SLOTS] */
	struct late_write late[8];

	uint64_t stale_irte_uses; /* a cached IRTE was used that differs from memory */
	uint64_t faults_done;     /* how often one of the injected faults came about */
};

struct iommu *iommu_new(const struct model_host *host, const struct iommu_config *cfg);
void iommu_free(struct iommu *u);
/* As after power-on and firmware: base address set and locked, all else at reset. */
void iommu_reset(struct iommu *u);
/* Every feature of the newest parts, no injected fault. */
void iommu_config_newest(struct iommu_config *cfg);

uint64_t iommu_efr(const struct iommu_config *cfg);
uint64_t iommu_efr2(const struct iommu_config *cfg);

uint64_t iommu_mmio_read(struct iommu *u, uint32_t offset, unsigned bytes);
void iommu_mmio_write(struct iommu *u, uint32_t offset, uint64_t value, unsigned bytes);

/* PCI configuration space: the capabilities, as aligned 32-bit words. false: not one of
 * the model's words. The chain starts at IOMMU_CAP_FIRST. */
#define IOMMU_CAP_FIRST 0x40
bool iommu_pci_read(const struct iommu *u, uint32_t offset, uint32_t *value);
bool iommu_pci_write(struct iommu *u, uint32_t offset, uint32_t value, uint32_t byte_mask);

/* A DMA access. On success spa is the address of the 4 KB piece's byte that iova names
 * and readable, writable say what is allowed there; the access itself was allowed. */
enum iommu_access { IOMMU_READ, IOMMU_WRITE, IOMMU_PROBE };
struct iommu_mapping {
	uint64_t spa;
	bool readable;
	bool writable;
};
bool iommu_translate(struct iommu *u, uint16_t devid, uint64_t iova, enum iommu_access access,
	struct iommu_mapping *out);

/* A write to FEE0_0000h..FEEF_FFFFh by a device. The model delivers it or drops it.
 * false: aborted. */
bool iommu_interrupt(struct iommu *u, uint16_t devid, uint64_t address, uint32_t data);
/* Any other access to that range. */
void iommu_bad_interrupt_access(struct iommu *u, uint16_t devid, uint64_t address, bool write);

/* What was asked for by iommu_config.later. */
void iommu_later(struct iommu *u);

/* The next GA log entry finds the log full. */
void iommu_inject_galog_overflow(struct iommu *u);

/* Requests of the devices first to last carry the ID source: bridges to conventional PCI. */
struct iommu_alias {
	uint16_t first;
	uint16_t last;
	uint16_t source;
};

/* ACPI: the body of IVRS from offset 24h on (IVinfo, reserved, blocks). Returns bytes. */
size_t iommu_ivrs(const struct iommu *u, unsigned ioapic_id, const struct iommu_alias *alias,
	size_t aliases, uint8_t *buf, size_t room);

#endif
