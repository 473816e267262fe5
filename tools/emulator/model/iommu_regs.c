// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The register window. Every register of the map is here, those of absent features as
 * read-only zeroes. 48882 rev 3.11, "IOMMU MMIO Registers".
 */
#include "iommu_internal.h"

enum reg_kind {
	PLAIN,   /* the writable bits are stored */
	CONST,   /* read-only, or of a feature that is absent */
	STOPPED, /* to be written only while the unit of `run` is stopped */
	HEAD,    /* of a log: software's pointer */
	TAIL,    /* of the command buffer: software's pointer */
	CONTROL,
	STATUS,
	SMI_FILTER, /* as it is for ever once its lock bit is set */
	PCI,        /* a mirror of configuration space, from offset pci */
};

struct reg {
	uint32_t offset;
	enum reg_kind kind;
	uint64_t writable;
	uint64_t run;
	uint32_t base; /* of the ring that a pointer is for */
};

#define BASE_BITS  (BITS64(51, 12) | BITS64(59, 56))
#define RING_BITS  BITS64(18, 4)
#define GA_BITS    BITS64(18, 3)
#define XT_BITS    (BIT64(2) | BITS64(31, 8) | BITS64(40, 32) | BITS64(63, 56))
#define TABLE_BITS (BITS64(51, 12) | BITS64(8, 0))

static const struct reg regs[] = {
	{ REG_DEVTAB, PLAIN, TABLE_BITS, 0, 0 },
	{ REG_CMD_BASE, STOPPED, BASE_BITS, STS_CMD_RUN, 0 },
	{ REG_EVENT_BASE, STOPPED, BASE_BITS, STS_EVENT_RUN, 0 },
	{ REG_CONTROL, CONTROL, 0, 0, 0 },
	{ REG_EXCL_BASE, PLAIN, BITS64(51, 12) | BITS64(1, 0), 0, 0 },
	{ REG_EXCL_LIMIT, PLAIN, BITS64(51, 12), 0, 0 },
	{ REG_EFR, CONST, 0, 0, 0 },
	{ REG_GA_BASE, STOPPED, BASE_BITS, STS_GALOG_RUN, 0 },
	{ REG_GA_TAIL_ADDR, STOPPED, BITS64(51, 3), STS_GALOG_RUN, 0 },
	{ REG_MISC_INFO, PCI, 0, 0, 0x50 },
	{ REG_MSI_CAP, PCI, ~0ull, 0, 0x60 },
	{ REG_MSI_ADDR_HIGH, PCI, ~0ull, 0, 0x68 },
	{ REG_MSI_MAP, PCI, 0, 0, 0x70 },
	{ REG_XT_GENERAL, PLAIN, XT_BITS, 0, 0 },
	{ REG_XT_PPR, PLAIN, XT_BITS, 0, 0 },
	{ REG_XT_GA, PLAIN, XT_BITS, 0, 0 },
	{ REG_EFR2, CONST, 0, 0, 0 },
	{ REG_CMD_HEAD, STOPPED, RING_BITS, STS_CMD_RUN, 0 },
	{ REG_CMD_TAIL, TAIL, RING_BITS, STS_CMD_RUN, REG_CMD_BASE },
	{ REG_EVENT_HEAD, HEAD, RING_BITS, STS_EVENT_RUN, REG_EVENT_BASE },
	{ REG_EVENT_TAIL, STOPPED, RING_BITS, STS_EVENT_RUN, 0 },
	{ REG_STATUS, STATUS, 0, 0, 0 },
	{ REG_GA_HEAD, HEAD, GA_BITS, STS_GALOG_RUN, REG_GA_BASE },
	{ REG_GA_TAIL, STOPPED, GA_BITS, STS_GALOG_RUN, 0 },
};

/* Registers of features that this part has not: they read 0. */
static bool absent_feature(uint32_t o)
{
	return o == REG_PPR_BASE || (o >= REG_HEV_UPPER && o <= REG_HEV_STATUS) ||
	       o == REG_PPR_B_BASE || o == REG_EVENT_B_BASE ||
	       (o >= REG_DEV_FEATURE && o <= REG_DEV_STATUS) || o == REG_VIOMMU_STATUS ||
	       (o >= REG_VMGUARD_FIRST && o <= REG_VMGUARD_LAST) ||
	       (o >= REG_MARC_FIRST && o <= REG_MARC_LAST) || o == REG_PPR_HEAD ||
	       o == REG_PPR_TAIL || o == REG_PPR_B_HEAD || o == REG_PPR_B_TAIL ||
	       o == REG_EVENT_B_HEAD || o == REG_EVENT_B_TAIL || o == REG_PPR_AUTO ||
	       o == REG_PPR_EARLY || o == REG_PPR_EARLY_B;
}

static const struct reg segment_reg = { REG_SEGMENT1, PLAIN, BITS64(51, 12) | BITS64(7, 0), 0, 0 };
static const struct reg smi_reg = { REG_SMI_FILTER0, SMI_FILTER,
	SMIF_DEVICE | SMIF_VALID | SMIF_LOCK, 0, 0 };
static const struct reg absent_reg = { 0, CONST, 0, 0, 0 };

static const struct reg *find(const struct iommu *u, uint32_t o)
{
	for (unsigned i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		if (regs[i].offset == o)
			return &regs[i];
	}
	if (o >= REG_SEGMENT1 && o <= REG_SEGMENT7) {
		bool there = (o - REG_SEGMENT1) / 8 + 1 < 1u << u->cfg.segments_log2;

		return there ? &segment_reg : &absent_reg;
	}
	if (o >= REG_SMI_FILTER0 && o <= REG_SMI_FILTER15) {
		bool there = (o - REG_SMI_FILTER0) / 8 < iommu_smi_filters(&u->cfg);

		return there ? &smi_reg : &absent_reg;
	}
	return absent_feature(o) ? &absent_reg : NULL;
}

static bool well_formed(struct iommu *u, uint32_t offset, unsigned bytes)
{
	if ((bytes == 4 || bytes == 8) && offset % bytes == 0 && offset < IOMMU_WINDOW)
		return true;
	STRICT(u, "register access at %#x of %u bytes", offset, bytes);
	return false;
}

static uint64_t read64(struct iommu *u, uint32_t o)
{
	const struct reg *r = find(u, o);

	if (!r)
		return 0;
	if (r->kind != PCI)
		return iommu_get(u, o);
	uint32_t low = 0, high = 0;

	iommu_pci_read(u, r->base, &low);
	iommu_pci_read(u, r->base + 4, &high);
	return (uint64_t)high << 32 | low;
}

uint64_t iommu_mmio_read(struct iommu *u, uint32_t offset, unsigned bytes)
{
	if (!well_formed(u, offset, bytes))
		return 0;
	uint64_t value = read64(u, offset & ~7u);

	if (bytes == 4)
		value = offset & 4 ? value >> 32 : value & 0xffffffff;
	iommu_stopwatch(u, SW_IOMMU_MMIO, 0, offset, value, bytes);
	return value;
}

static bool inside_ring(struct iommu *u, const struct reg *r, uint64_t value)
{
	if (value < iommu_log_bytes(u, r->base))
		return true;
	STRICT(u, "register %#x: %#llx is outside of the ring", r->offset,
		(unsigned long long)value);
	return false;
}

/* A log's head may move over what is there to read, no further. */
static void write_head(struct iommu *u, const struct reg *r, uint64_t value)
{
	uint64_t *head = iommu_reg(u, r->offset);

	if (!(iommu_get(u, REG_STATUS) & r->run)) {
		*head = value;
		return;
	}
	if (!inside_ring(u, r, value))
		return;
	uint64_t mask = iommu_log_bytes(u, r->base) - 1;
	uint64_t tail = iommu_get(u, r->offset + 8);

	if (((value - *head) & mask) > ((tail - *head) & mask))
		STRICT(u, "register %#x: head %#llx passes the tail %#llx", r->offset,
			(unsigned long long)value, (unsigned long long)tail);
	*head = value;
}

static void write_tail(struct iommu *u, const struct reg *r, uint64_t value)
{
	bool running = iommu_get(u, REG_STATUS) & r->run;

	if (running && !inside_ring(u, r, value))
		return;
	*iommu_reg(u, r->offset) = value;
	if (u->cfg.command_delay_ns && u->cfg.later)
		u->cfg.later(u->host.opaque, u->cfg.command_delay_ns);
	else
		iommu_cmd_run(u);
}

static void write_pci(struct iommu *u, const struct reg *r, uint64_t value, uint64_t lanes)
{
	if ((uint32_t)lanes)
		iommu_pci_write(u, r->base, (uint32_t)value, ~0u);
	if (lanes >> 32)
		iommu_pci_write(u, r->base + 4, (uint32_t)(value >> 32), ~0u);
}

static void write_plain(
	struct iommu *u, const struct reg *r, uint32_t o, uint64_t value, uint64_t lanes)
{
	uint64_t reserved = value & ~r->writable & lanes;

	if (reserved)
		STRICT(u, "register %#x: reserved bits %#llx", o, (unsigned long long)reserved);
	value &= r->writable;
	if (r->kind == HEAD) {
		write_head(u, r, value);
	} else if (r->kind == TAIL) {
		write_tail(u, r, value);
	} else if (r->kind == STOPPED && (iommu_get(u, REG_STATUS) & r->run)) {
		STRICT(u, "register %#x written while its unit runs", o);
	} else {
		*iommu_reg(u, o) = value;
	}
}

static void write64(struct iommu *u, uint32_t o, uint64_t value, uint64_t lanes)
{
	const struct reg *r = find(u, o);

	if (!r) {
		STRICT(u, "write to %#x, where no register is", o);
		return;
	}
	/* The other half keeps its value; in the status register it must not be cleared. */
	uint64_t merged = (value & lanes) | (read64(u, o) & ~lanes);

	switch (r->kind) {
	case CONST:
		if (value & lanes)
			STRICT(u, "write to the read-only register %#x", o);
		break;
	case CONTROL:
		iommu_control_write(u, merged);
		break;
	case STATUS:
		*iommu_reg(u, o) &= ~(value & lanes & STS_W1C);
		break;
	case SMI_FILTER:
		if (iommu_get(u, o) & SMIF_LOCK)
			STRICT(u, "write to the locked SMI filter %#x", o);
		else
			write_plain(u, r, o, merged, lanes);
		break;
	case PCI:
		write_pci(u, r, value, lanes);
		break;
	default:
		write_plain(u, r, o, merged, lanes);
		break;
	}
}

void iommu_mmio_write(struct iommu *u, uint32_t offset, uint64_t value, unsigned bytes)
{
	iommu_stopwatch(u, SW_IOMMU_MMIO, 1, offset, value, bytes);
	if (!well_formed(u, offset, bytes))
		return;
	if (bytes == 8)
		write64(u, offset, value, ~0ull);
	else if (offset & 4)
		write64(u, offset & ~7u, value << 32, ~0ull << 32);
	else
		write64(u, offset, value & 0xffffffff, 0xffffffff);
}
