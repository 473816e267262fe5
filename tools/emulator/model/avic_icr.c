/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inter-processor interrupts (24593 rev 3.44, "AVIC IPI Delivery", "Interrupt Command
 * Register"). Fixed, edge-triggered ones are delivered by hardware; the rest, and those
 * to a vCPU that is not running, end in exit 401h behind the instruction.
 */
#include "avic_page.h"

struct ipi {
	uint64_t icr;
	uint8_t vector;
	bool stopped;           /* some target has IsRunning = 0 */
	unsigned stopped_index; /* the first one of them */
	bool bad_page;
	unsigned bad_index;
};

static enum avic_result incomplete(
	struct avic_core *core, uint64_t icr, unsigned id, unsigned index)
{
	/* Seen on silicon: what software has to finish still looks busy in the page. */
	if ((id == IPI_BAD_TYPE || id == IPI_BAD_TARGET) && core->machine->opt.icr_busy)
		page_set(core, APIC_ICR_LOW, (uint32_t)icr | ICR_BUSY);
	core->exit.code = EXIT_INCOMPLETE_IPI;
	core->exit.info1 = icr;
	core->exit.info2 = (uint64_t)id << 32 | index;
	return AVIC_TRAP;
}

static unsigned stale_slot(uint64_t addr)
{
	return (addr >> 3 ^ addr >> 12) % AVIC_STALE_SLOTS;
}

void avic_note_running(struct avic_machine *machine, uint64_t addr, uint64_t entry)
{
	struct avic_stale *slot = &machine->stale[stale_slot(addr)];

	slot->addr = addr;
	slot->entry = entry;
}

/*
 * Erratum 1235: a core that sends an IPI may miss that IsRunning was cleared. Only an
 * entry that once had the bit set can be seen so: who never sets it is safe.
 */
static uint64_t entry_as_seen(struct avic_core *core, uint64_t addr, uint64_t entry)
{
	struct avic_machine *machine = core->machine;
	const struct avic_stale *slot = &machine->stale[stale_slot(addr)];

	if (entry & PHYS_ENTRY_RUNNING) {
		avic_note_running(machine, addr, entry);
		return entry;
	}
	if (slot->addr != addr || !machine->opt.erratum_1235_percent)
		return entry;
	if (machine->host->random(machine->host->opaque, 100) < machine->opt.erratum_1235_percent)
		return slot->entry;
	return entry;
}

static bool read_entry(const struct avic_core *core, unsigned index, uint64_t *entry)
{
	const struct model_host *host = core->machine->host;

	if (index > core->max_index || (!core->x2 && index >= XAVIC_MAX_INDEX))
		return false;
	if (!host->load64(host->opaque, core->physical + index * 8ull, entry))
		return false;
	if (!(*entry & PHYS_ENTRY_VALID))
		return false;
	if (*entry & PHYS_ENTRY_SBZ)
		host->strict(host->opaque,
			"physical APIC ID table: entry %u, reserved bits: %016llx", index,
			(unsigned long long)*entry);
	return true;
}

/* IRR first, then IsRunning: the other side clears IsRunning and then reads the IRR. */
static void deliver(struct avic_core *core, struct ipi *ipi, unsigned index, uint64_t entry)
{
	const struct model_host *host = core->machine->host;
	uint64_t addr = core->physical + index * 8ull;

	if (!page_post(core, entry & PHYS_ENTRY_PAGE, ipi->vector)) {
		host->strict(host->opaque, "physical APIC ID table: entry %u, no page at %llx",
			index, (unsigned long long)(entry & PHYS_ENTRY_PAGE));
		ipi->bad_page = true;
		ipi->bad_index = index;
		return;
	}
	host->load64(host->opaque, addr, &entry);
	entry = entry_as_seen(core, addr, entry);
	if (entry & PHYS_ENTRY_RUNNING) {
		host->doorbell(host->opaque, entry & PHYS_ENTRY_HOST_ID);
	} else if (!ipi->stopped) {
		ipi->stopped = true;
		ipi->stopped_index = index;
	}
}

static enum avic_result finish(struct avic_core *core, const struct ipi *ipi)
{
	avic_evaluate(core);
	if (ipi->bad_page)
		return incomplete(core, ipi->icr, IPI_BAD_PAGE, ipi->bad_index);
	if (ipi->stopped)
		return incomplete(core, ipi->icr, IPI_NOT_RUNNING, ipi->stopped_index);
	return AVIC_DONE;
}

static enum avic_result broadcast(struct avic_core *core, struct ipi *ipi, bool others)
{
	for (unsigned index = 0; index <= core->max_index; index++) {
		uint64_t entry;

		if (!read_entry(core, index, &entry))
			continue;
		if (others && (entry & PHYS_ENTRY_PAGE) == core->backing)
			continue;
		deliver(core, ipi, index, entry);
	}
	return finish(core, ipi);
}

/*
 * Directed: all targets must be known before the first one gets the interrupt. What
 * hardware does with the others when one is unknown is open: hence the option.
 */
static enum avic_result directed(
	struct avic_core *core, struct ipi *ipi, const unsigned *targets, unsigned count)
{
	uint64_t entries[16];

	for (unsigned i = 0; i < count; i++) {
		if (read_entry(core, targets[i], &entries[i]))
			continue;
		for (unsigned j = 0; j < i && core->machine->opt.partial_multicast; j++)
			deliver(core, ipi, targets[j], entries[j]);
		avic_evaluate(core);
		return incomplete(core, ipi->icr, IPI_BAD_TARGET, targets[i] & 0xfff);
	}
	for (unsigned i = 0; i < count; i++)
		deliver(core, ipi, targets[i], entries[i]);
	return finish(core, ipi);
}

static bool logical_entry(struct avic_core *core, unsigned slot, unsigned *id)
{
	const struct model_host *host = core->machine->host;
	uint32_t entry = 0;

	if (!host->read(host->opaque, core->logical + slot * 4ull, &entry, sizeof(entry)))
		return false;
	if (!(entry & LOGICAL_ENTRY_VALID))
		return false;
	if (entry & LOGICAL_ENTRY_SBZ)
		host->strict(host->opaque, "logical APIC ID table: entry %u, reserved bits: %08x",
			slot, entry);
	*id = entry & LOGICAL_ENTRY_ID;
	return true;
}

/*
 * xAVIC: eight flat entries, or fifteen clusters of four. The manual does not say where
 * the core takes the model from; the DFR of its own page is what it has at hand.
 */
static enum avic_result logical_xavic(struct avic_core *core, struct ipi *ipi, unsigned dest)
{
	unsigned dfr = page_get(core, APIC_DFR) >> 28;
	bool flat = dfr == 15;
	unsigned mask = flat ? dest : dest & 15;
	unsigned first = flat ? 0 : dest >> 4 << 2;
	unsigned targets[8];
	unsigned count = 0;

	if (!flat && (dfr != 0 || dest >> 4 == 15))
		return incomplete(core, ipi->icr, IPI_BAD_TARGET, 0);
	for (unsigned bit = 0; bit < 8; bit++) {
		if (!(mask >> bit & 1))
			continue;
		if (!logical_entry(core, first + bit, &targets[count++]))
			return incomplete(core, ipi->icr, IPI_BAD_TARGET, first + bit);
	}
	return directed(core, ipi, targets, count);
}

/* x2AVIC: no table; the logical ID names a cluster of sixteen physical IDs. */
static enum avic_result logical_x2avic(struct avic_core *core, struct ipi *ipi, uint32_t dest)
{
	unsigned targets[16];
	unsigned count = 0;

	for (unsigned bit = 0; bit < 16; bit++) {
		if (dest >> bit & 1)
			targets[count++] = (dest >> 16) * 16 + bit;
	}
	return directed(core, ipi, targets, count);
}

static enum avic_result send_to_self(struct avic_core *core, struct ipi *ipi)
{
	page_post(core, core->backing, ipi->vector);
	return finish(core, ipi);
}

enum avic_result avic_write_icr(struct avic_core *core, uint32_t low, uint32_t high)
{
	struct ipi ipi = { .icr = (uint64_t)high << 32 | low, .vector = low & ICR_VECTOR };
	uint32_t dest = core->x2 ? high : high >> 24;
	unsigned target = dest;
	bool everybody = core->x2 ? dest == X2AVIC_BROADCAST && core->machine->opt.x2_broadcast
				  : dest == XAVIC_BROADCAST;

	page_set(core, APIC_ICR_LOW, low);
	page_set(core, APIC_ICR_HIGH, high);
	/* Type before vector: an INIT has vector 0 and is no bad vector. */
	if ((low & ICR_TYPE) || (low & ICR_LEVEL_TRIGGER))
		return incomplete(core, ipi.icr, IPI_BAD_TYPE, 0);
	if (ipi.vector < 16)
		return incomplete(core, ipi.icr, IPI_BAD_VECTOR, 0);
	switch (low & ICR_SHORTHAND) {
	case ICR_SELF:
		return send_to_self(core, &ipi);
	case ICR_ALL:
		return broadcast(core, &ipi, false);
	case ICR_OTHERS:
		return broadcast(core, &ipi, true);
	default:
		break;
	}
	if (everybody)
		return broadcast(core, &ipi, false);
	if (!(low & ICR_LOGICAL))
		return directed(core, &ipi, &target, 1);
	return core->x2 ? logical_x2avic(core, &ipi, dest) : logical_xavic(core, &ipi, dest);
}

/* SELF IPI (MSR 83Fh) is the ICR with shorthand self, without a register behind it. */
enum avic_result avic_self_ipi(struct avic_core *core, uint32_t vector)
{
	struct ipi ipi = { .icr = ICR_SELF | vector, .vector = vector };

	if (vector < 16)
		return incomplete(core, ipi.icr, IPI_BAD_VECTOR, 0);
	return send_to_self(core, &ipi);
}
