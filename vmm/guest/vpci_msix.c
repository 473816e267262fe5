// SPDX-License-Identifier: MIT
/*
 * The MSI-X table. What the guest writes stays in a copy; entry n of the device's own table selects
 * IRTE n for ever, and only its mask bit follows the guest's. So while an entry is masked its
 * interrupts wait as pending bits in the device, whatever is changed meanwhile, and a change of an
 * entry that isn't masked changes a live IRTE in one store (vmm/route.c): none is lost either way.
 * An entry whose message leads to no vCPU is masked, until it does.
 */
#include "assign.h"
#include "drivers/msix.h"
#include "drivers/pci_regs.h"
#include "exit_mmio.h"
#include "guest/vpci_parts.h"
#include "vm.h"

#define CONTROL_MASKED 1u
#define WORDS          (MSIX_ENTRY_BYTES / 4)

enum { WORD_ADDRESS, WORD_HIGH, WORD_DATA, WORD_CONTROL };

bool vpci_msix_create(struct vpci_function *f)
{
	const struct pci_device *pci = f->device->pci;
	uint32_t count = msix_count(pci);
	uint64_t offset, bytes;
	unsigned bar;

	f->message_count = count < f->device->irq_count ? count : f->device->irq_count;
	for (uint32_t n = 0; n < f->message_count; n++)
		f->message[n].control = CONTROL_MASKED;
	return !count || msix_table(pci, &bar, &offset, &bytes);
}

void vpci_msix_reset(struct vpci_function *f)
{
	for (uint32_t n = 0; n < f->message_count; n++)
		f->message[n] = (struct vpci_message){ .control = CONTROL_MASKED };
}

void vpci_msix_changed(struct vpci_function *f)
{
	msix_set_control(
		f->device->pci, vpci_get(f, f->msix + MSIX_CONTROL, 2) & (MSIX_ENABLE | MSIX_MASK));
}

static uint32_t *word_of(struct vpci_message *m, unsigned n)
{
	switch (n) {
	case WORD_ADDRESS:
		return &m->address;
	case WORD_HIGH:
		return &m->high;
	case WORD_DATA:
		return &m->data;
	default:
		return &m->control;
	}
}

static void write_word(struct cpu *here, struct vpci_function *f, uint32_t index, uint32_t value)
{
	uint32_t n = index / WORDS;
	struct vpci_message *m = &f->message[n];
	uint32_t *word = word_of(m, index % WORDS);

	if (index % WORDS == WORD_ADDRESS)
		value &= ~3u;
	if (index % WORDS == WORD_CONTROL)
		value &= CONTROL_MASKED;
	if (*word == value)
		return;
	*word = value;
	if (m->control & CONTROL_MASKED) {
		if (index % WORDS == WORD_CONTROL)
			msix_mask(f->device->pci, n);
	} else if (vpci_route(here, f, n, m)) {
		msix_unmask(f->device->pci, n);
	} else {
		msix_mask(f->device->pci, n);
	}
}

/* Aligned words and pairs of them; PCI Express Base 5.0, "MSI-X Capability and Table Structures",
 * leaves all other accesses undefined: they read 0 and do nothing. */
static void table_access(
	struct cpu *here, struct vpci_function *f, uint64_t offset, struct mmio_access *a)
{
	uint64_t result = 0;
	bool good = a->bytes >= 4 && !(offset & (a->bytes - 1));

	for (unsigned i = 0; good && i < a->bytes / 4; i++) {
		uint32_t index = (uint32_t)(offset / 4) + i;

		if (index / WORDS >= f->message_count)
			continue;
		if (a->write)
			write_word(here, f, index, (uint32_t)(a->value >> 32 * i));
		else
			result |= (uint64_t)*word_of(&f->message[index / WORDS], index % WORDS)
				  << 32 * i;
	}
	if (!a->write)
		a->value = result;
}

bool vpci_msix_access(struct cpu *here, struct vpci_function *f, unsigned bar, uint64_t offset,
	struct mmio_access *a)
{
	uint64_t table, table_bytes;
	unsigned table_bar;

	if (!msix_table(f->device->pci, &table_bar, &table, &table_bytes) || table_bar != bar)
		return false;
	/* Also what only begins or ends in it. */
	if (offset + a->bytes <= table || offset >= table + table_bytes)
		return false;
	table_access(here, f, offset - table, a);
	return true;
}
