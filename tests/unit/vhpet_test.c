/* SPDX-License-Identifier: MIT */
/* sources: vmm/guest/vhpet.c drivers/hpet.c */
/* The machine's HPET is a model: a counter that counts with each look, registers that keep what is
 * written. Routes, nested tables and events are only written down. One VM gets the HPET for good:
 * the refusals come first. */
#include "drivers/acpi.h"
#include "exit_mmio.h"
#include "guest/vhpet.h"
#include "guest/vpci_parts.h"
#include "hw/sim.h"
#include "intx.h"
#include "iommu/iommu.h"
#include "test.h"
#include "vm.h"

#define PAGE_AT  0xfed00000u
#define OURS     0xfeeff000u
#define CONFIG   0x010u
#define COUNTER  0x0f0u
#define TN(n)    (0x100u + 0x20u * (n)) /* + 8: comparator, 10h: message's value, 14h: address */
#define FSB_CAP  0x8000u
#define VCPUS    2u
#define TO(vcpu) (0xfee00000u | (vcpu) << 12)

static uint8_t regs[0x1000] __attribute__((aligned(4096)));
static uint64_t counter;
static unsigned wide_reads, wide_writes, writes;
static uint8_t table[56];
static bool has_table, intx_is_given;
static struct iommu unit;
static struct iommu *unit_of_hpet;
static struct irte entries[512];
static bool remapped[512]; /* when it was created */
static err_t irt_result, remap_result, dte_result;
static uint8_t vector_given;
static void *vector_owner;
static unsigned opened, blocked;

static struct cpu cpu = { .apicid = 7 };
static struct vm vm, pristine, other;
static struct vm_config config;
static struct vcpu vcpus[17];
static unsigned routes, unroutes, flushes, mapped, unmapped, interrupts;
static struct vcpu *last_target;
static uint8_t last_vector;
static err_t map_result;
static const char *why;

static uint32_t get(uint32_t at)
{
	uint32_t v;

	memcpy(&v, regs + at, 4);
	return v;
}

static void set(uint32_t at, uint32_t v)
{
	memcpy(regs + at, &v, 4);
}

uint64_t sim_mmio_read(const volatile void *p, unsigned bytes)
{
	uint64_t v = 0;
	uint32_t at = (uint32_t)((const volatile uint8_t *)p - regs);

	EXPECT(at + bytes <= 0x400);
	wide_reads += bytes == 8;
	if (at == COUNTER || at == COUNTER + 4)
		return counter++ >> (at == COUNTER ? 0 : 32);
	memcpy(&v, regs + at, bytes);
	return v;
}

void sim_mmio_write(volatile void *p, unsigned bytes, uint64_t v)
{
	uint32_t at = (uint32_t)((volatile uint8_t *)p - regs);
	bool config_of_one = at >= 0x100 && at % 0x20 == 0;

	EXPECT(at + bytes <= 0x400);
	writes++;
	wide_writes += bytes == 8;
	if (config_of_one)
		v |= get(at) & FSB_CAP;
	memcpy(regs + at, &v, bytes);
}

const struct acpi_header *acpi_find(const char signature[4])
{
	return has_table ? (struct acpi_header *)table : NULL;
}

bool intx_given(void)
{
	return intx_is_given;
}

struct iommu *iommu_of_hpet(uint8_t number, devid_t *dev)
{
	EXPECT_EQ(number, 3);
	*dev = 0xa2;
	return unit_of_hpet;
}

err_t irt_alloc(struct irt *t, uint32_t count)
{
	EXPECT_EQ(count, 512);
	*t = (struct irt){ .entry = entries, .count = count };
	return irt_result;
}

err_t irte_remap(struct iommu *u, devid_t dev, struct irte *e, apicid_t apicid, uint8_t vector)
{
	EXPECT(u == &unit && dev == 0xa2 && apicid == 7 && vector == vector_given);
	remapped[e - entries] = true;
	return remap_result;
}

static enum dte_use use_of_id;

enum dte_use dte_use(const struct iommu *u, devid_t dev)
{
	return use_of_id;
}

static err_t smi_result;

err_t smi_forbid(struct iommu *u, devid_t dev)
{
	EXPECT(u == &unit && dev == 0xa2);
	return smi_result;
}

err_t dte_remap(struct iommu *u, devid_t dev, const struct irt *t)
{
	EXPECT(u == &unit && dev == 0xa2 && t->entry == entries);
	opened++;
	return dte_result;
}

err_t dte_block(struct iommu *u, devid_t dev)
{
	EXPECT(u == &unit && dev == 0xa2);
	EXPECT_EQ(get(CONFIG) & 1, 0); /* it stands already */
	blocked++;
	return OK;
}

struct cpu *cpu_by_index(uint32_t i)
{
	EXPECT_EQ(i, 5);
	return &cpu;
}

uint8_t cpu_vector_alloc(struct cpu *c, enum vector_kind kind, void *owner)
{
	EXPECT_EQ(kind, VECTOR_HPET);
	vector_owner = owner;
	return vector_given;
}

struct vcpu *vpci_message_target(
	struct vm *m, const struct vpci_message *message, uint32_t turn, uint8_t *vector)
{
	uint32_t to = message->address >> 12 & 0xff;

	EXPECT(!message->high);
	*vector = (uint8_t)message->data;
	if (message->address >> 20 != 0xfee || to >= m->vcpu_count || *vector < 16)
		return NULL;
	return &m->vcpus[to];
}

err_t assign_route(struct cpu *here, struct assigned_irq *irq, struct vcpu *target, uint8_t vector)
{
	EXPECT(irq->device == &vm.hpet.device);
	routes++;
	irq->target = target;
	irq->guest_vector = vector;
	return OK;
}

void assign_unroute(struct cpu *here, struct assigned_irq *irq)
{
	unroutes += irq->target != NULL;
	irq->target = NULL;
}

void vcpu_interrupt(struct cpu *here, struct vcpu *v, uint8_t vector)
{
	interrupts++;
	last_target = v;
	last_vector = vector;
}

void vcpu_post_event(struct cpu *here, struct vcpu *v, uint32_t events)
{
	EXPECT_EQ(events, VCPU_EVENT_FLUSH);
	EXPECT(!vm.hpet.mapped);
	flushes++;
	v->events |= events;
}

err_t npt_map(struct npt *npt, gpa_t guest, phys_t host, uint64_t bytes, enum npt_perm perm)
{
	EXPECT(npt == &vm.npt && guest.v == PAGE_AT && host.v == (uint64_t)regs);
	EXPECT(bytes == 4096 && perm == NPT_RW);
	mapped += !map_result;
	return map_result;
}

err_t npt_unmap(struct npt *npt, gpa_t guest, uint64_t bytes)
{
	EXPECT(npt == &vm.npt && guest.v == PAGE_AT && bytes == 4096);
	unmapped++;
	return OK;
}

/* A machine whose firmware left the HPET going, and a VM that wants it. */
static void machine(uint32_t comparators)
{
	uint64_t base = (uint64_t)regs;

	has_table = true;
	memset(table, 0, sizeof(table));
	table[4] = sizeof(table);
	memcpy(table + 44, &base, 8);
	table[52] = 3;
	memset(regs, 0, sizeof(regs));
	set(0, 0x8086a001 | (comparators - 1) << 8);
	set(4, 69841279);
	set(CONFIG, 3);
	for (uint32_t n = 0; n < comparators; n++)
		set(TN(n), FSB_CAP | 4);
	unit = (struct iommu){ .f.ga = true };
	unit_of_hpet = &unit;
	irt_result = remap_result = dte_result = map_result = OK;
	vector_given = 0x44;
	intx_is_given = false;
	opened = blocked = 0;
	config = (struct vm_config){ .name = "t", .timer = TIMER_HPET };
	config.pcpu[0] = 5;
	memset(vcpus, 0, sizeof(vcpus));
	vm = (struct vm){ .config = &config, .vcpu_count = VCPUS, .vcpus = vcpus };
}

static void refused(const char *part)
{
	vhpet_create(&vm, &why);
	EXPECT(why && strstr(why, part));
	EXPECT(!vm.hpet.device.vm);
	EXPECT(!vhpet_given());
	machine(4);
}

TEST(refusals)
{
	machine(4);
	has_table = false;
	refused("firmware tells of none");
	set(0, ~0u);
	refused("firmware tells of none");
	set(TN(1), 4);
	refused("its comparators can't send messages, or are fewer than vCPUs");
	vm.vcpu_count = 5;
	refused("are fewer than vCPUs");
	machine(24); /* of which a VM sees 16 */
	vm.vcpu_count = 17;
	refused("are fewer than vCPUs");
	intx_is_given = true;
	refused("an interrupt pin (intx) is given away");
	unit_of_hpet = NULL;
	refused("the IVRS doesn't say what IOMMU it is behind");
	unit.failed = true;
	refused("can't remap its messages");
	unit.f.ga = false;
	refused("can't remap its messages");
	use_of_id = DTE_ASSIGNED;
	refused("a VM has the device whose ID");
	use_of_id = DTE_BLOCKED;
	smi_result = ERR_UNFIT;
	refused("SMI filter");
	smi_result = OK;
	irt_result = ERR_NOMEM;
	refused("no memory or no vector");
	vector_given = 0;
	refused("no memory or no vector");
	remap_result = ERR_TIMEOUT;
	refused("its IOMMU doesn't answer");
	dte_result = ERR_TIMEOUT;
	vhpet_create(&vm, &why);
	EXPECT(blocked == 1 && get(CONFIG) == 0);
	refused("the HPET's IOMMU does not answer");
}

TEST(a_vm_without_one)
{
	machine(4);
	config.timer = TIMER_APIC;
	why = "?";
	vhpet_create(&vm, &why);
	EXPECT(!why && !vm.hpet.device.vm && !vhpet_given());
	writes = 0;
	EXPECT_EQ(vhpet_open(&vm, &why), OK);
	vhpet_close(&vm);
	vhpet_reset(&cpu, &vm);
	vhpet_look(&cpu, &vm);
	EXPECT(!writes && !opened && !blocked && !vm_source(&vm, 0));
}

/* As a VM's start leaves it. */
static void fresh(void)
{
	machine(4);
	if (!vhpet_given()) {
		memset(remapped, 0, sizeof(remapped));
		vhpet_create(&vm, &why);
		EXPECT(!why);
		EXPECT(get(CONFIG) == 0 && get(TN(3)) == FSB_CAP); /* it stands */
		pristine = vm;
	}
	vm = pristine;
	vhpet_reset(&cpu, &vm);
	counter = 0x1ffffffff;
	wide_reads = wide_writes = routes = unroutes = flushes = mapped = unmapped = 0;
	interrupts = opened = 0;
	last_target = NULL;
}

static uint64_t read(uint32_t offset, unsigned bytes)
{
	struct mmio_access a = { GPA(PAGE_AT + offset), bytes, false, 0xdddddddddddddddd };

	vhpet_access(&cpu, &vm, &a);
	return a.value;
}

static void write(uint32_t offset, unsigned bytes, uint64_t value)
{
	struct mmio_access a = { GPA(PAGE_AT + offset), bytes, true, value };

	vhpet_access(&cpu, &vm, &a);
}

static void message(uint32_t n, uint32_t address, uint32_t value)
{
	write(TN(n) + 0x10, 4, value);
	write(TN(n) + 0x14, 4, address);
}

/* What stands in the registers is the VM's own. */
static void own(uint32_t n)
{
	EXPECT_EQ(get(TN(n) + 0x10), 0x100 | n);
	EXPECT_EQ(get(TN(n) + 0x14), OURS);
}

static void routed(uint32_t n, uint32_t vcpu, uint8_t vector)
{
	EXPECT(vm.hpet.irq[n].target == &vcpus[vcpu]);
	EXPECT_EQ(vm.hpet.irq[n].guest_vector, vector);
}

static void delivered(uint32_t vcpu, uint8_t vector)
{
	EXPECT_EQ(interrupts, 1);
	EXPECT(last_target == &vcpus[vcpu]);
	EXPECT_EQ(last_vector, vector);
	interrupts = 0;
}

TEST(created)
{
	struct vhpet *h = &vm.hpet;

	fresh();
	EXPECT(h->device.vm == &vm && vm_source(&vm, 0) == &h->device && !vm_source(&vm, 1));
	EXPECT_EQ(h->device.irq_count, 4);
	EXPECT_EQ(h->source.id, 0xa2);
	EXPECT(vector_owner == h);
	EXPECT_EQ(get(CONFIG), 0);
	for (uint32_t n = 0; n < 4; n++) {
		EXPECT_EQ(h->irq[n].message, 0x100 | n);
		EXPECT_EQ(get(TN(n)), FSB_CAP);
		own(n);
	}
}

TEST(vectors_lead_to_the_host)
{
	fresh();
	for (uint32_t i = 0; i < 512; i++)
		EXPECT_EQ(remapped[i], i % 256 >= 16);
}

TEST(only_one_vm_has_it)
{
	fresh();
	other = (struct vm){ .config = &config, .vcpu_count = 1, .vcpus = vcpus };
	vhpet_create(&other, &why);
	EXPECT(why && strstr(why, "another VM has it"));
	EXPECT(!other.hpet.device.vm && vm.hpet.device.vm);
}

TEST(capabilities)
{
	fresh();
	EXPECT_EQ(read(0, 4), 0x80862301); /* no LEG_RT_CAP */
	EXPECT_EQ(read(0, 8), 69841279ull << 32 | 0x80862301);
	EXPECT_EQ(vhpet_capabilities(&vm.hpet), 0x80862301);
	vm.hpet.host.comparators = 24;
	EXPECT_EQ(read(0, 4), 0x80862f01);
	vm.hpet.host.comparators = 4;
}

TEST(what_writes_may_not_change)
{
	fresh();
	write(CONFIG, 4, 3);
	EXPECT_EQ(get(CONFIG), 1); /* no LEG_RT_CNF */
	write(TN(1), 4, 0x7e44);
	EXPECT_EQ(get(TN(1)), FSB_CAP | 0x4044); /* no INT_ROUTE_CNF */
	write(TN(1), 8, 0x7e0e);
	EXPECT_EQ(get(TN(1)), FSB_CAP | 0x400e);
	EXPECT_EQ(read(TN(1), 4), FSB_CAP | 0x400e);
	write(CONFIG, 8, 2);
	EXPECT_EQ(get(CONFIG), 0);
	/* A comparator that it doesn't have. */
	writes = 0;
	write(TN(4), 4, 4);
	write(TN(4) + 0x10, 8, ~0ull);
	EXPECT_EQ(writes, 0);
	EXPECT_EQ(read(TN(4), 8), 0);
}

TEST(other_widths)
{
	fresh();
	writes = 0;
	write(CONFIG, 1, 1);
	write(CONFIG, 2, 1);
	write(CONFIG + 2, 4, 1);
	write(TN(0) + 4, 8, 1);
	write(0x3fc, 8, 1);
	write(0x400, 4, 1);
	write(0xffc, 4, 1);
	EXPECT_EQ(writes, 0);
	EXPECT_EQ(read(0, 1) | read(0, 2) | read(2, 4) | read(4, 8), 0);
	EXPECT_EQ(read(0x400, 4) | read(0xff8, 8), 0);
}

TEST(messages_stay_in_the_copy)
{
	fresh();
	message(1, TO(1), 0x4051);
	own(1);
	EXPECT_EQ(read(TN(1) + 0x10, 4), 0x4051);
	EXPECT_EQ(read(TN(1) + 0x14, 4), TO(1));
	EXPECT_EQ(read(TN(1) + 0x10, 8), (uint64_t)TO(1) << 32 | 0x4051);
	write(TN(2) + 0x10, 8, (uint64_t)TO(0) << 32 | 0x61);
	own(2);
	routed(2, 0, 0x61);
	own(0);
	EXPECT_EQ(read(TN(0) + 0x10, 8), 0);
}

TEST(routes_follow)
{
	fresh();
	write(TN(0) + 0x10, 4, 0x51);
	EXPECT_EQ(routes, 0);
	write(TN(0) + 0x14, 4, TO(1));
	EXPECT_EQ(routes, 1);
	routed(0, 1, 0x51);
	message(0, TO(1), 0x51);
	EXPECT_EQ(routes, 1); /* nothing new */
	write(TN(0) + 0x10, 4, 0x52);
	routed(0, 1, 0x52);
	write(TN(0) + 0x14, 4, TO(0));
	routed(0, 0, 0x52);
	EXPECT_EQ(routes, 3);
	EXPECT_EQ(unroutes, 0);
	write(TN(0) + 0x10, 4, 0x0f);
	EXPECT(!vm.hpet.irq[0].target);
	write(TN(0) + 0x10, 4, 0x53);
	routed(0, 0, 0x53);
	write(TN(0) + 0x14, 4, 0x12345000);
	EXPECT(!vm.hpet.irq[0].target);
	EXPECT_EQ(unroutes, 2);
	EXPECT_EQ(interrupts, 0);
}

TEST(mapped_when_calm)
{
	fresh();
	read(COUNTER, 4);
	write(TN(0) + 8, 4, 5); /* no route yet */
	EXPECT_EQ(mapped, 0);
	message(0, TO(0), 0x51);
	write(TN(0), 4, 0x4004);
	write(CONFIG, 4, 1);
	read(TN(0), 4);
	read(TN(4) + 8, 4);
	EXPECT_EQ(mapped, 0);
	map_result = ERR_NOMEM;
	read(COUNTER, 4);
	EXPECT(!vm.hpet.mapped);
	map_result = OK;
	read(COUNTER, 4);
	EXPECT(vm.hpet.mapped && mapped == 1);
	read(COUNTER, 4); /* one that faulted before */
	EXPECT_EQ(mapped, 1);
	fresh();
	message(3, TO(0), 0x51);
	write(TN(0) + 8, 4, 5);
	EXPECT(vm.hpet.mapped);
	EXPECT_EQ(get(TN(0) + 8), 5);
}

TEST(wide_registers_are_not_torn)
{
	fresh();
	EXPECT_EQ(read(COUNTER, 8), 0x1ffffffff);
	EXPECT_EQ(wide_reads, 1);
	EXPECT_EQ(read(COUNTER, 4), 0);
	EXPECT_EQ(read(COUNTER + 4, 4), 2);
	write(TN(2) + 8, 8, 0x123456789a);
	EXPECT_EQ(wide_writes, 1);
	EXPECT_EQ(read(TN(2) + 8, 8), 0x123456789a);
	EXPECT_EQ(wide_reads, 2);
	write(COUNTER, 8, 7);
	EXPECT_EQ(wide_writes, 2);
}

/* Comparator 0 goes to vCPU 0 by vector 51h, and the page is the guest's. */
static void guests_own(void)
{
	fresh();
	message(0, TO(0), 0x51);
	read(COUNTER, 4);
	EXPECT(vm.hpet.mapped);
}

TEST(a_raw_message)
{
	guests_own();
	set(TN(1) + 0x10, 0x4061);
	set(TN(1) + 0x14, TO(1));
	vcpus[1].state = VCPU_RUNNING;
	vhpet_interrupt(&cpu, &vm.hpet);
	delivered(1, 0x61);
	EXPECT(!vm.hpet.mapped && unmapped == 1 && flushes == VCPUS);
	EXPECT(vcpus[0].events == VCPU_EVENT_FLUSH && vcpus[1].events == VCPU_EVENT_FLUSH);
	/* vCPU 1 is in the guest still, with the page. */
	read(COUNTER, 4);
	vhpet_look(&cpu, &vm);
	EXPECT(!vm.hpet.irq[1].target && !vm.hpet.mapped && !interrupts);
	EXPECT_EQ(get(TN(1) + 0x10), 0x4061);
	EXPECT_EQ(read(TN(1) + 0x10, 8), (uint64_t)TO(1) << 32 | 0x4061); /* what it wrote */
	vhpet_interrupt(&cpu, &vm.hpet);
	delivered(1, 0x61);
	EXPECT(unmapped == 1 && flushes == VCPUS);
	vcpus[1].events = 0; /* it came by */
	read(TN(0), 4);
	own(1);
	routed(1, 1, 0x61);
	delivered(1, 0x61);
	EXPECT_EQ(read(TN(1) + 0x10, 8), (uint64_t)TO(1) << 32 | 0x4061);
	vhpet_interrupt(&cpu, &vm.hpet); /* a late one: delivered already */
	EXPECT_EQ(interrupts, 0);
	routed(0, 0, 0x51);
	EXPECT_EQ(mapped, 1);
	read(COUNTER, 4);
	EXPECT(vm.hpet.mapped);
}

TEST(a_raw_value_with_an_old_address)
{
	guests_own();
	set(TN(0) + 0x10, 0x52);
	vcpus[0].state = VCPU_RUNNING;
	vhpet_interrupt(&cpu, &vm.hpet);
	delivered(0, 0x52);
	routed(0, 0, 0x51);
	/* Sleeping ones can't write: their events may wait. */
	vcpus[0].state = VCPU_BLOCKED;
	vhpet_look(&cpu, &vm);
	routed(0, 0, 0x52);
	delivered(0, 0x52);
	own(0);
	EXPECT_EQ(read(TN(0) + 0x14, 4), TO(0));
}

/* Whose comparator has a short period and a vector for a message must not keep the host busy. */
TEST(a_raw_message_of_nobody_who_runs)
{
	guests_own();
	set(TN(0) + 0x10, 0x52);
	set(TN(0) + 0x14, TO(1));
	vhpet_interrupt(&cpu, &vm.hpet);
	EXPECT(!vm.hpet.mapped);
	own(0);
	routed(0, 1, 0x52);
	delivered(1, 0x52);
}

TEST(a_raw_value_is_written_again)
{
	guests_own();
	set(TN(0) + 0x10, 0x52);
	vcpus[1].state = VCPU_RUNNING;
	vhpet_interrupt(&cpu, &vm.hpet);
	delivered(0, 0x52);
	write(TN(0) + 0x10, 4, 0x53); /* trapped, and nobody's page yet */
	routed(0, 0, 0x53);
	own(0);
	set(TN(0) + 0x14, TO(0));
	write(TN(0) + 0x14, 4, TO(1));
	routed(0, 1, 0x53);
	own(0);
	vhpet_interrupt(&cpu, &vm.hpet);
	EXPECT_EQ(interrupts, 0);
}

TEST(a_raw_address)
{
	guests_own();
	set(TN(0) + 0x14, TO(1));
	vm.stopped = 1;
	vhpet_look(&cpu, &vm);
	EXPECT(vm.hpet.mapped);
	vm.stopped = 0;
	vcpus[0].state = VCPU_RUNNING;
	vhpet_look(&cpu, &vm);
	EXPECT(!vm.hpet.mapped && flushes == VCPUS);
	routed(0, 0, 0x51);
	vcpus[0].events = 0;
	vhpet_look(&cpu, &vm);
	own(0);
	routed(0, 1, 0x51);
	delivered(1, 0x51);
	EXPECT_EQ(read(TN(0) + 0x14, 4), TO(1));
	/* Nothing to see: nothing is done. */
	read(COUNTER, 4);
	vcpus[1].events = 0;
	vhpet_look(&cpu, &vm);
	EXPECT(vm.hpet.mapped && unmapped == 1 && !interrupts);
}

TEST(raw_nonsense_leads_nowhere)
{
	guests_own();
	set(TN(0) + 0x10, 0x05);
	set(TN(0) + 0x14, 0x10000);
	vhpet_interrupt(&cpu, &vm.hpet);
	vhpet_look(&cpu, &vm);
	EXPECT_EQ(interrupts, 0);
	EXPECT(!vm.hpet.irq[0].target && !vm.hpet.mapped);
	own(0);
	read(COUNTER, 4); /* no route any more */
	EXPECT(!vm.hpet.mapped);
}

TEST(reset)
{
	guests_own();
	set(CONFIG, 1);
	set(TN(0), FSB_CAP | 0x4004);
	set(TN(1) + 0x10, 0x4061);
	vhpet_reset(&cpu, &vm);
	EXPECT(!vm.hpet.mapped && unmapped == 1 && flushes == VCPUS);
	EXPECT_EQ(unroutes, 1);
	EXPECT_EQ(get(CONFIG), 0);
	for (uint32_t n = 0; n < 4; n++) {
		EXPECT_EQ(get(TN(n)), FSB_CAP);
		EXPECT_EQ(read(TN(n) + 0x10, 8), 0);
		own(n);
	}
	vhpet_reset(&cpu, &vm);
	EXPECT(unmapped == 1 && unroutes == 1 && !interrupts);
	EXPECT(!opened && !blocked);
}

TEST(open_and_close)
{
	guests_own();
	set(CONFIG, 1);
	set(TN(2), FSB_CAP | 0x4004);
	vhpet_close(&vm);
	EXPECT_EQ(blocked, 1);
	EXPECT_EQ(get(CONFIG), 0);
	EXPECT_EQ(get(TN(2)), FSB_CAP);
	EXPECT_EQ(vhpet_open(&vm, &why), OK);
	EXPECT_EQ(opened, 1);
	dte_result = ERR_TIMEOUT;
	EXPECT_EQ(vhpet_open(&vm, &why), ERR_TIMEOUT);
	EXPECT(strstr(why, "the HPET's IOMMU does not answer"));
}
