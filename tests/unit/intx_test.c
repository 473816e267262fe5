/* SPDX-License-Identifier: MIT */
/* sources: vmm/intx.c vmm/guest/vioapic.c drivers/ioapic.c avic/vapic.c */
/* The machine's I/O APIC is a model with two pins that count, its requester's IOMMU takes all. */
#include "assign.h"
#include "avic/avic.h"
#include "avic/regs.h"
#include "device_find.h"
#include "drivers/acpi.h"
#include "drivers/clock.h"
#include "drivers/msi.h"
#include "drivers/pci_regs.h"
#include "exit_mmio.h"
#include "hw/sim.h"
#include "intx.h"
#include "iommu/iommu.h"
#include "test.h"
#include "vm.h"

#define HOST_PIN   5u
#define GUEST_PIN  17u /* slot 1 */
#define MASKED     0x10000u
#define REMOTE     0x4000u
#define VECTOR     0x51u
#define HOST_FIRST 0x40u

/* The machine's. */
static uint8_t regs[0x1000] __attribute__((aligned(4096)));
static struct acpi_info acpi;
static uint32_t selected, version, pins[24];
static bool asserted, old_chip;
static unsigned sent; /* to the host, not taken yet */

static struct vm vm;
static struct vm_config config;
static struct pci_device pci[2];
static uint8_t pci_pin[2];
static uint16_t command[2];
static uint32_t msi_messages;
static struct vcpu vcpu;
static struct vapic page __attribute__((aligned(4096)));
static struct cpu cpu = { .apicid = 7 };
static struct iommu unit;
static struct iommu *unit_of_ioapic = &unit;
static struct irte entries[32];
static uint64_t ticks;
static uint8_t next_vector;
static bool hpet_given;
static err_t remap_result;
static const char *why;
/* Lines are given for good, so each test has a GSI of its own: the base moves. */
static uint32_t gsi_base;

const struct acpi_info *acpi_info(void)
{
	return &acpi;
}

/* Intel 82093AA: a level-triggered pin sends once and waits for the EOI of its vector. */
static void service(void)
{
	uint32_t *p = &pins[HOST_PIN];

	if (!asserted || *p & (MASKED | REMOTE))
		return;
	EXPECT_EQ(*p & 0xa000, 0xa000); /* level, active low */
	*p |= REMOTE;
	sent++;
}

static void host_eoi(uint32_t vector)
{
	for (unsigned i = 0; i < 24; i++)
		if ((pins[i] & 0xff) == vector)
			pins[i] &= ~REMOTE;
	service();
}

uint64_t sim_mmio_read(const volatile void *p, unsigned bytes)
{
	EXPECT_EQ((volatile uint8_t *)p - regs, 0x10);
	return selected == 1 ? version : 0;
}

void sim_mmio_write(volatile void *p, unsigned bytes, uint64_t v)
{
	uint64_t at = (uint64_t)((volatile uint8_t *)p - regs);

	EXPECT_EQ(bytes, 4);
	if (at == 0)
		selected = (uint32_t)v;
	else if (at == 0x40 && !old_chip)
		host_eoi((uint32_t)v);
	if (at != 0x10 || selected < 0x10 || selected & 1)
		return;
	uint32_t *pin = &pins[(selected - 0x10) / 2];

	*pin = ((uint32_t)v & ~REMOTE) | (v & 0x8000 ? *pin & REMOTE : 0);
	service();
}

void sim_out(uint16_t port, unsigned bytes, uint32_t v)
{
}

uint64_t sim_ticks(void)
{
	return ticks;
}

uint64_t clock_us_to_ticks(uint64_t us)
{
	return us;
}

uint32_t msi_count(const struct pci_device *d)
{
	return msi_messages;
}

uint32_t msi_plain_count(const struct pci_device *d)
{
	return 0;
}

struct pci_device *device_find(const struct config_device *d)
{
	return d->bdf < 2 ? &pci[d->bdf] : NULL;
}

uint32_t pci_count(void)
{
	return 2;
}

struct pci_device *pci_by_index(uint32_t i)
{
	return &pci[i];
}

uint32_t pci_read(devid_t id, uint16_t offset, unsigned bytes)
{
	return offset == PCI_INTERRUPT_PIN ? pci_pin[id] : 11;
}

void pci_enable_intx(devid_t id)
{
	command[id] &= (uint16_t)~PCI_COMMAND_INTX;
}

void pci_disable_intx(devid_t id)
{
	command[id] |= PCI_COMMAND_INTX;
}

struct iommu *iommu_of_ioapic(uint8_t id, devid_t *dev)
{
	EXPECT_EQ(id, 9);
	*dev = 0xa0;
	return unit_of_ioapic;
}

err_t irt_alloc(struct irt *t, uint32_t count)
{
	EXPECT_EQ(count, 32);
	*t = (struct irt){ .entry = entries, .count = count };
	return OK;
}

err_t irte_remap(struct iommu *u, devid_t dev, struct irte *e, apicid_t apicid, uint8_t vector)
{
	EXPECT(u == &unit && dev == 0xa0 && apicid == 7);
	e->q[1] = vector;
	return remap_result;
}

static enum dte_use use_of_id;

enum dte_use dte_use(const struct iommu *u, devid_t dev)
{
	return use_of_id;
}

err_t dte_remap(struct iommu *u, devid_t dev, const struct irt *t)
{
	EXPECT(u == &unit && dev == 0xa0 && t->entry == entries);
	return OK;
}

struct cpu *cpu_by_index(uint32_t i)
{
	return &cpu;
}

uint8_t cpu_vector_alloc(struct cpu *c, enum vector_kind kind, void *owner)
{
	EXPECT_EQ(kind, VECTOR_LINE);
	c->vectors[next_vector] = (struct vector_use){ owner, kind };
	return next_vector++;
}

void cpu_vector_free(struct cpu *c, uint8_t vector)
{
	c->vectors[vector].kind = VECTOR_FREE;
}

struct avic_ipi avic_ipi_from_message(struct avic_vm *v, uint64_t icr)
{
	return (struct avic_ipi){ .emulate = true, .vector = (uint8_t)icr };
}

int avic_ipi_next(struct avic_vm *v, struct avic_ipi *ipi)
{
	return ipi->next++ ? -1 : 0;
}

bool avic_notify(struct avic_vcpu *a, apicid_t here)
{
	return false;
}

bool vhpet_given(void)
{
	return hpet_given;
}

void vcpu_post_event(struct cpu *here, struct vcpu *v, uint32_t events)
{
}

/* A VM with one device of two that there are, whose GSI the configuration names. */
static void prepare(void)
{
	gsi_base += 24;
	hpet_given = false;
	acpi = (struct acpi_info){ .ioapic_count = 1 };
	acpi.ioapic[0].id = 9;
	acpi.ioapic[0].base = (uint64_t)regs;
	acpi.ioapic[0].gsi_base = gsi_base;
	version = 0x170020;
	old_chip = asserted = false;
	sent = 0;
	for (unsigned i = 0; i < 24; i++)
		pins[i] = MASKED;
	next_vector = HOST_FIRST;
	remap_result = OK;
	unit_of_ioapic = &unit;
	msi_messages = 0;
	for (unsigned i = 0; i < 2; i++) {
		pci[i] = (struct pci_device){ .id = (devid_t)i };
		pci_pin[i] = 1;
		command[i] = 0;
	}
	config = (struct vm_config){ .name = "t", .pci = PCI_VIRTUAL, .intx_count = 1 };
	config.intx[0].gsi = gsi_base + HOST_PIN;
	memset(&page, 0, sizeof(page));
	vm = (struct vm){ .config = &config, .vcpu_count = 1, .vcpus = &vcpu };
	vcpu = (struct vcpu){ .vm = &vm, .avic = { .page = &page } };
	vioapic_reset(&vm.ioapic);
	ticks += 1000000;
}

static err_t attach(unsigned device)
{
	struct assigned_device *d = &vm.devices[vm.device_count];

	*d = (struct assigned_device){ .vm = &vm, .pci = &pci[device] };
	why = NULL;
	err_t err = intx_attach(&vm, d, &why);

	vm.device_count += err == OK;
	return err;
}

static void guest_pin(uint32_t low)
{
	struct mmio_access a = { .bytes = 4, .write = true };

	a.at.v = 0xfec00000;
	a.value = 0x10 + 2 * GUEST_PIN;
	vioapic_access(&cpu, &vm, &a);
	a.at.v = 0xfec00010;
	a.value = low;
	vioapic_access(&cpu, &vm, &a);
}

static void ready(void)
{
	prepare();
	EXPECT_EQ(attach(0), OK);
	intx_open(&vm);
	guest_pin(VECTOR | 0x8000);
}

static void level(bool to)
{
	asserted = to;
	service();
}

/* The host takes what was sent; false: nothing. */
static bool host_takes(void)
{
	struct vector_use *use = &cpu.vectors[HOST_FIRST];

	if (!sent)
		return false;
	sent--;
	intx_interrupt(&cpu, use->owner);
	return true;
}

static bool guest_takes(void)
{
	return vapic_accept(&page) == VECTOR;
}

static void guest_eoi(void)
{
	int vector = vapic_eoi(&page);

	EXPECT_EQ(vector, VECTOR);
	EXPECT(vapic_is_level(&page, VECTOR));
	vioapic_eoi(&cpu, &vm, VECTOR);
}

TEST(an_interrupt_and_its_end)
{
	ready();
	EXPECT_EQ(vm.devices[0].line->guest_pin, GUEST_PIN);
	EXPECT_EQ(command[0] & PCI_COMMAND_INTX, 0);
	EXPECT_EQ(command[1] & PCI_COMMAND_INTX, PCI_COMMAND_INTX); /* nobody's: silenced */
	EXPECT_EQ(pins[HOST_PIN] & MASKED, 0);
	level(true);
	EXPECT(host_takes());
	EXPECT(pins[HOST_PIN] & MASKED);
	EXPECT(guest_takes() && !guest_takes());
	level(false);
	guest_eoi();
	EXPECT_EQ(pins[HOST_PIN] & (MASKED | REMOTE), 0);
	EXPECT(!host_takes() && !guest_takes());
	EXPECT_EQ(vm.devices[0].line->interrupts, 1);
}

static void still_asserted(void)
{
	level(true);
	for (unsigned i = 0; i < 5; i++) {
		EXPECT(host_takes() && !host_takes());
		EXPECT(guest_takes() && !guest_takes());
		guest_eoi();
	}
	level(false);
	EXPECT(host_takes() && guest_takes()); /* had been sent */
	guest_eoi();
	EXPECT(!host_takes());
}

TEST(asserted_after_its_end_it_comes_again)
{
	ready();
	still_asserted();
	prepare();
	version = 0x170011;
	old_chip = true;
	EXPECT_EQ(attach(0), OK);
	intx_open(&vm);
	guest_pin(VECTOR | 0x8000);
	still_asserted();
}

TEST(a_masked_pin_costs_one_host_interrupt)
{
	ready();
	guest_pin(VECTOR | 0x8000 | MASKED);
	level(true);
	EXPECT(host_takes() && !host_takes() && !guest_takes());
	level(false);
	level(true);
	EXPECT(!host_takes());
	guest_pin(VECTOR | 0x8000);
	EXPECT(guest_takes());
	level(false);
	guest_eoi();
	EXPECT(!host_takes());
	/* An EOI of another vector, and one of a pin that waits for none. */
	vioapic_eoi(&cpu, &vm, VECTOR + 1);
	vioapic_eoi(&cpu, &vm, VECTOR);
	EXPECT_EQ(pins[HOST_PIN] & MASKED, 0);
}

TEST(a_storm_is_held)
{
	unsigned n = 0;

	ready();
	for (level(true); host_takes(); n++) {
		EXPECT(guest_takes());
		guest_eoi();
		ticks += 10; /* all in 2 ms */
	}
	EXPECT_EQ(n, INTX_WINDOW_MOST + 1);
	EXPECT(pins[HOST_PIN] & MASKED);
	vioapic_eoi(&cpu, &vm, VECTOR);
	EXPECT(!host_takes());
	intx_release();
	EXPECT(host_takes() && guest_takes()); /* and is held at once if it goes on */
	guest_eoi();
	EXPECT(!host_takes());
	ticks += INTX_WINDOW_US + 1;
	intx_release();
	EXPECT(host_takes() && guest_takes());
	guest_eoi();
	EXPECT(host_takes());
}

TEST(a_storm_whose_end_is_late)
{
	ready();
	level(true);
	for (unsigned n = 0; n < INTX_WINDOW_MOST; n++) {
		EXPECT(host_takes() && guest_takes());
		guest_eoi();
	}
	EXPECT(host_takes() && guest_takes());
	intx_release(); /* in service: its EOI lets it go on */
	EXPECT(pins[HOST_PIN] & MASKED);
	guest_eoi();
	EXPECT_EQ(pins[HOST_PIN] & MASKED, 0);
}

TEST(slow_enough_is_no_storm)
{
	ready();
	level(true);
	for (unsigned n = 0; n < 10 * INTX_WINDOW_MOST; n++) {
		EXPECT(host_takes() && guest_takes());
		guest_eoi();
		ticks += INTX_WINDOW_US / INTX_WINDOW_MOST + 1;
	}
	EXPECT(host_takes());
}

TEST(closed)
{
	ready();
	level(true);
	intx_close(&vm); /* with one on its way */
	EXPECT(host_takes() && !guest_takes());
	EXPECT(command[0] & PCI_COMMAND_INTX);
	EXPECT(pins[HOST_PIN] & MASKED);
	intx_release();
	vioapic_eoi(&cpu, &vm, VECTOR);
	EXPECT(!host_takes());
	intx_open(&vm);
	EXPECT(host_takes() && guest_takes());
}

/* Whatever the order: while the device asserts and the guest's pin is open, something is on its way
 * or in service. */
TEST(never_stuck)
{
	uint32_t seed = 1, open = 1;

	ready();
	for (unsigned i = 0; i < 20000; i++) {
		seed = seed * 1664525 + 1013904223;
		switch (seed >> 28) {
		case 0 ... 3:
			level(seed >> 27 & 1);
			break;
		case 4 ... 7:
			host_takes();
			break;
		case 8:
			open = !open;
			guest_pin(VECTOR | 0x8000 | (open ? 0 : MASKED));
			break;
		case 9:
			intx_release();
			break;
		case 10:
			vioapic_eoi(&cpu, &vm, VECTOR);
			break;
		case 11 ... 13:
			guest_takes();
			break;
		default:
			if (vapic_highest_isr(&page) >= 0)
				guest_eoi();
		}
		ticks += 100;
		bool held = vm.devices[0].line->state == INTX_HELD;
		bool moving = sent || vapic_irr_any(&page) || vapic_highest_isr(&page) >= 0;

		EXPECT(moving || held || !asserted || !open);
	}
	EXPECT(vm.devices[0].line->interrupts > 500);
}

TEST(whether_a_line_is_given)
{
	ready();
	EXPECT(intx_given());
}

static void refused(unsigned device, const char *part)
{
	EXPECT(attach(device) != OK);
	EXPECT(why && strstr(why, part));
	EXPECT(!vm.devices[vm.device_count].line);
}

TEST(refusals)
{
	prepare();
	config.intx[0].gsi += 100;
	refused(0, "no I/O APIC");
	config.intx[0].gsi -= 100;
	unit_of_ioapic = NULL;
	refused(0, "IVRS");
	unit_of_ioapic = &unit;
	pci_pin[0] = 0;
	refused(0, "no interrupt pin");
	pci_pin[0] = 1;
	remap_result = ERR_TIMEOUT;
	refused(0, "doesn't answer");
	EXPECT_EQ(cpu.vectors[HOST_FIRST].kind, VECTOR_FREE);
	remap_result = OK;
	hpet_given = true;
	refused(0, "a VM has the HPET");
	hpet_given = false;
	use_of_id = DTE_ASSIGNED;
	refused(0, "whose ID the I/O APIC's messages carry");
	use_of_id = DTE_BLOCKED;
	EXPECT_EQ(attach(0), OK);
	EXPECT_EQ(intx_unused(&vm), NULL);
	config.intx[config.intx_count] = config.intx[0];
	config.intx[config.intx_count++].device.bdf = 1;
	EXPECT(strstr(intx_unused(&vm), "none of its devices"));
	refused(1, "another device has this line");
}

TEST(who_must_say_something)
{
	prepare();
	config.intx_count = 0;
	EXPECT(strstr(intx_refuse(&vm, &pci[0]), "intx ="));
	EXPECT_EQ(attach(0), OK); /* nothing is said: no line */
	EXPECT(!vm.devices[0].line);
	msi_messages = 1;
	EXPECT_EQ(intx_refuse(&vm, &pci[0]), NULL);
	msi_messages = 0;
	pci_pin[0] = 0;
	EXPECT_EQ(intx_refuse(&vm, &pci[0]), NULL);
	pci_pin[0] = 1;
	config.pci = PCI_DIRECT;
	EXPECT_EQ(intx_refuse(&vm, &pci[0]), NULL);
	config.pci = PCI_VIRTUAL;
	config.intx_count = 1;
	config.intx[0].gsi = CONFIG_GSI_NONE;
	EXPECT_EQ(intx_refuse(&vm, &pci[0]), NULL);
	vm.device_count = 0;
	EXPECT_EQ(attach(0), OK);
	EXPECT(!vm.devices[0].line);
}
