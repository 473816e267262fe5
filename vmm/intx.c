/* SPDX-License-Identifier: MIT */
#include "intx.h"
#include "assign.h"
#include "base/log.h"
#include "device_find.h"
#include "drivers/clock.h"
#include "drivers/msi.h"
#include "drivers/pci_regs.h"
#include "guest/platform.h"
#include "guest/vhpet.h"
#include "iommu/iommu.h"
#include "vm.h"
#include <hw/cpu.h>

#define LINES 32 /* the smallest interrupt table */

static struct intx_line lines[LINES];
static uint32_t line_count;
/* Entry n is line n's, whichever I/O APIC it comes from: they all have this table. */
static struct irt table;

static const struct config_intx *configured(const struct vm *vm, const struct pci_device *pci)
{
	for (uint32_t i = 0; i < vm->config->intx_count; i++)
		if (device_find(&vm->config->intx[i].device) == pci)
			return &vm->config->intx[i];
	return NULL;
}

const char *intx_refuse(const struct vm *vm, const struct pci_device *pci)
{
	if (vm->config->pci != PCI_VIRTUAL || msi_count(pci) || msi_plain_count(pci) ||
		!pci_read(pci->id, PCI_INTERRUPT_PIN, 1) || configured(vm, pci))
		return NULL;
	/* The register is firmware's note for kernels with 8259s. */
	log_info("device %02x:%02x.%x: its interrupt line register says %u, an input of the 8259s",
		pci->id >> 8, pci->id >> 3 & 31, pci->id & 7,
		pci_read(pci->id, PCI_INTERRUPT_LINE, 1));
	return "it has neither MSI nor MSI-X, and only firmware's AML knows where its pin leads: say "
	       "intx = DEVICE@GSI, or DEVICE@none (docs/config.md)";
}

const char *intx_unused(const struct vm *vm)
{
	for (uint32_t i = 0; i < vm->config->intx_count; i++) {
		const struct pci_device *pci = device_find(&vm->config->intx[i].device);
		bool found = false;

		for (uint32_t d = 0; d < vm->device_count; d++)
			found |= vm->devices[d].pci == pci;
		if (!found)
			return "intx: names a device that is none of its devices";
	}
	return NULL;
}

static const struct intx_line *line_at(uint32_t gsi)
{
	for (uint32_t i = 0; i < line_count; i++)
		if (lines[i].gsi == gsi)
			return &lines[i];
	return NULL;
}

/* A device that nobody was given, and that firmware left asserting, must not fire on a line. */
static void silence_all(void)
{
	for (uint32_t i = 0; i < pci_count(); i++)
		pci_disable_intx(pci_by_index(i)->id);
}

/* From the I/O APIC through the IOMMU to a vector of the pCPU that the VM's first vCPU is on. */
static err_t connect(struct intx_line *line, struct iommu *u, devid_t dev)
{
	struct cpu *cpu = cpu_by_index(line->device->vm->config->pcpu[0]);
	uint8_t index = (uint8_t)(line - lines);
	err_t err = table.entry ? OK : irt_alloc(&table, LINES);

	if (err)
		return err;
	uint8_t vector = cpu_vector_alloc(cpu, VECTOR_LINE, line);

	if (!vector)
		return ERR_NOMEM;
	err = irte_remap(u, dev, &table.entry[index], cpu->apicid, vector);
	if (!err)
		err = dte_remap(u, dev, &table);
	if (err)
		cpu_vector_free(cpu, vector);
	else
		ioapic_set(&line->host, index);
	return err;
}

err_t intx_attach(struct vm *vm, struct assigned_device *d, const char **why)
{
	const struct config_intx *wanted = configured(vm, d->pci);
	struct intx_line *line = &lines[line_count];
	struct ioapic_pin host;
	devid_t dev;

	if (!wanted || wanted->gsi == CONFIG_GSI_NONE)
		return OK;
	*why = "intx: it has no interrupt pin";
	if (!pci_read(d->pci->id, PCI_INTERRUPT_PIN, 1))
		return ERR_UNFIT;
	*why = "intx: another device has this line, and what comes on a line can't be told apart: use "
	       "another slot, or a device with MSI";
	if (line_at(wanted->gsi) || line_count == LINES)
		return ERR_UNFIT;
	*why = "intx: a VM has the HPET (timer = hpet), whose comparators could fire on its line";
	if (vhpet_given())
		return ERR_UNFIT;
	*why = "intx: no I/O APIC has this GSI";
	if (!ioapic_find(wanted->gsi, &host))
		return ERR_NOT_FOUND;
	*why = "intx: the IVRS doesn't say what IOMMU the I/O APIC is behind";
	struct iommu *u = iommu_of_ioapic(host.ioapic_id, &dev);

	if (!u)
		return ERR_UNFIT;
	*why = "intx: a VM has the device whose ID the I/O APIC's messages carry";
	if (dte_use(u, dev) == DTE_ASSIGNED)
		return ERR_UNFIT;
	*line = (struct intx_line){
		.device = d,
		.gsi = wanted->gsi,
		.host = host,
		.guest_pin = PLATFORM_INTX_FIRST + (vm->device_count + 1) % PLATFORM_INTX_PINS,
		.lock = SPINLOCK_INIT,
	};
	*why = "intx: no memory, no vector, or the I/O APIC's IOMMU doesn't answer";
	err_t err = connect(line, u, dev);

	if (err)
		return err;
	silence_all();
	line_count++;
	d->line = line;
	vm->ioapic.lines |= 1u << line->guest_pin;
	log_info("vm %s: INTx of %02x:%02x.%x: GSI %u, pin %u of its I/O APIC", vm->config->name,
		d->pci->id >> 8, d->pci->id >> 3 & 31, d->pci->id & 7, line->gsi, line->guest_pin);
	return OK;
}

bool intx_given(void)
{
	return line_count;
}

void intx_open(struct vm *vm)
{
	for (uint32_t i = 0; i < vm->device_count; i++) {
		struct intx_line *line = vm->devices[i].line;

		if (!line)
			continue;
		pci_enable_intx(line->device->pci->id);
		spin_lock(&line->lock);
		line->state = INTX_OPEN;
		ioapic_unmask(&line->host);
		spin_unlock(&line->lock);
	}
}

void intx_close(struct vm *vm)
{
	for (uint32_t i = 0; i < vm->device_count; i++) {
		struct intx_line *line = vm->devices[i].line;

		if (!line)
			continue;
		spin_lock(&line->lock);
		line->state = INTX_CLOSED;
		ioapic_mask(&line->host);
		spin_unlock(&line->lock);
		pci_disable_intx(line->device->pci->id);
	}
}

static enum intx_state count(struct intx_line *line)
{
	uint64_t now = cpu_ticks();

	line->interrupts++;
	if (now - line->window > clock_us_to_ticks(INTX_WINDOW_US)) {
		line->window = now;
		line->fired = 0;
	}
	return ++line->fired > INTX_WINDOW_MOST ? INTX_HELD : INTX_RAISED;
}

__attribute__((noinline)) void intx_interrupt(struct cpu *here, struct intx_line *line)
{
	struct vm *vm = line->device->vm;

	spin_lock(&line->lock);
	/* One that was on its way when the line was closed. */
	bool open = line->state == INTX_OPEN;

	if (open) {
		ioapic_mask(&line->host);
		line->state = count(line);
		line->ended = false;
	}
	/* At most one line a slow tick. */
	if (line->state == INTX_HELD)
		log_later(
			"vm %s: INTx of %02x:%02x.%x: more than %u interrupts in %u ms: held back "
			"for a second at most",
			vm->config->name, line->device->pci->id >> 8,
			line->device->pci->id >> 3 & 31, line->device->pci->id & 7,
			INTX_WINDOW_MOST, INTX_WINDOW_US / 1000);
	spin_unlock(&line->lock);
	if (open)
		vioapic_raise(here, vm, line->guest_pin);
}

static void ended(struct intx_line *line)
{
	spin_lock(&line->lock);
	if (line->state == INTX_HELD) {
		line->ended = true;
	} else if (line->state == INTX_RAISED) {
		line->state = INTX_OPEN;
		ioapic_unmask(&line->host);
	}
	spin_unlock(&line->lock);
}

void intx_eoi(struct vm *vm, uint32_t pins)
{
	for (uint32_t i = 0; i < vm->device_count; i++) {
		struct intx_line *line = vm->devices[i].line;

		if (line && pins >> line->guest_pin & 1)
			ended(line);
	}
}

void intx_release(void)
{
	for (uint32_t i = 0; i < line_count; i++) {
		struct intx_line *line = &lines[i];

		spin_lock(&line->lock);
		if (line->state == INTX_HELD) {
			line->state = line->ended ? INTX_OPEN : INTX_RAISED;
			if (line->ended)
				ioapic_unmask(&line->host);
		}
		spin_unlock(&line->lock);
	}
}
