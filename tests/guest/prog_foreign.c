/* SPDX-License-Identifier: MIT */
/*
 * IPIs to APIC IDs that its VM hasn't, in every form of the ICR, by MSR or through the APIC page,
 * and INIT and startup IPIs by the thousand. vCPU 0 sends; vCPU 1 halts, and is what INIT storms
 * may hit. modes=N: delivery modes 0 to N - 1 only.
 */
#include "apic.h"
#include "guest.h"
#include "trap.h"

#define MSR_ICR  0x830
#define ICR_INIT (5u << 8)
#define ICR_SIPI (6u << 8)

/* Where a vCPU begins after a startup IPI: it counts itself and halts. */
#define STUB_PAGE   0x9f
#define STUB_COUNT  (STUB_PAGE << 12 | 0x800)
#define STUB_NMI    0x900
#define NMI_IVT     (2 * 4) /* of the interrupt vectors of real mode, at 0 */
#define SHORTHANDS  4
#define MODES       8
#define LEVEL_FORMS 4 /* bits 15:14 */

bool probe_wrmsr(uint32_t msr, uint64_t value);

/* Of other VMs, of the host's CPUs, of nobody. Not broadcast. */
static const uint32_t foreign[] = { 2, 3, 4, 7, 8, 15, 16, 63, 127, 254, 255, 256, 511, 512, 4095,
	0x10000, 0x00fe0000, 0x7fffffff, 0x80000000, 0xfffffffe };
#define FOREIGN_IDS       (sizeof(foreign) / sizeof(foreign[0]))
#define FOREIGN_IDS_XAPIC 10 /* that have 8 bits; 255 is broadcast there */
#define BROADCAST         0xffffffffu
#define VEC_FOREIGN       0x61

static volatile uint64_t received, ready;

static void on_any(uint32_t vcpu, uint8_t vector)
{
	(void)vcpu;
	(void)vector;
	__atomic_add_fetch(&received, 1, __ATOMIC_SEQ_CST);
}

static unsigned foreign_ids(void)
{
	return guest_info()->x2apic ? FOREIGN_IDS : FOREIGN_IDS_XAPIC;
}

static void receive(uint32_t index)
{
	apic_set_logical_id(index);
	irq_enable();
	ready = 1;
	for (;;) {
		irq_disable();
		irq_enable_and_halt();
	}
}

/* Names no vCPU. x2APIC: in logical form an ID above FFFFh names a cluster. xAPIC: vCPU 0 and 1
 * have a bit each. */
static bool foreign_in_logical_form(uint32_t id)
{
	return guest_info()->x2apic ? id > 0xffff : (id & 3) == 0;
}

/* False: refused, which a write to the APIC page never is. */
static bool write_icr(uint32_t id, uint32_t low)
{
	if (guest_info()->x2apic)
		return probe_wrmsr(MSR_ICR, (uint64_t)id << 32 | low);
	apic_write(APIC_ICR_HIGH, id << 24);
	apic_write(APIC_ICR, low);
	return true;
}

/* Destination shorthands name its own vCPUs, so those only with a delivery mode that is reserved.
 * Returns how many were taken. */
static uint64_t every_form(uint32_t id)
{
	uint32_t modes = (uint32_t)args_number("modes", MODES);
	uint64_t sent = 0;

	for (uint32_t mode = 0; mode < modes; mode++)
		for (uint32_t level = 0; level < LEVEL_FORMS; level++) {
			uint32_t low = level << 14 | mode << 8 | VEC_FOREIGN;

			sent += write_icr(id, low);
			if (foreign_in_logical_form(id))
				sent += write_icr(id, low | ICR_LOGICAL);
		}
	return sent;
}

/* What this way of sending can do: a broadcast comes to each vCPU of this VM, and only to those. */
static bool broadcast_arrives(void)
{
	received = 0;
	return write_icr(BROADCAST, ICR_ASSERT | VEC_FOREIGN) &&
	       wait_for(&received, guest_info()->vcpu_count);
}

void program_foreign(uint32_t index)
{
	uint64_t sent = 0, refused = 0, of = guest_info()->x2apic ? 15 : 0;

	if (index) {
		receive(index);
		return;
	}
	apic_set_logical_id(index);
	for (unsigned vector = 32; vector < 255; vector++)
		trap_handler((uint8_t)vector, on_any);
	irq_enable();
	if (!wait_for(&ready, 1))
		test_end("foreign", false);
	for (uint64_t n = args_number("count", 10); n; n--)
		for (unsigned i = 0; i < foreign_ids(); i++)
			sent += every_form(foreign[i]);
	for (uint32_t reserved = 0; reserved < 32; reserved++)
		if (0xfff32000u >> reserved & 1)
			refused += !write_icr(2, 1u << reserved | VEC_FOREIGN);
	pause_times(1000);
	print("foreign: %lu IPIs sent, %lu received, %lu of %lu with a reserved bit refused\n",
		sent, received, refused, of);
	test_end("foreign", sent && !received && refused == of && broadcast_arrives());
}

static void write_stub(void)
{
	/* mov ax, cs; mov ds, ax; lock inc word [800h]; hlt; jmp to the hlt */
	static const uint8_t code[] = { 0x8c, 0xc8, 0x8e, 0xd8, 0xf0, 0xff, 0x06, 0x00, 0x08, 0xf4,
		0xeb, 0xfd };
	uint8_t *page = (uint8_t *)(uintptr_t)(STUB_PAGE << 12);

	for (unsigned i = 0; i < sizeof(code); i++)
		page[i] = code[i];
	*(volatile uint16_t *)(uintptr_t)STUB_COUNT = 0;
	page[STUB_NMI] = 0xcf; /* iret */
	/* Not in C, whose compilers know that there is nothing near address 0. */
	__asm__ volatile("movl %0, (%1)" ::"r"((STUB_PAGE << 24) | STUB_NMI), "r"((uint64_t)NMI_IVT)
			 : "memory");
}

static uint16_t starts(void)
{
	return *(volatile uint16_t *)(uintptr_t)STUB_COUNT;
}

static bool started_since(uint64_t before)
{
	return starts() != (uint16_t)before;
}

/* vCPU 1, all others, and APIC IDs of nobody in turn. */
static void storm(uint64_t n)
{
	static const uint32_t what[] = { ICR_INIT, ICR_SIPI | STUB_PAGE, ICR_SIPI | STUB_PAGE,
		ICR_NMI };
	uint32_t low = what[n / 3 % 4];

	if (n % 3 == 0)
		apic_ipi(1, low);
	else if (n % 3 == 1)
		apic_ipi(0, low | ICR_OTHERS);
	else
		apic_ipi(foreign[n / 12 % foreign_ids()], low);
}

void program_startup_storm(uint32_t index)
{
	uint64_t count = args_number("count", 6000);
	uint16_t before;
	bool ok;

	if (index) {
		receive(index);
		return;
	}
	write_stub();
	ok = wait_for(&ready, 1);
	for (uint64_t n = 0; ok && n < count; n++)
		storm(n);
	before = starts();
	apic_ipi(1, ICR_INIT);
	pause_times(1000);
	before = starts();
	apic_ipi(1, ICR_SIPI | STUB_PAGE);
	ok = ok && wait_until(started_since, before);
	print("startup-storm: %lu sent, %u starts\n", count, starts());
	test_end("startup-storm", ok && starts() <= count / 4 + 1);
}
