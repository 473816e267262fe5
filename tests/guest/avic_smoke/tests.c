/* SPDX-License-Identifier: MIT */
/* What is tried, each time in an AVIC guest and in an x2AVIC guest. */
#include "smoke.h"

#define AREA "AVIC: a test hypervisor"

#define ISR  0x100
#define TMR  0x180
#define IRR  0x200
#define SELF 0x40000u
#define VEC  0x51u

static struct vcpu *const a = &vcpus[0];
static struct vcpu *const b = &vcpus[1];

void expect_exit(uint64_t code, uint64_t info1, uint64_t info2, const char *what)
{
	uint64_t got = run(a);

	check(got == code, what);
	if (got != code) {
		print_hex(got);
		print_hex(*field64(a, 0x78));
		print_hex(*field64(a, 0x80));
		print_hex(*field64(a, 0x578));
		print("\n");
		return;
	}
	if (code == VMMCALL) {
		*field64(a, 0x578) += 3;
		return;
	}
	check(*field64(a, 0x78) == info1, "EXITINFO1");
	check(*field64(a, 0x80) == info2, "EXITINFO2");
	check(*field64(a, 0x88) >> 31 == 0, "no event was interrupted");
}

/* The exit is a trap: the guest is behind the instruction. */
static void expect_behind(unsigned bytes_at_least)
{
	uint64_t rip = *field64(a, 0x578);
	uint64_t before = a->gprs[15];

	check(rip - before >= bytes_at_least && rip - before < 80, "RIP is behind the access");
}

static void guest_self_ipi(void)
{
	apic_write(0xf0, 0x1ff); /* exit 402h */
	__asm__ volatile("sti");
	apic_write(0x300, SELF | VEC);
	vmmcall();
	__asm__ volatile("cli");
	apic_write(0x300, SELF | 0x52);
	apic_write(0x300, SELF | 0x63);
	vmmcall();
	__asm__ volatile("sti; nop; nop");
	vmmcall();
	if (guest_x2)
		apic_write(0x3f0, 0x77);
	vmmcall();
}

static void self_ipi(void)
{
	CASE("AVIC IPI Delivery", "a self-IPI is taken without an exit, held back by IF = 0");
	setup(a, guest_self_ipi);
	expect_exit(0x402, 0x1000000f0ull, 0, "SVR write traps");
	check(page_get(a, 0xf0) == 0x1ff, "the trapped write is done");
	expect_exit(VMMCALL, 0, 0, "self-IPI without exit");
	check(counts[0][VEC] == 1, "self-IPI taken once");
	check(!page_bit(a, IRR, VEC) && !page_bit(a, ISR, VEC), "self-IPI is over");
	expect_exit(VMMCALL, 0, 0, "self-IPI with IF=0");
	check(counts[0][0x52] == 0 && page_bit(a, IRR, 0x52) && page_bit(a, IRR, 0x63),
		"held back by IF");
	expect_exit(VMMCALL, 0, 0, "STI lets them in");
	check(counts[0][0x52] == 1 && counts[0][0x63] == 1, "both taken");
	expect_exit(VMMCALL, 0, 0, "SELF IPI register");
	check(counts[0][0x77] == guest_x2, "SELF IPI taken");
}

static void guest_fault(void)
{
	__asm__ volatile("lea (%%rip), %%r15" ::: "r15");
	if (guest_x2)
		(void)rdmsr(0x839);
	else
		mmio_write(0x30, 0);
	vmmcall();
}

static void guest_trap(void)
{
	__asm__ volatile("lea (%%rip), %%r15" ::: "r15");
	apic_write(0x320, 0x10040);
	__asm__ volatile("inc %%rbx" ::: "rbx");
	vmmcall();
}

static void faults_and_traps(void)
{
	uint64_t rip;

	setup(a, guest_fault);
	expect_exit(0x402, guest_x2 ? 0x390 : 0x100000030ull, 0, "fault");
	rip = *field64(a, 0x578);
	check(page_get(a, 0x30) == 0x80050010, "the faulting write is not done");
	expect_exit(0x402, guest_x2 ? 0x390 : 0x100000030ull, 0, "fault again");
	check(*field64(a, 0x578) == rip, "a fault leaves RIP at the access");
	setup(a, guest_trap);
	expect_exit(0x402, 0x100000320ull, 0, "trap");
	expect_behind(2);
	check(page_get(a, 0x320) == 0x10040, "the trapping write is done");
	check(a->gprs[3] == 0, "the next instruction has not run");
	expect_exit(VMMCALL, 0, 0, "on from a trap");
	check(a->gprs[3] == 1, "the next instruction has run once");
}

static void guest_ipis(void)
{
	apic_write(0x300, 1ull << 32 | 0x400); /* NMI */
	apic_write(0x300, 1ull << 32 | 0x40);  /* not running */
	apic_write(0x300, 7ull << 32 | 0x41);  /* not there */
	apic_write(0x300, 1ull << 32 | 0x0f);  /* bad vector */
	apic_write(0x300, 0xc0000 | 0x42);     /* all others */
	vmmcall();
}

static void incomplete_ipis(void)
{
	uint64_t one = guest_x2 ? 1ull << 32 : 1ull << 56;
	uint64_t seven = guest_x2 ? 7ull << 32 : 7ull << 56;

	CASE("AVIC Incomplete IPI",
		"exits with ID 0, 1, 2 and 4: EXITINFO1 is the ICR, RIP behind the write; ID 1 has set the IRR bits");
	setup(b, guest_ipis);
	setup(a, guest_ipis);
	set_running(0, 0, true);
	set_running(1, 1, false);
	expect_exit(0x401, one | 0x400, 0, "NMI is for software");
	expect_exit(0x401, one | 0x40, 1ull << 32 | 1, "target not running");
	check(page_bit(b, IRR, 0x40), "IRR of a stopped target is set");
	expect_exit(0x401, seven | 0x41, 2ull << 32 | 7, "target not in the table");
	expect_exit(0x401, one | 0x0f, 4ull << 32, "bad vector");
	expect_exit(0x401, 0xc0042, 1ull << 32 | 1, "all others, one is stopped");
	check(page_bit(b, IRR, 0x42), "IRR by broadcast");
	expect_exit(VMMCALL, 0, 0, "end of IPIs");
}

static void guest_level(void)
{
	no_eoi = true;
	__asm__ volatile("sti; nop; nop");
	apic_write(0xb0, 0);
	vmmcall();
}

static void level_eoi(void)
{
	CASE("Virtual APIC Register Accesses",
		"EOI with TMR = 1: trap with the vector; the guest goes on behind it");
	setup(a, guest_level);
	post(a, 0x91);
	page_set(a, TMR + 0x91 / 32 * 16, 1u << 0x91 % 32);
	expect_exit(0x402, 0x1000000b0ull, 0x91, "EOI of a level interrupt");
	check(page_bit(a, ISR, 0x91), "its ISR bit is still set");
	check(page_get(a, 0xa0) == 0x90, "PPR");
	expect_exit(VMMCALL, 0, 0, "the exit was a trap");
	no_eoi = false;
}

static void write_cr8(uint64_t value)
{
	__asm__ volatile("mov %0, %%cr8" ::"r"(value) : "memory");
}

static void guest_tpr(void)
{
	__asm__ volatile("sti");
	write_cr8(6);
	apic_write(0x300, SELF | 0x66);
	vmmcall();
	apic_write(0x80, 0x50);
	vmmcall();
	__asm__ volatile("mov %%cr8, %%rbx" ::: "rbx");
	vmmcall();
}

static void tpr(void)
{
	CASE("TPR Access",
		"CR8 to the page's TPR and V_TPR, the page's TPR to V_TPR and CR8; interrupts wait and come");
	setup(a, guest_tpr);
	expect_exit(VMMCALL, 0, 0, "TPR holds back");
	check(counts[0][0x66] == 0, "nothing above the TPR");
	check(page_get(a, 0x80) == 0x60 && page_get(a, 0xa0) == 0x60, "CR8 reaches TPR and PPR");
	check((*field64(a, 0x60) & 15) == 6, "V_TPR is written back");
	expect_exit(VMMCALL, 0, 0, "TPR lets go");
	check(counts[0][0x66] == 1, "taken when the TPR fell");
	check((*field64(a, 0x60) & 15) == 5, "TPR reaches V_TPR");
	expect_exit(VMMCALL, 0, 0, "CR8 reads");
	check(a->gprs[3] == 5, "TPR reaches CR8");
}

/* The stack is missing when the interrupt is pushed. */
static void fault_in_delivery(void)
{
	uint64_t stack = (uint64_t)a->stack;

	CASE("Event Injection",
		"a nested page fault while AVIC delivers: EXITINTINFO is an external interrupt, its ISR bit set");
	setup(a, guest_self_ipi);
	expect_exit(0x402, 0x1000000f0ull, 0, "on the way");
	*field64(a, 0x5d8) = stack + 4096;
	*field64(a, 0x570) |= 0x200;
	post(a, 0xa3);
	npt_deny(stack, true);
	check(run(a) == 0x400, "NPF");
	check((uint32_t)*field64(a, 0x88) == 0x800000a3, "EXITINTINFO: external, vector a3h");
	check(page_bit(a, ISR, 0xa3) && !page_bit(a, IRR, 0xa3), "accepted already");
	npt_deny(stack, false);
	*field64(a, 0xa8) = *field64(a, 0x88);
	expect_exit(VMMCALL, 0, 0, "injected again");
	check(counts[0][0xa3] == 1, "taken once");
	check(!page_bit(a, ISR, 0xa3), "and ended");
}

static void guest_sti(void)
{
	__asm__ volatile("sti; nop; nop");
	vmmcall();
}

/* With AVIC off on the same machine V_IRQ works; with AVIC on it is ignored. */
static void virq(void)
{
	if (guest_x2)
		return; /* the handler would reach the host's APIC by MSR, which is in xAPIC mode */
	CASE("Advanced Virtual Interrupt Controller", "V_IRQ works where AVIC is off in the VMCB");
	setup(a, guest_sti);
	*field64(a, 0x60) = 0x01000000ull | 1 << 8 | 15 << 16 | 0x99ull << 32;
	expect_exit(VMMCALL, 0, 0, "V_IRQ");
	check(counts[0][0x99] == 1, "V_IRQ taken");
	check(!(*field64(a, 0x60) & 1 << 8), "V_IRQ cleared");
}

static void lost_in_host_mode(void)
{
	ASSUMED("Doorbell Mechanism", "a doorbell to a core in host mode does nothing");
	setup(a, guest_self_ipi);
	doorbell(host_apicid[0]);
	doorbell(host_apicid[1]);
	expect_exit(0x402, 0x1000000f0ull, 0, "a doorbell in host mode is lost");
}

void tests(void)
{
	static const struct {
		void (*test)(void);
		const char *name;
	} list[] = {
		{ self_ipi, "self-IPI" },
		{ registers, "registers" },
		{ faults_and_traps, "faults and traps" },
		{ incomplete_ipis, "incomplete IPIs" },
		{ ipi_ways, "ways to name a target" },
		{ icr_types, "types of IPI" },
		{ icr_vectors, "vectors of IPIs" },
		{ icr_bad_page, "target without a page" },
		{ icr_limits, "MAX_INDEX" },
		{ icr_logical_unknown, "unknown logical targets" },
		{ level_eoi, "level EOI" },
		{ tpr, "TPR" },
		{ priorities, "priorities set by the host" },
		{ priorities_of_guest, "priorities set by the guest" },
		{ eoi_order, "EOI in order" },
		{ interrupt_shadow, "interrupt shadow" },
		{ vmrun_checks, "VMRUN checks" },
		{ fault_in_delivery, "fault in delivery" },
		{ virq, "V_IRQ" },
		{ lost_in_host_mode, "doorbell in host mode" },
		{ doorbell_wakes_busy, "doorbell to a busy guest" },
		{ doorbell_wakes_halted, "doorbell to a halted guest" },
		{ doorbell_held, "doorbell to a guest that holds it" },
		{ doorbell_other, "doorbell while another vCPU runs" },
		{ doorbell_gif, "doorbell while GIF is 0" },
		{ ping_pong, "ping-pong" },
		{ block_and_wake, "block and wake" },
	};

	for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		print("  ");
		print(list[i].name);
		print("\n");
		list[i].test();
	}
}
