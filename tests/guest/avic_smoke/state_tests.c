/* SPDX-License-Identifier: MIT */
/* Doorbells that find somebody else, EOIs in order, and the three places of the priority. */
#include "smoke.h"

#define AREA  "AVIC: a test hypervisor"
#define VEC   0x61u
#define ISR   0x100u
#define TMR   0x180u
#define IRR   0x200u
#define LEVEL 0x91u

static struct vcpu *const a = &vcpus[0];
static struct vcpu *const b = &vcpus[1];
static struct vcpu *const c = &vcpus[2];
static volatile bool ready;
static volatile uint64_t seen[2];

static void guest_take(void)
{
	__asm__ volatile("sti; nop; nop; cli");
	vmmcall();
}

static void guest_other(void)
{
	__asm__ volatile("sti");
	ready = true;
	while (!counts[2][VEC])
		pause();
	__asm__ volatile("cli");
	vmmcall();
}

/* The core is in a guest, but not in the one that the interrupt is for. */
void doorbell_other(void)
{
	const char *what = "target preempted by another vCPU: the doorbell makes that one look at "
			   "its own IRR, the target's bit waits for its VMRUN";

	CASE("Doorbell Mechanism", what);
	ready = false;
	setup(b, guest_take);
	start_on_second(c, guest_other);
	while (!ready)
		pause();
	post(b, VEC);
	doorbell(host_apicid[1]);
	for (volatile unsigned i = 0; i < 20000; i++)
		pause();
	check(counts[2][VEC] == 0 && page_bit(b, IRR, VEC), what);
	post(c, VEC);
	doorbell(host_apicid[1]);
	wait_second();
	check(counts[2][VEC] == 1 && counts[1][VEC] == 0, what);
	b->running = true;
	wait_second();
	check(counts[1][VEC] == 1 && !page_bit(b, IRR, VEC), what);
}

void doorbell_gif(void)
{
	const char *what = "target in host mode with GIF = 0: nothing happens, also not at STGI; "
			   "VMRUN looks at the IRR and takes it once";

	CASE("Doorbell Mechanism", what);
	setup(a, guest_take);
	__asm__ volatile("clgi");
	post(a, VEC);
	doorbell(host_apicid[0]);
	__asm__ volatile("stgi; nop");
	check(counts[0][VEC] == 0 && page_bit(a, IRR, VEC), what);
	__asm__ volatile("clgi");
	doorbell(host_apicid[0]);
	expect_exit(VMMCALL, 0, 0, what);
	check(counts[0][VEC] == 1 && !page_bit(a, IRR, VEC), what);
}

static void guest_shadow(void)
{
	/* The doorbell is its own: CPU 0's. */
	__asm__ volatile("sti; mov %%cr8, %%rbx; nop; cli" ::: "rbx");
	vmmcall();
}

void interrupt_shadow(void)
{
	const char *what = "INTERRUPT_SHADOW = 1 at VMRUN: a pending bit is taken one instruction "
			   "later, and the ISR says so";

	CASE("Virtual Interrupts", what);
	no_eoi = true;
	setup(a, guest_shadow);
	*field64(a, 0x570) |= 0x200;
	*field64(a, 0x68) = 1;
	post(a, VEC);
	expect_exit(VMMCALL, 0, 0, what);
	check(counts[0][VEC] == 1 && page_bit(a, ISR, VEC), what);
	no_eoi = false;
}

static void guest_eois(void)
{
	for (;;) {
		__asm__ volatile("sti; nop; nop; cli");
		vmmcall();
		apic_write(0xb0, 0);
		vmmcall();
	}
}

static void in_service(unsigned vector, const char *what)
{
	post(a, vector);
	expect_exit(VMMCALL, 0, 0, what);
	check(counts[0][vector] == 1 && page_bit(a, ISR, vector), what);
	check(page_get(a, 0xa0) == (vector & 0xf0), what);
}

void eoi_order(void)
{
	const char *edge = "EOI, TMR = 0: the highest ISR bit goes, no exit; PPR falls to the next "
			   "one, and what its class held back is taken then";
	const char *both = "EOI with an edge interrupt in service below a level one: trap with the "
			   "level vector, then no exit for the other";

	no_eoi = true;
	CASE("Virtual APIC Register Accesses", edge);
	setup(a, guest_eois);
	in_service(0x51, edge);
	*field64(a, 0x578) = (uint64_t)guest_eois;
	in_service(0x71, edge);
	post(a, 0x52); /* class 5 is in service, below 7 */
	expect_exit(VMMCALL, 0, 0, edge);
	check(!page_bit(a, ISR, 0x71) && page_bit(a, ISR, 0x51), edge);
	check(page_get(a, 0xa0) == 0x50 && counts[0][0x52] == 0, edge);
	expect_exit(VMMCALL, 0, 0, edge);
	check(counts[0][0x52] == 0, edge);
	expect_exit(VMMCALL, 0, 0, edge);
	check(!page_bit(a, ISR, 0x51), edge);
	expect_exit(VMMCALL, 0, 0, edge);
	check(counts[0][0x52] == 1 && page_bit(a, ISR, 0x52), edge);
	CASE("Virtual APIC Register Accesses", both);
	setup(a, guest_eois);
	in_service(0x41, both);
	*field64(a, 0x578) = (uint64_t)guest_eois;
	page_set(a, TMR + LEVEL / 32 * 16, 1u << LEVEL % 32);
	in_service(LEVEL, both);
	expect_exit(0x402, 0x1000000b0ull, LEVEL, both);
	check(page_bit(a, ISR, LEVEL) && page_bit(a, ISR, 0x41), both);
	page_set(a, ISR + LEVEL / 32 * 16, 0); /* as software does */
	page_set(a, 0xa0, 0x40);
	expect_exit(VMMCALL, 0, 0, both);
	expect_exit(VMMCALL, 0, 0, both);
	expect_exit(VMMCALL, 0, 0, both);
	check(!page_bit(a, ISR, 0x41) && page_get(a, 0xa0) == 0, both);
	no_eoi = false;
}

static void guest_priorities(void)
{
	uint64_t cr8;

	__asm__ volatile("sti; nop; nop; cli; mov %%cr8, %0" : "=r"(cr8));
	seen[0] = cr8;
	seen[1] = apic_read(0x80);
	vmmcall();
}

static void host_priority(unsigned v_tpr, uint32_t page_tpr)
{
	setup(a, guest_priorities);
	*field64(a, 0x60) |= v_tpr;
	page_set(a, 0x80, page_tpr);
	post(a, VEC);
}

void priorities(void)
{
	const char *down = "V_TPR and the page's TPR set by the host: CR8 and the register read "
			   "so, and interrupts up to that class wait";
	const char *differ = "V_TPR and the page's TPR differ at VMRUN: V_TPR counts, and it is an "
			     "error of software";

	CASE("TPR Access", down);
	for (unsigned class = 0; class < 16; class ++) {
		host_priority(class, class << 4);
		expect_exit(VMMCALL, 0, 0, down);
		check(seen[0] == class && seen[1] == class << 4, down);
		check(counts[0][VEC] == (class < VEC >> 4), down);
		check((*field64(a, 0x60) & 15) == class, down);
	}
	ASSUMED("TPR Access", differ);
	host_priority(9, 0);
	expect_strict("V_TPR and the page's TPR differ");
	expect_exit(VMMCALL, 0, 0, differ);
	check(counts[0][VEC] == 0 && seen[0] == 9, differ);
}

static void guest_sets_priorities(void)
{
	for (uint64_t class = 0; class < 16; class ++) {
		__asm__ volatile("mov %0, %%cr8" ::"r"(class) : "memory");
		vmmcall();
		apic_write(0x80, class << 4 | 3);
		vmmcall();
	}
}

void priorities_of_guest(void)
{
	const char *what = "each value by CR8 and by TPR: the page, PPR and V_TPR have it at the "
			   "next exit; TPR keeps its lower four bits";

	CASE("TPR Access", what);
	setup(a, guest_sets_priorities);
	for (unsigned class = 0; class < 16; class ++) {
		expect_exit(VMMCALL, 0, 0, what);
		check(page_get(a, 0x80) == class << 4 && page_get(a, 0xa0) == class << 4, what);
		check((*field64(a, 0x60) & 15) == class, what);
		expect_exit(VMMCALL, 0, 0, what);
		check(page_get(a, 0x80) == (class << 4 | 3), what);
		check((*field64(a, 0x60) & 15) == class, what);
	}
}
