/* SPDX-License-Identifier: MIT */
/* sources: vmm/device_find.c vmm/guest/memory_map.c */
/* sources: vmm/assign_restart.c vmm/assign.c vmm/route.c iommu/[a-z]*.c avic/run.c avic/vapic.c */
#include "drivers/msi.h"
#include "drivers/msix.h"
#include "intx.h"
#include "iommu/ivrs.h"
#include "place.h"
#include "vectors.h"
#include "vm.h"
#include "iommu_fake_pci.h"

#define GAPPI_QUIET 0xa1ull /* RemapEn, GAPPIDis, GuestMode */

static struct pci_device devices[3];
static struct pci_enabled {
	bool master, messages, decoding, held, no_ats;
	uint32_t programmed;
} state[3];
static err_t flr_result, program_result;
static unsigned plain_log2;
static uint32_t first_held, second_first;
static struct vm vm, other;
static struct vm_config config;
static struct vcpu vcpu[2];
static struct vapic page[2] __attribute__((aligned(4096)));
static uint64_t physical[2];
static struct cpu cpu[2];
static struct ivrs ivrs;
static struct {
	uint64_t gpa, host, bytes;
} mapped[16];
static uint32_t mapped_count;
static uint32_t told[2], interrupts[2], woken[2], doorbells, stops;
static bool one_too_many; /* says storm.c */
static uint8_t last_vector, next_host_vector;
static const char *why;

static unsigned at(devid_t id)
{
	for (unsigned i = 0; i < 3; i++)
		if (devices[i].id == id)
			return i;
	abort();
}

struct pci_device *pci_find(devid_t id)
{
	for (unsigned i = 0; i < 3; i++)
		if (devices[i].id == id)
			return &devices[i];
	return NULL;
}

struct pci_device *pci_find_nth(uint16_t vendor, uint16_t device, uint32_t n)
{
	for (unsigned i = 0; i < 3; i++)
		if (devices[i].vendor == vendor && devices[i].device == device && !n--)
			return &devices[i];
	return NULL;
}

static uint32_t routed;

void place_routed(struct cpu *here, struct iommu *u)
{
	routed++;
}

void pci_enable(devid_t id)
{
	state[at(id)].master = true;
}

void pci_disable_dma(devid_t id)
{
	state[at(id)].master = false;
}

void pci_disable_ats(devid_t id)
{
	state[at(id)].no_ats = true;
}

void pci_reset_begin(const struct pci_device *d, struct pci_reset *r)
{
	*r = (struct pci_reset){ .way = PCI_RESET_FLR };
	pci_disable_dma(d->id);
}

err_t pci_reset_step(const struct pci_device *d, struct pci_reset *r)
{
	EXPECT(!state[at(d->id)].master);
	return flr_result;
}

err_t pci_reset(const struct pci_device *d, struct pci_reset *r)
{
	pci_reset_begin(d, r);
	return flr_result;
}

const char *pci_reset_name(enum pci_reset_way way)
{
	return "a reset";
}

void pci_enable_decoding(devid_t id)
{
	state[at(id)].decoding = true;
}

static bool together;

bool pci_apart(devid_t a, devid_t b)
{
	return !together;
}

static devid_t wire_id;

devid_t pci_wire_id(devid_t id)
{
	return wire_id && id == devices[0].id ? wire_id : id;
}

uint32_t pci_count(void)
{
	return 3;
}

struct pci_device *pci_by_index(uint32_t i)
{
	return &devices[i];
}

uint32_t msi_plain_count(const struct pci_device *d)
{
	return d->cap_msi ? 1u << plain_log2 : 0;
}

err_t msi_hold(const struct pci_device *d, uint32_t first)
{
	first_held = first;
	state[at(d->id)].held = true;
	return program_result;
}

uint32_t msi_count(const struct pci_device *d)
{
	return d->cap_msix ? 20 : d->cap_msi ? 1 : 0;
}

err_t msi_program(const struct pci_device *d, uint32_t n, uint32_t irte_index)
{
	EXPECT_EQ(irte_index - n, d == &devices[0] ? 0 : second_first);
	state[at(d->id)].programmed |= 1u << n;
	return program_result;
}

void msi_enable(const struct pci_device *d)
{
	state[at(d->id)].messages = true;
}

void msi_disable(const struct pci_device *d)
{
	state[at(d->id)].messages = false;
}

bool msix_table_range(const struct pci_device *d, unsigned *bar, uint64_t *offset, uint64_t *bytes)
{
	*bar = 3;
	*offset = 0x2010;
	*bytes = 0x140;
	return d->cap_msix;
}

err_t npt_map(struct npt *npt, gpa_t guest, phys_t host, uint64_t bytes, enum npt_perm perm)
{
	EXPECT(perm == NPT_RW && mapped_count < 16);
	mapped[mapped_count].gpa = guest.v;
	mapped[mapped_count].host = host.v;
	mapped[mapped_count++].bytes = bytes;
	return OK;
}

uint8_t cpu_vector_alloc(struct cpu *c, enum vector_kind kind, void *owner)
{
	EXPECT_EQ(kind, VECTOR_DEVICE);
	if (!next_host_vector)
		return 0;
	c->vectors[next_host_vector].owner = owner;
	return next_host_vector++;
}

struct vcpu *vcpu_from_tag(uint32_t tag)
{
	return tag < 2 ? &vcpu[tag] : NULL;
}

void vcpu_post_event(struct cpu *here, struct vcpu *v, uint32_t events)
{
	EXPECT_EQ(events, 0);
	told[v - vcpu]++;
}

void vcpu_interrupt(struct cpu *here, struct vcpu *v, uint8_t vector)
{
	interrupts[v - vcpu]++;
	last_vector = vector;
}

bool vcpu_owed(const struct vcpu *v)
{
	return vapic_irr_any(v->avic.page);
}

bool vcpu_wake(struct cpu *here, struct vcpu *v)
{
	woken[v - vcpu]++;
	return true;
}

bool storm_host_interrupt(struct cpu *here, struct assigned_irq *irq)
{
	return !one_too_many;
}

static const char *pin_refusal;
static err_t pin_result;
static unsigned pins_closed, hpet_closed, hpet_opened;
static err_t hpet_result;

const char *intx_refuse(const struct vm *v, const struct pci_device *pci)
{
	return pin_refusal;
}

err_t intx_attach(struct vm *v, struct assigned_device *d, const char **sentence)
{
	if (pin_result)
		*sentence = "pin";
	return pin_result;
}

void vhpet_close(struct vm *v)
{
	hpet_closed++;
}

err_t vhpet_open(struct vm *v, const char **sentence)
{
	hpet_opened++;
	if (hpet_result)
		*sentence = "the HPET";
	return hpet_result;
}

void intx_close(struct vm *v)
{
	pins_closed++;
}

void sim_doorbell(uint32_t apicid)
{
	doorbells++;
}

void vm_stop(struct cpu *here, struct vm *v, const char *text)
{
	EXPECT(v == &vm);
	stops++;
}

static void start_vcpus(void)
{
	for (uint32_t i = 0; i < 2; i++) {
		cpu[i] = (struct cpu){ .index = i, .apicid = 0x10 + i };
		vcpu[i] = (struct vcpu){ .vm = &vm, .tag = i, .home = &cpu[i] };
		vcpu[i].avic = (struct avic_vcpu){ .page = &page[i],
			.page_phys = PHYS((uint64_t)&page[i]),
			.entry = &physical[i],
			.vm = &vm.avic,
			.target = { 0x10 + i, GATAG(i, 0x50 + i) },
			.put = PUT_PREEMPTED };
		list_init(&vcpu[i].avic.posts);
	}
	memset(page, 0, sizeof(page));
	memset(told, 0, sizeof(told));
	memset(interrupts, 0, sizeof(interrupts));
	memset(woken, 0, sizeof(woken));
	one_too_many = false;
	doorbells = stops = 0;
}

static void start_devices(void)
{
	/* Each test has devices of its own: what was given away stays so. */
	static uint32_t bus;

	memset(state, 0, sizeof(state));
	memset(devices, 0, sizeof(devices));
	bus++;
	for (unsigned i = 0; i < 3; i++)
		devices[i] = (struct pci_device){ .id = DEVID(bus, i, 0),
			.vendor = 0x1234,
			.device = 0x11e8,
			.class_code = 0x020000 };
	devices[0].cap_msix = 0x50;
	devices[0].bar[0] = (struct pci_bar){ .base = 0xc0000000, .bytes = 0x20000 };
	devices[0].bar[1] = (struct pci_bar){ .base = 0xd000, .bytes = 0x20, .io = true };
	devices[0].bar[2] = (struct pci_bar){ .base = 0xc0030000, .bytes = 0x80 };
	devices[0].bar[3] = (struct pci_bar){ .base = 0xc0040000, .bytes = 0x4000 };
	devices[1].cap_msi = 0x40;
	flr_result = program_result = pin_result = OK;
	pin_refusal = NULL;
	wire_id = 0;
	second_first = 0;
	together = false;
	plain_log2 = 0;
	mapped_count = 0;
	next_host_vector = 0x30;
}

static void start(uint64_t efr)
{
	static const struct iommu_setup setup = { .galog_entries = 512 };

	fake_reset();
	fake_config_init(&fake[0]);
	fake_set(&fake[0], 0x30, efr);
	fake_set(&fake[0], 0x1a0, 0x10);
	ivrs = (struct ivrs){ .unit_count = 1, .range_count = 1 };
	ivrs.unit[0] = (struct ivrs_unit){
		.mmio = (uint64_t)fake[0].regs, .dev = FAKE_DEV0, .cap_offset = 0x40
	};
	ivrs.range[0] = (struct ivrs_range){ .first = 8, .last = 0xfffe };
	EXPECT_EQ(iommu_init_all(&ivrs, &setup), OK);
	config = (struct vm_config){ .name = "test", .memory_bytes = 4 * MIB };
	vm = (struct vm){
		.config = &config, .id = 3, .memory = PHYS(0x40000000), .delivery = DELIVERY_POSTED
	};
	other = vm;
	other.id = 4;
	start_vcpus();
	start_devices();
}

#define EFR 0x2000e0ull /* vAPIC, GA, IA, GAPPI */

static err_t give(struct vm *to, unsigned n)
{
	const struct config_device wanted = { .bdf = devices[n].id };

	return assign_device(to, &wanted, &why);
}

static const uint64_t *dte(unsigned n)
{
	return (uint64_t *)(fake_get(&fake[0], 0) & 0x000ffffffffff000ull) + 4 * devices[n].id;
}

static const uint64_t *irte(unsigned message)
{
	return vm.devices[0].irt.entry[message].q;
}

TEST(a_device_becomes_the_vms)
{
	start(EFR);
	EXPECT_EQ(give(&vm, 0), OK);
	EXPECT_EQ(vm.device_count, 1);
	EXPECT_EQ(vm.devices[0].irq_count, 20);
	EXPECT_EQ(dte(0)[0], 0x6000000000000803ull | vm.domain.root.v);
	EXPECT_EQ(dte(0)[1] & 0xffff, 3);
	EXPECT_EQ(vm.domain.id, 3);
	EXPECT(state[0].master && state[0].messages && state[0].no_ats);
	EXPECT_EQ(state[0].programmed, 0xfffff);
	EXPECT_EQ(irte(0)[0], 2); /* nowhere yet */
	/* BAR 0 whole, BAR 3 without the page of the MSI-X table; ports and 128 bytes left out. */
	EXPECT_EQ(mapped_count, 3);
	EXPECT(mapped[0].gpa == 0xc0000000 && mapped[0].host == 0xc0000000);
	EXPECT_EQ(mapped[0].bytes, 0x20000);
	EXPECT_EQ(mapped[1].gpa, 0xc0040000);
	EXPECT_EQ(mapped[1].bytes, 0x2000);
	EXPECT_EQ(mapped[2].gpa, 0xc0043000);
	EXPECT_EQ(mapped[2].bytes, 0x1000);
	/* The VM's memory at its guest-physical addresses: two leaves of 2 MiB. */
	uint64_t *t = (uint64_t *)vm.domain.root.v;

	t = (uint64_t *)(t[0] & 0x000ffffffffff000ull);
	t = (uint64_t *)(t[0] & 0x000ffffffffff000ull);
	EXPECT_EQ(t[0], 0x6000000040000001ull);
	EXPECT_EQ(t[1], 0x6000000040200001ull);
	EXPECT_EQ(t[2], 0);
	uint64_t root = vm.domain.root.v;

	EXPECT_EQ(give(&vm, 1), OK); /* the same domain */
	EXPECT_EQ(vm.domain.root.v, root);
	EXPECT_EQ(vm.devices[1].irq_count, 1);
	EXPECT_EQ(give(&vm, 2), OK); /* no messages */
	EXPECT(!state[2].messages && state[2].master);
}

static uint64_t leaf(const struct domain *d, uint64_t at)
{
	uint64_t e = d->root.v;
	unsigned shift = 39;

	for (;; shift -= 9) {
		e = ((uint64_t *)(e & 0x000ffffffffff000ull))[at >> shift & 511];
		if (!(e >> 9 & 7))
			return e;
	}
}

/* DMA reaches both pieces of it, and not what lies between. */
TEST(much_memory)
{
	start(EFR);
	config.pci = PCI_VIRTUAL;
	config.memory_bytes = 5 * GIB + 2 * MIB;
	vm.memory = PHYS(0x140000000);
	EXPECT_EQ(give(&vm, 0), OK);
	EXPECT_EQ(leaf(&vm.domain, 0), 0x6000000140000001ull);
	EXPECT_EQ(leaf(&vm.domain, 0x7fffffff), 0x6000000180000001ull);
	EXPECT_EQ(leaf(&vm.domain, 0x80000000), 0);
	EXPECT_EQ(leaf(&vm.domain, 0xffffffff), 0);
	EXPECT_EQ(leaf(&vm.domain, 0x100000000), 0x60000001c0000001ull);
	EXPECT_EQ(leaf(&vm.domain, 0x1bfffffff), 0x6000000240000001ull);
	EXPECT_EQ(leaf(&vm.domain, 0x1c0000000), 0x6000000280000001ull);
	EXPECT_EQ(leaf(&vm.domain, 0x1c0200000), 0);
}

TEST(by_vendor_and_device)
{
	const struct config_device wanted = {
		.naming = DEVICE_BY_ID, .vendor = 0x1234, .device = 0x11e8, .index = 1
	};

	start(EFR);
	EXPECT_EQ(assign_device(&vm, &wanted, &why), OK);
	EXPECT(vm.devices[0].pci == &devices[1]);
}

static void expect_refused(unsigned n, const char *part)
{
	EXPECT(give(&vm, n) != OK);
	EXPECT(why && strstr(why, part));
	if (why && !strstr(why, part))
		printf("%s\n", why);
	EXPECT_EQ(vm.device_count, 0);
	EXPECT_EQ(dte(n)[0], 1);
	EXPECT(!state[n].master);
}

TEST(refusals)
{
	const struct config_device nobody = { .bdf = 0xfff0 };
	struct irt messages;

	start(EFR);
	EXPECT_EQ(assign_device(&vm, &nobody, &why), ERR_NOT_FOUND);
	devices[0].header_type = 0x81;
	expect_refused(0, "bridge");
	devices[0].header_type = 0x80;
	devices[0].class_code = 0x060100;
	expect_refused(0, "machine itself");
	start(EFR);
	ivrs.range_count = 0;
	expect_refused(0, "no IOMMU");
	start(0x200040);
	expect_refused(0, "GASup");
	start(EFR | 0xc00);
	expect_refused(0, "translate");
	start(EFR);
	iommu_by_index(0)->failed = true;
	expect_refused(0, "failed");
	start(EFR | 1ull << 16);
	fake_set(&fake[0], 0x60, devices[0].id | 3ull << 16);
	expect_refused(0, "SMI filter");
	fake_set(&fake[0], 0x60, devices[0].id | 1ull << 16); /* not locked */
	EXPECT_EQ(give(&vm, 0), OK);
	EXPECT_EQ(fake_get(&fake[0], 0x60), 0);
	start(EFR);
	flr_result = ERR_TIMEOUT;
	expect_refused(0, "reset");
	start(EFR);
	devices[0].bar[0].base = 0x200000;
	expect_refused(0, "BAR");
	start(EFR);
	program_result = ERR_INVALID;
	expect_refused(0, "MSI");
	EXPECT_EQ(fake_pages_freed, 2);
	start(EFR);
	wire_id = 0x700;
	expect_refused(0, "conventional");
	/* Where the IVRS knows of the bridge, its word counts. */
	ivrs.range_count = 2;
	ivrs.range[1] = (struct ivrs_range){
		.first = devices[0].id, .last = devices[0].id, .aliased = true, .alias = 0x700
	};
	EXPECT_EQ(give(&vm, 0), OK);
	start(EFR);
	ivrs.range_count = 2; /* not its own ID, but the one that it sends by */
	ivrs.range[1] = (struct ivrs_range){
		.first = devices[0].id, .last = devices[0].id, .aliased = true, .alias = 0x700
	};
	EXPECT_EQ(irt_alloc(&messages, 32), OK);
	EXPECT_EQ(dte_remap(iommu_by_index(0), 0x700, &messages), OK);
	expect_refused(0, "timer = hpet");
	EXPECT_EQ(dte_use(iommu_by_index(0), 0x700), DTE_REMAPPED);
	EXPECT_EQ(dte_block(iommu_by_index(0), 0x700), OK);
	EXPECT_EQ(give(&vm, 0), OK);
	EXPECT_EQ(dte_use(iommu_by_index(0), 0x700), DTE_ASSIGNED);
	start(EFR);
	pin_refusal = "nobody knows where its pin leads";
	expect_refused(0, "its pin");
	start(EFR);
	pin_result = ERR_NOT_FOUND;
	expect_refused(0, "pin");
	EXPECT_EQ(fake_pages_freed, 2);
	start(EFR);
	fake[0].silent = true;
	EXPECT_EQ(give(&vm, 0), ERR_TIMEOUT);
	EXPECT(strstr(why, "answer"));
	EXPECT_EQ(fake_pages_freed, 1); /* the table may still be read */
	start(EFR);
	fake_pages_limit = fake_pages_used;
	expect_refused(0, "no memory");
	start(EFR);
	fake_pages_limit = fake_pages_used + 3;
	expect_refused(0, "interrupt table");
	start(EFR);
	ivrs.unity_count = 1;
	ivrs.unity[0] = (struct ivrs_unity){
		.last = 0xffff, .base = 0x100000, .bytes = 0x1000, .flags = 7
	};
	expect_refused(0, "IVMD");
	start(EFR);
	flr_result = ERR_UNFIT; /* has no reset: fine */
	EXPECT_EQ(give(&vm, 0), OK);
}

/* Between two lives: no DMA, no messages, until the reset is done. */
TEST(second_life)
{
	start(EFR);
	EXPECT_EQ(give(&vm, 0), OK);
	struct assigned_device *d = &vm.devices[0];

	EXPECT_EQ(assign_route(&cpu[0], &d->irq[0], &vcpu[0], 0x51), OK);
	uint64_t open = dte(0)[0];

	hpet_closed = hpet_opened = 0;
	assign_block_all(&vm);
	EXPECT_EQ(hpet_closed, 1);
	assign_reset_begin(&cpu[0], &vm);
	EXPECT(!d->irq[0].target && !(irte(0)[0] & 1));
	flr_result = ERR_BUSY;
	EXPECT_EQ(assign_reset_step(&vm, &why), ERR_BUSY);
	EXPECT(dte(0)[0] != open);
	flr_result = OK;
	EXPECT_EQ(assign_reset_step(&vm, &why), OK);
	EXPECT_EQ(dte(0)[0], open);
	EXPECT(hpet_closed == 1 && hpet_opened == 1);
	EXPECT(state[0].master); /* pci = direct */
	assign_block_all(&vm);
	assign_reset_begin(&cpu[0], &vm);
	flr_result = ERR_UNFIT;
	EXPECT_EQ(assign_reset_step(&vm, &why), ERR_UNFIT);
	EXPECT(strstr(why, "no reset"));
	EXPECT(!state[0].master);
	EXPECT(dte(0)[0] != open);
}

TEST(a_second_life_whose_hpet_stays_closed)
{
	start(EFR);
	EXPECT_EQ(give(&vm, 0), OK);
	assign_block_all(&vm);
	assign_reset_begin(&cpu[0], &vm);
	hpet_result = ERR_TIMEOUT;
	EXPECT_EQ(assign_reset_step(&vm, &why), ERR_TIMEOUT);
	EXPECT(!strcmp(why, "the HPET"));
	hpet_result = OK;
}

TEST(nobody_gets_what_another_has)
{
	start(EFR);
	EXPECT_EQ(give(&vm, 0), OK);
	EXPECT(give(&other, 0) != OK);
	EXPECT(strstr(why, "given away"));
	ivrs.range_count = 2;
	ivrs.range[1] = (struct ivrs_range){ .first = devices[1].id,
		.last = devices[1].id,
		.aliased = true,
		.alias = devices[0].id };
	EXPECT(give(&other, 1) != OK);
	EXPECT(strstr(why, "requester"));
	/* Of its own group the VM must have everything. */
	vm.device_count = 0;
	EXPECT(give(&vm, 1) != OK);
	EXPECT(strstr(why, "must have both"));
	config.devices[0] = (struct config_device){ .bdf = devices[0].id };
	config.device_count = 1;
	EXPECT_EQ(give(&vm, 1), OK);
}

/* All three carry one ID; the first so many are wanted. */
static void start_shared(uint32_t wanted)
{
	start(EFR);
	ivrs.range_count = 2;
	ivrs.range[1] = (struct ivrs_range){
		.first = devices[0].id, .last = devices[2].id, .aliased = true, .alias = 0x700
	};
	for (unsigned i = 0; i < wanted; i++)
		config.devices[i] = (struct config_device){ .bdf = devices[i].id };
	config.device_count = wanted;
}

TEST(one_requester_id_one_table)
{
	start_shared(2);
	expect_refused(0, "must have both");
	start_shared(3);
	second_first = 32; /* behind 20 messages */
	EXPECT_EQ(give(&vm, 0), OK);
	EXPECT_EQ(give(&vm, 1), OK);
	EXPECT_EQ(dte(0)[2], dte(1)[2]);
	const uint64_t *shared = dte(0) + 4ll * (0x700 - devices[0].id);

	EXPECT_EQ(shared[0], dte(0)[0]);
	EXPECT_EQ(shared[2], dte(0)[2]);
	EXPECT_EQ(dte(0)[2] & 0x1e, 9 << 1); /* 512 entries */
	EXPECT_EQ(assign_route(&cpu[0], &vm.devices[1].irq[0], &vcpu[0], 0x61), OK);
	EXPECT(vm.devices[0].irt.entry[32].q[0] & 1);
	EXPECT_EQ(irte(0)[0], 2);
	/* With a message too many for the rest of the table. */
	start_shared(3);
	config.pci = PCI_VIRTUAL;
	plain_log2 = 8;
	for (unsigned i = 0; i < 3; i++)
		devices[i].cap_msi = 0x40;
	EXPECT_EQ(give(&vm, 0), OK);
	EXPECT_EQ(give(&vm, 1), OK);
	EXPECT_EQ(first_held, 256);
	EXPECT_EQ(give(&vm, 2), ERR_NOMEM);
	EXPECT(strstr(why, "interrupt table"));
}

TEST(nobody_gets_what_can_reach_anothers)
{
	start(EFR);
	together = true;
	EXPECT_EQ(give(&vm, 0), OK);
	EXPECT_EQ(give(&other, 1), ERR_UNFIT);
	EXPECT(strstr(why, "no ACS between them"));
	EXPECT_EQ(dte(1)[0], 1);
	EXPECT_EQ(give(&vm, 1), OK); /* the same owner */
	together = false;
	EXPECT_EQ(give(&other, 2), OK);
}

TEST(virtual_bus)
{
	start(EFR);
	config.pci = PCI_VIRTUAL;
	devices[0].cap_msi = 0x70;
	plain_log2 = 5;
	EXPECT_EQ(give(&vm, 0), OK);
	EXPECT_EQ(mapped_count, 0); /* the guest says where */
	EXPECT(state[0].decoding && state[0].held && !state[0].master && !state[0].messages);
	EXPECT_EQ(state[0].programmed, 0);
	EXPECT_EQ(vm.devices[0].irq_count, 32);
	EXPECT_EQ(assign_route(&cpu[0], &vm.devices[0].irq[31], &vcpu[0], 0x61), OK);
	EXPECT(vm.devices[0].irt.entry[31].q[0] & 1);
	assign_unroute(&cpu[0], &vm.devices[0].irq[31]);
	EXPECT_EQ(vm.devices[0].irt.entry[31].q[0], 2);
	EXPECT(!vm.devices[0].irq[31].target && list_empty(&vcpu[0].avic.posts));
	EXPECT_EQ(told[0], 2); /* what came meanwhile is looked at */
	assign_unroute(&cpu[0], &vm.devices[0].irq[31]);
	EXPECT_EQ(told[0], 2);
}

static struct assigned_irq *an_irq(void)
{
	routed = 0;
	start(EFR);
	EXPECT_EQ(give(&vm, 0), OK);
	return &vm.devices[0].irq[2];
}

TEST(posted_route)
{
	struct assigned_irq *irq = an_irq();

	EXPECT_EQ(assign_route(&cpu[0], irq, &vcpu[1], 0x61), OK);
	EXPECT(irq->posted && irq->target == &vcpu[1]);
	/* avic_attach() wrote where the vCPU is: not running, told by 51h on APIC ID 11h. */
	EXPECT_EQ(irte(2)[0], 0x0000015100001100ull | GAPPI_QUIET);
	EXPECT_EQ(irte(2)[1], (uint64_t)&page[1] | 0x61);
	EXPECT_EQ(told[1], 1); /* looks once */
	EXPECT_EQ(routed, 1);
	EXPECT_EQ(told[0], 0);
	avic_load(&vcpu[1].avic, vcpu[1].avic.target);
	EXPECT_EQ(irte(2)[0] & 0x40, 0x40);
}

TEST(moved_while_both_run)
{
	struct assigned_irq *irq = an_irq();

	avic_load(&vcpu[0].avic, vcpu[0].avic.target);
	avic_load(&vcpu[1].avic, vcpu[1].avic.target);
	vcpu[0].avic.active = vcpu[1].avic.active = true;
	EXPECT_EQ(assign_route(&cpu[0], irq, &vcpu[1], 0x61), OK);
	EXPECT_EQ(doorbells, 1);
	EXPECT_EQ(assign_route(&cpu[1], irq, &vcpu[0], 0x62), OK);
	EXPECT_EQ(doorbells, 2); /* the new one; the old one runs here */
	EXPECT(list_empty(&vcpu[1].avic.posts) && !list_empty(&vcpu[0].avic.posts));
	EXPECT_EQ(irte(2)[1], (uint64_t)&page[0] | 0x62);
	EXPECT_EQ(irte(2)[0] & 0x40, 0x40);
	uint64_t before = irte(2)[0];

	avic_put(&vcpu[1].avic, PUT_PREEMPTED, vcpu[1].avic.target);
	EXPECT_EQ(irte(2)[0], before); /* not his any more */
	EXPECT_EQ(told[0] + told[1], 0);
}

TEST(emulated_route)
{
	struct assigned_irq *irq = an_irq();

	vm.delivery = DELIVERY_EMULATED;
	EXPECT_EQ(assign_route(&cpu[0], irq, &vcpu[1], 0x61), OK);
	EXPECT(!irq->posted);
	EXPECT_EQ(irte(2)[0], 0x1101);
	EXPECT_EQ(irte(2)[1], 0x30);
	EXPECT(cpu[1].vectors[0x30].owner == irq);
	assign_host_interrupt(&cpu[1], irq);
	EXPECT_EQ(interrupts[1], 1);
	EXPECT_EQ(last_vector, 0x61);
	EXPECT_EQ(irq->host_interrupts, 1);
	/* To the other vCPU and back: the vector of a pCPU stays. */
	EXPECT_EQ(assign_route(&cpu[0], irq, &vcpu[0], 0x62), OK);
	EXPECT_EQ(irte(2)[1], 0x31);
	assign_host_interrupt(&cpu[1], irq); /* a late one on the old vector */
	EXPECT_EQ(interrupts[0], 1);
	EXPECT_EQ(last_vector, 0x62);
	EXPECT_EQ(assign_route(&cpu[0], irq, &vcpu[1], 0x61), OK);
	EXPECT_EQ(irte(2)[1], 0x30);
	EXPECT_EQ(next_host_vector, 0x32);
}

TEST(switched_over_and_back)
{
	struct assigned_irq *irq = an_irq();

	EXPECT_EQ(assign_route(&cpu[0], irq, &vcpu[1], 0x61), OK);
	vm.delivery = DELIVERY_EMULATED;
	EXPECT_EQ(assign_set_delivery(&cpu[0], &vm, DELIVERY_EMULATED), OK);
	EXPECT(!irq->posted && list_empty(&vcpu[1].avic.posts));
	EXPECT_EQ(irte(2)[0], 0x1101);
	EXPECT_EQ(irte(0)[0], 2); /* not routed: left alone */
	EXPECT_EQ(told[1], 2);    /* what was posted meanwhile is looked at */
	vm.delivery = DELIVERY_POSTED;
	EXPECT_EQ(assign_set_delivery(&cpu[0], &vm, DELIVERY_POSTED), OK);
	EXPECT(irq->posted);
	EXPECT_EQ(irte(2)[1], (uint64_t)&page[1] | 0x61);
}

TEST(without_guest_mode_it_is_emulated)
{
	start(0xc0);
	EXPECT_EQ(give(&vm, 0), OK);
	EXPECT_EQ(assign_route(&cpu[0], &vm.devices[0].irq[2], &vcpu[0], 0x61), OK);
	EXPECT(!vm.devices[0].irq[2].posted);
}

#define GALOG_INTR (1ull << 2)

static void hold(struct assigned_irq *irq)
{
	spin_lock(&vm.devices[0].lock);
	route_hold(&cpu[0], irq);
	spin_unlock(&vm.devices[0].lock);
	EXPECT_EQ(vm.devices[0].storm.held, 1);
}

/* Held, a post asks for no entry, whoever blocks; afterwards it does, and what came is found. */
TEST(held_posted)
{
	struct assigned_irq *irq = an_irq();

	vcpu[1].avic.put = PUT_BLOCKING_GALOG;
	EXPECT_EQ(assign_route(&cpu[0], irq, &vcpu[1], 0x61), OK);
	EXPECT(irte(2)[0] & GALOG_INTR);
	hold(irq);
	EXPECT(irq->held && !irq->owed);
	EXPECT(!(irte(2)[0] & GALOG_INTR) && irte(2)[0] & 1);
	avic_load(&vcpu[1].avic, vcpu[1].avic.target);
	avic_put(&vcpu[1].avic, PUT_BLOCKING_GALOG, vcpu[1].avic.target);
	EXPECT(!(irte(2)[0] & GALOG_INTR));
	EXPECT_EQ(assign_route(&cpu[0], irq, &vcpu[1], 0x62), OK); /* is no way out */
	EXPECT(!(irte(2)[0] & GALOG_INTR));
	vapic_set_irr(&page[1], 0x62);
	EXPECT_EQ(woken[1], 0);
	route_release(&cpu[0], irq);
	EXPECT(irte(2)[0] & GALOG_INTR);
	EXPECT_EQ(woken[1], 1);
	EXPECT_EQ(vm.devices[0].storm.held, 0);
	route_release(&cpu[0], irq);
	EXPECT_EQ(woken[1], 1);
	EXPECT_EQ(interrupts[1], 0);
}

/* Held, an emulated message is dropped without a word; afterwards it fires, once. */
TEST(held_emulated)
{
	struct assigned_irq *irq = an_irq();

	vm.delivery = DELIVERY_EMULATED;
	EXPECT_EQ(assign_route(&cpu[0], irq, &vcpu[1], 0x61), OK);
	irq->allowance = 1;
	assign_host_interrupt(&cpu[1], irq);
	EXPECT_EQ(interrupts[1], 1);
	one_too_many = true;
	assign_host_interrupt(&cpu[1], irq);
	EXPECT_EQ(interrupts[1], 1);
	hold(irq);
	EXPECT_EQ(irte(2)[0], 2); /* SupIOPF */
	EXPECT_EQ(assign_route(&cpu[0], irq, &vcpu[1], 0x62), OK);
	EXPECT_EQ(irte(2)[0], 2);
	route_release(&cpu[0], irq);
	EXPECT_EQ(irte(2)[0], 0x1101);
	EXPECT_EQ(interrupts[1], 2);
	EXPECT_EQ(last_vector, 0x62);
	route_release(&cpu[0], irq);
	EXPECT_EQ(interrupts[1], 2);
}

/* The VM changes over, or ends, or lets go of the message, while it is held. */
TEST(held_and_changed)
{
	struct assigned_irq *irq = an_irq();

	vm.delivery = DELIVERY_EMULATED;
	EXPECT_EQ(assign_route(&cpu[0], irq, &vcpu[1], 0x61), OK);
	hold(irq);
	vm.delivery = DELIVERY_POSTED;
	EXPECT_EQ(assign_set_delivery(&cpu[0], &vm, DELIVERY_POSTED), OK);
	EXPECT(irte(2)[0] & 1);
	route_release(&cpu[0], irq);
	EXPECT_EQ(interrupts[1], 1);
	vm.delivery = DELIVERY_EMULATED;
	EXPECT_EQ(assign_set_delivery(&cpu[0], &vm, DELIVERY_EMULATED), OK);
	hold(irq);
	vm.stopped = 1;
	route_release(&cpu[0], irq);
	EXPECT_EQ(irte(2)[0], 2);
	vm.stopped = 0;
	hold(irq);
	assign_unroute(&cpu[0], irq);
	route_release(&cpu[0], irq);
	EXPECT_EQ(irte(2)[0], 2);
	EXPECT_EQ(vm.devices[0].storm.held, 0);
	EXPECT_EQ(stops, 0);
}

TEST(route_failures_leave_nothing_on)
{
	struct assigned_irq *irq = an_irq();

	EXPECT_EQ(assign_route(&cpu[0], irq, &vcpu[1], 15), ERR_INVALID);
	vcpu[1].vm = &other;
	EXPECT_EQ(assign_route(&cpu[0], irq, &vcpu[1], 0x61), ERR_INVALID);
	vcpu[1].vm = &vm;
	EXPECT_EQ(assign_route(&cpu[0], irq, &vcpu[1], 0x61), OK);
	cpu[0].apicid = 0x100; /* doesn't fit without XT */
	EXPECT_EQ(assign_route(&cpu[0], irq, &vcpu[0], 0x61), ERR_UNFIT);
	EXPECT_EQ(irte(2)[0], 2);
	EXPECT(!irq->target && !irq->posted && list_empty(&vcpu[1].avic.posts));
	vm.delivery = DELIVERY_EMULATED;
	EXPECT_EQ(assign_route(&cpu[0], irq, &vcpu[1], 0x61), OK);
	next_host_vector = 0;
	EXPECT_EQ(assign_set_delivery(&cpu[0], &vm, DELIVERY_EMULATED), OK);
	EXPECT_EQ(assign_route(&cpu[0], irq, &vcpu[0], 0x61), ERR_NOMEM);
	EXPECT_EQ(irte(2)[0], 2);
	assign_host_interrupt(&cpu[1], irq); /* still on its way: goes nowhere */
	EXPECT_EQ(interrupts[0] + interrupts[1], 0);
	next_host_vector = 0x40;
	EXPECT_EQ(assign_route(&cpu[0], irq, &vcpu[1], 0x61), OK);
	EXPECT_EQ(stops, 0);
	fake[0].silent = true;
	EXPECT_EQ(assign_set_delivery(&cpu[0], &vm, DELIVERY_POSTED), ERR_TIMEOUT);
	EXPECT(!irq->target);
	EXPECT_EQ(stops, 1);
}

TEST(fence)
{
	start(EFR);
	EXPECT_EQ(give(&vm, 0), OK);
	EXPECT_EQ(give(&vm, 1), OK);
	assign_block_all(&vm);
	EXPECT(!state[0].master && !state[1].master);
	EXPECT_EQ(dte(0)[0], 1);
	EXPECT_EQ(dte(1)[0], 1);
	EXPECT_EQ(dte(1)[2], 1);
	start(EFR);
	EXPECT_EQ(give(&vm, 0), OK);
	fake[0].silent = true;
	assign_block_all(&vm); /* the IOMMU doesn't confirm: the device itself is still off */
	EXPECT(!state[0].master);
	EXPECT_EQ(dte(0)[0], 1);
}
