/* SPDX-License-Identifier: MIT */
/* sources: avic/avic.c avic/run.c avic/exits.c avic/vapic.c svm/event.c vmm/base/lib.c */
/* Golden words: 24593 rev 3.44, AVIC tables and VMCB offsets 060h, 098h, 0E0h, 0F0h, 0F8h; 48882
 * rev 3.11, guest-mode IRTE, low half. Typed by hand here. */
#include "test.h"
#include "avic/avic.h"
#include "page.h"
#include <hw/mem.h>
#include <hw/sim.h>

static struct avic_vm vm;
static struct avic_vcpu vcpu[4];
static struct svm_vcpu svm[4];
static struct vmcb vmcb[4];
static struct irte irte[4];
static struct post post[4];
static uint32_t doorbells, doorbell_to;
static unsigned no_pages_after = ~0u;

void sim_doorbell(uint32_t apicid)
{
	doorbells++;
	doorbell_to = apicid;
}

void svm_flush(struct svm_vcpu *s)
{
	s->asid_generation = 0;
}

phys_t page_alloc(size_t count, size_t align_pages)
{
	static uint8_t pages[32][4096] __attribute__((aligned(4096)));
	static unsigned used;

	if (!no_pages_after)
		return PHYS_NONE;
	no_pages_after--;
	used = used + count > 32 ? 0 : used;
	memset(pages[used], 0, count * 4096);
	used += count;
	return virt_to_phys(pages[used - count]);
}

static void set_up(bool x2apic, bool erratum)
{
	no_pages_after = ~0u;
	doorbells = 0;
	memset(vmcb, 0, sizeof(vmcb));
	memset(irte, 0, sizeof(irte));
	EXPECT_EQ(avic_vm_init(&vm, x2apic, 3, erratum), OK);
	for (uint32_t i = 0; i < 4; i++) {
		svm[i] = (struct svm_vcpu){ .vmcb = &vmcb[i], .asid_generation = 7 };
		vmcb[i].clean = ~0u;
		vmcb[i].int_control = 1u << 24; /* V_INTR_MASKING */
		post[i] = (struct post){
			.irte = &irte[i], .gappi_dis = 1u << 5, .galog_intr = 1u << 2
		};
		EXPECT_EQ(avic_vcpu_init(&vcpu[i], &vm, &svm[i], i), OK);
	}
}

static uint64_t page_of(unsigned i)
{
	return (uint64_t)vcpu[i].page;
}

TEST(limits_and_no_memory)
{
	no_pages_after = ~0u;
	EXPECT_EQ(avic_vm_init(&vm, false, 255, false), ERR_INVALID);
	EXPECT_EQ(avic_vm_init(&vm, true, 512, false), ERR_INVALID);
	EXPECT_EQ(avic_vm_init(&vm, true, 511, false), OK);
	EXPECT_EQ(avic_vm_init(&vm, false, 254, false), OK);
	EXPECT_EQ(avic_vm_init(&vm, false, 1, false), OK);
	EXPECT_EQ(avic_vcpu_init(&vcpu[0], &vm, &svm[0], 2), ERR_INVALID);
	no_pages_after = 0;
	EXPECT_EQ(avic_vcpu_init(&vcpu[0], &vm, &svm[0], 1), ERR_NOMEM);
	EXPECT_EQ(avic_vm_init(&vm, false, 1, false), ERR_NOMEM);
}

TEST(physical_entry_words)
{
	set_up(true, false);
	EXPECT_EQ(vm.physical[2], 0x8000000000000000 | page_of(2));
	EXPECT_EQ(vm.physical[4], 0);
	avic_enable(&vcpu[2]);
	avic_load(&vcpu[2], (struct wake_target){ 0x123, 0 });
	EXPECT_EQ(vm.physical[2], 0xc000000000000123 | page_of(2));
	avic_put(&vcpu[2], PUT_PREEMPTED, (struct wake_target){ 0x123, 0 });
	EXPECT_EQ(vm.physical[2], 0x8000000000000000 | page_of(2));
}

/* IsRunning stays 0 in the table, the IRTE's IsRun doesn't (erratum 1235). */
TEST(erratum_1235)
{
	set_up(true, true);
	avic_enable(&vcpu[1]);
	avic_attach(&vcpu[1], &post[0]);
	avic_load(&vcpu[1], (struct wake_target){ 5, 0 });
	EXPECT_EQ(vm.physical[1], 0x8000000000000005 | page_of(1));
	EXPECT_EQ(irte[0].q[0] >> 6 & 1, 1);
	/* So IPIs exit, and software rings. */
	EXPECT(!avic_post_software(&vcpu[1], 0x40, 0));
	EXPECT_EQ(doorbells, 1);
	EXPECT_EQ(doorbell_to, 5);
}

TEST(without_avic_ipis_exit)
{
	set_up(true, false);
	avic_load(&vcpu[1], (struct wake_target){ 5, 0 });
	EXPECT_EQ(vm.physical[1], 0x8000000000000000 | page_of(1));
	avic_enable(&vcpu[1]);
	EXPECT_EQ(vm.physical[1], 0xc000000000000005 | page_of(1));
	avic_disable(&vcpu[1]);
	EXPECT_EQ(vm.physical[1], 0x8000000000000000 | page_of(1));
	EXPECT_EQ(vmcb[1].int_control, 1u << 24);
}

/* low half: 0 RemapEn, 2 GALogIntr, 5 GAPPIDis, 6 IsRun, 7 GuestMode, 31:8 destination, 63:32 tag.
 */
TEST(irte_words)
{
	struct wake_target t = { 0x000abc, 0x00001742 };

	set_up(true, false);
	avic_enable(&vcpu[0]);
	avic_attach(&vcpu[0], &post[0]);
	avic_attach(&vcpu[0], &post[1]);
	avic_load(&vcpu[0], t);
	EXPECT_EQ(irte[0].q[0], 0x00001742000abce1);
	EXPECT_EQ(irte[1].q[0], 0x00001742000abce1);
	avic_put(&vcpu[0], PUT_PREEMPTED, t);
	EXPECT_EQ(irte[0].q[0], 0x00001742000abca1);
	avic_put(&vcpu[0], PUT_BLOCKING_GALOG, t);
	EXPECT_EQ(irte[0].q[0] & ~0x20ull, 0x00001742000abc85);
	avic_put(&vcpu[0], PUT_BLOCKING_GAPPI, t);
	EXPECT_EQ(irte[1].q[0], 0x00001742000abc81);
	EXPECT_EQ(GATAG(0x17, 0x42), 0x1742);
	EXPECT_EQ(GATAG_VCPU(0x1742), 0x17);
}

TEST(attach_takes_on_the_present_state)
{
	struct wake_target t = { 3, 0x142 };

	set_up(true, false);
	avic_enable(&vcpu[0]);
	avic_put(&vcpu[0], PUT_BLOCKING_GALOG, t);
	avic_attach(&vcpu[0], &post[0]);
	EXPECT_EQ(irte[0].q[0] & ~0x20ull, 0x0000014200000385);
	avic_put(&vcpu[0], PUT_BLOCKING_GAPPI, t);
	avic_attach(&vcpu[0], &post[1]);
	EXPECT_EQ(irte[1].q[0], 0x0000014200000381);
	avic_load(&vcpu[0], t);
	avic_attach(&vcpu[0], &post[2]);
	EXPECT_EQ(irte[2].q[0], 0x00000142000003e1);
	avic_detach(&vcpu[0], &post[1]);
	avic_put(&vcpu[0], PUT_PREEMPTED, t);
	EXPECT_EQ(irte[1].q[0], 0x00000142000003e1);
	EXPECT_EQ(irte[2].q[0], 0x00000142000003a1);
}

TEST(enable_x2avic)
{
	set_up(true, false);
	svm_request_window(&svm[1]);
	vmcb[1].clean = ~0u;
	vcpu[1].page->reg[0x80 / 4] = 0x63;
	avic_enable(&vcpu[1]);
	/* 31 AVIC, 30 x2AVIC, 24 V_INTR_MASKING, V_TPR 6. */
	EXPECT_EQ(vmcb[1].int_control, 0xc1000006);
	EXPECT_EQ(vmcb[1].apic_bar, 0);
	EXPECT_EQ(vmcb[1].avic_backing, page_of(1));
	EXPECT_EQ(vmcb[1].avic_logical, 0);
	EXPECT_EQ(vmcb[1].avic_physical, (uint64_t)vm.physical | 3);
	EXPECT_EQ(vmcb[1].clean & (1u << 11 | 1u << 3), 0);
	EXPECT_EQ(vcpu[1].page->reg[0xa0 / 4], 0x63);
	EXPECT_EQ(svm[1].asid_generation, 0);
	EXPECT(vcpu[1].active);
	vmcb[1].clean = ~0u;
	avic_enable(&vcpu[1]);
	EXPECT_EQ(vmcb[1].clean, ~0u);
	avic_disable(&vcpu[1]);
	EXPECT_EQ(vmcb[1].int_control, 0x01000006);
	EXPECT_EQ(vmcb[1].clean & (1u << 11 | 1u << 3), 0);
	avic_disable(&vcpu[1]);
}

TEST(enable_xavic)
{
	set_up(false, false);
	avic_enable(&vcpu[2]);
	EXPECT_EQ(vmcb[2].int_control, 0x81000000);
	EXPECT_EQ(vmcb[2].apic_bar, 0xfee00000);
	EXPECT_EQ(vmcb[2].avic_logical, (uint64_t)vm.logical);
	EXPECT_EQ(vmcb[2].avic_physical, (uint64_t)vm.physical | 3);
}

TEST(notify)
{
	set_up(true, false);
	avic_enable(&vcpu[0]);
	EXPECT(avic_post_software(&vcpu[0], 0x40, 1)); /* not loaded: wake it */
	EXPECT_EQ(vcpu[0].page->reg[0x220 / 4], 1);
	avic_load(&vcpu[0], (struct wake_target){ 9, 0 });
	EXPECT(!avic_notify(&vcpu[0], 9)); /* in our own host code: VMRUN looks */
	EXPECT_EQ(doorbells, 0);
	EXPECT(!avic_notify(&vcpu[0], 1));
	EXPECT_EQ(doorbells, 1);
	EXPECT_EQ(doorbell_to, 9);
	avic_disable(&vcpu[0]);
	EXPECT(avic_notify(&vcpu[0], 1)); /* without AVIC a doorbell does nothing: kick it */
	EXPECT(!avic_notify(&vcpu[0], 9));
	EXPECT_EQ(doorbells, 1);
}

TEST(reset_by_init)
{
	set_up(false, false);
	vapic_set_irr(vcpu[3].page, 0x55);
	vcpu[3].page->reg[0x80 / 4] = 0x80;
	vcpu[3].stash.any = true;
	vmcb[3].int_control |= 8;
	avic_vcpu_reset(&vcpu[3]);
	EXPECT_EQ(vcpu[3].page->reg[0x20 / 4], 0x03000000);
	EXPECT(!vapic_irr_any(vcpu[3].page));
	EXPECT(!vcpu[3].stash.any);
	EXPECT_EQ(vmcb[3].int_control & 0xff, 0);
}

static void set_logical(unsigned i, uint32_t dfr, uint32_t ldr)
{
	vcpu[i].page->reg[0xe0 / 4] = dfr;
	vcpu[i].page->reg[0xd0 / 4] = ldr;
}

static unsigned valid_entries(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 1024; i++)
		n += vm.logical[i] != 0;
	return n;
}

TEST(logical_table_flat)
{
	set_up(false, false);
	set_logical(0, 0xffffffff, 0x01000000);
	set_logical(1, 0xffffffff, 0x02000000);
	set_logical(2, 0xffffffff, 0x80000000);
	set_logical(3, 0xffffffff, 0x00000000);
	avic_logical_update(&vm);
	EXPECT_EQ(vm.logical[0], 0x80000000);
	EXPECT_EQ(vm.logical[1], 0x80000001);
	EXPECT_EQ(vm.logical[7], 0x80000002);
	EXPECT_EQ(valid_entries(), 3);
	/* Two claim one ID: nobody gets it. Three do: still nobody. */
	set_logical(2, 0xffffffff, 0x02000000);
	avic_logical_update(&vm);
	EXPECT_EQ(vm.logical[1], 0);
	set_logical(3, 0xffffffff, 0x02000000);
	avic_logical_update(&vm);
	EXPECT_EQ(vm.logical[1], 0);
	EXPECT_EQ(valid_entries(), 1);
	/* An ID with two bits is no index. */
	set_logical(0, 0xffffffff, 0x03000000);
	avic_logical_update(&vm);
	EXPECT_EQ(valid_entries(), 0);
}

/* Cluster c, bit b: byte offset 16 * c + 4 * b. */
TEST(logical_table_cluster)
{
	set_up(false, false);
	set_logical(0, 0x0fffffff, 0x01000000);
	set_logical(1, 0x0fffffff, 0x14000000);
	set_logical(2, 0x0fffffff, 0xe8000000);
	set_logical(3, 0x0fffffff, 0xf1000000);
	avic_logical_update(&vm);
	EXPECT_EQ(vm.logical[0], 0x80000000);
	EXPECT_EQ(vm.logical[(16 * 1 + 4 * 2) / 4], 0x80000001);
	EXPECT_EQ(vm.logical[(16 * 14 + 4 * 3) / 4], 0x80000002);
	EXPECT_EQ(valid_entries(), 3);
	/* While the vCPUs disagree about the model, software does it. */
	set_logical(3, 0xffffffff, 0x01000000);
	avic_logical_update(&vm);
	EXPECT_EQ(valid_entries(), 0);
}

/* No hardware goes by it while one vCPU has another kind of logical ID. */
TEST(logical_table_while_modes_differ)
{
	set_up(false, false);
	for (unsigned i = 0; i < 4; i++)
		set_logical(i, 0xffffffff, 1u << (24 + i));
	avic_logical_update(&vm);
	EXPECT_EQ(valid_entries(), 4);
	avic_set_mode(&vcpu[2], VAPIC_X2APIC);
	EXPECT_EQ(valid_entries(), 0);
	avic_set_mode(&vcpu[2], VAPIC_OFF);
	EXPECT_EQ(valid_entries(), 3);
	avic_set_mode(&vcpu[2], VAPIC_XAPIC);
	EXPECT_EQ(valid_entries(), 3);
	set_logical(2, 0xffffffff, 1u << 26);
	avic_logical_update(&vm);
	EXPECT_EQ(valid_entries(), 4);
}

TEST(x2apic_has_no_logical_table)
{
	set_up(true, false);
	avic_logical_update(&vm);
	EXPECT_EQ(valid_entries(), 0);
}

/* It asks for no entries while others of the same vCPU do, and is none of those that might have. */
TEST(a_post_that_is_held)
{
	struct wake_target t = { 3, 0x142 };
	struct post *found[2];

	set_up(true, false);
	avic_enable(&vcpu[0]);
	for (unsigned i = 0; i < 3; i++) {
		post[i].vector = (uint8_t)(0x51 + i);
		avic_attach(&vcpu[0], &post[i]);
	}
	avic_put(&vcpu[0], PUT_BLOCKING_GALOG, t);
	EXPECT_EQ(avic_pending_posts(&vcpu[0], found, 2), 1); /* any */
	vapic_set_irr(vcpu[0].page, 0x51);
	vapic_set_irr(vcpu[0].page, 0x53);
	EXPECT_EQ(avic_pending_posts(&vcpu[0], found, 2), 2);
	EXPECT(found[0] == &post[0] && found[1] == &post[2]);
	EXPECT_EQ(avic_pending_posts(&vcpu[0], found, 1), 1);
	avic_set_galog_intr(&vcpu[0], &post[0], 0);
	EXPECT_EQ(irte[0].q[0] & ~0x20ull, 0x0000014200000381);
	EXPECT_EQ(irte[2].q[0] & ~0x20ull, 0x0000014200000385);
	EXPECT_EQ(avic_pending_posts(&vcpu[0], found, 2), 1);
	EXPECT(found[0] == &post[2]);
	avic_load(&vcpu[0], t);
	EXPECT_EQ(irte[0].q[0], irte[1].q[0]); /* who runs is told as ever */
	avic_set_galog_intr(&vcpu[0], &post[0], 1u << 2);
	EXPECT_EQ(irte[0].q[0], irte[1].q[0]);
	avic_put(&vcpu[0], PUT_BLOCKING_GALOG, t);
	EXPECT_EQ(irte[0].q[0] & ~0x20ull, 0x0000014200000385);
}

/* Woken, it waits for its turn: no more entries. Blocked anew meanwhile, it still needs them. */
TEST(quiet_while_it_waits)
{
	struct wake_target t = { 3, 0x142 };
	uint32_t state = 7;

	set_up(true, false);
	avic_enable(&vcpu[0]);
	avic_attach(&vcpu[0], &post[0]);
	avic_put(&vcpu[0], PUT_BLOCKING_GALOG, t);
	avic_quiet(&vcpu[0], &state, 8);
	EXPECT_EQ(irte[0].q[0] & ~0x20ull, 0x0000014200000385);
	avic_quiet(&vcpu[0], &state, 7);
	EXPECT_EQ(irte[0].q[0], 0x00000142000003a1);
	EXPECT_EQ(vcpu[0].put, PUT_PREEMPTED);
	avic_put(&vcpu[0], PUT_BLOCKING_GALOG, t);
	EXPECT_EQ(irte[0].q[0] & ~0x20ull, 0x0000014200000385);
	avic_put(&vcpu[0], PUT_BLOCKING_GAPPI, t);
	avic_quiet(&vcpu[0], &state, 7);
	EXPECT_EQ(irte[0].q[0], 0x0000014200000381);
	avic_load(&vcpu[0], t);
	avic_quiet(&vcpu[0], &state, 7);
	EXPECT_EQ(irte[0].q[0], 0x00000142000003e1);
}
