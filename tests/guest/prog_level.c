/* SPDX-License-Identifier: MIT */
/*
 * A level-triggered interrupt through an I/O APIC: edu's pin, not its message. Only where the
 * hypervisor has an I/O APIC for its guests (HC_ROUTE_PIN). vCPU 0 takes them, vCPU 1 makes edu
 * raise its pin; each EOI must reach the I/O APIC, or no second interrupt comes.
 */
#include "apic.h"
#include "devices.h"
#include "guest.h"
#include "trap.h"

#define PIN           20
#define TMR_WORD      (0x180 + VEC_LEVEL / 32 * 16)
#define VEC_LEVEL     0x59
#define ARM_LEVEL_EOI 105

static volatile uint64_t seen, sent, twice, not_level, ready;
static int edu;

static void on_level(uint32_t vcpu, uint8_t vector)
{
	uint32_t tmr = apic_read((enum apic_register)TMR_WORD);

	(void)vcpu;
	edu_ack(edu);
	not_level += !(tmr >> (vector % 32) & 1);
	if (seen == sent)
		twice++;
	seen = sent;
}

static bool setup(void)
{
	edu = edu_find(0);
	if (edu == DEVICE_MISSING || hypercall(HC_ROUTE_PIN, (uint64_t)edu, PIN, 0, 0))
		return false;
	ioapic_pin(PIN, 0, VEC_LEVEL | PIN_LEVEL);
	return true;
}

void program_level(uint32_t index)
{
	static struct arm_result r = { .arm = ARM_LEVEL_EOI, .name = "level-eoi" };
	uint64_t count = args_number("count", 200);
	bool ok;

	if (index == 0) {
		irq_enable();
		ready = 1;
		for (;;)
			cpu_relax();
	}
	if (index != 1)
		return;
	trap_handler(VEC_LEVEL, on_level);
	ok = wait_for(&ready, 1) && setup();
	hypercall(HC_MARK | (uint64_t)ARM_LEVEL_EOI << 32, 1, 0, 0, 0);
	while (ok && r.sent < count) {
		sent = ++r.sent;
		edu_fire(edu);
		ok = wait_for(&seen, sent);
		r.delivered += ok;
		pause_times((unsigned)(sent % 7));
	}
	hypercall(HC_MARK | (uint64_t)ARM_LEVEL_EOI << 32, 0, 0, 0, 0);
	r.lost = r.sent - r.delivered;
	r.duplicates = twice;
	r.state = ok && !twice && !not_level ? ARM_DONE : ARM_FAILED;
	print("level: %lu seen, %lu twice, %lu without TMR\n", r.delivered, twice, not_level);
	hypercall(HC_RESULT, (uintptr_t)&r, 0, 0, 0);
	test_end("level", r.state == ARM_DONE);
}
