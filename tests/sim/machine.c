/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "avic.h"
#include "iommu.h"
#include "machine_late.h"
#include "spec_iommu.h"

/* Offsets in the VMCB, typed once more from 24593 rev 3.44, "Layout of VMCB". */
#define VMCB_VINTR    0x060
#define VMCB_APIC_BAR 0x098
#define VMCB_BACKING  0x0e0
#define VMCB_LOGICAL  0x0f0
#define VMCB_PHYSICAL 0x0f8

uint8_t machine_window[0x4000] __attribute__((aligned(4096)));
unsigned machine_strict;

static struct iommu *unit;
static struct avic_machine avic;
static struct avic_core core[MACHINE_CPUS];

/* The device, half-way through a message. */
static ucontext_t device, hypervisor;
static uint8_t device_stack[256 * 1024] __attribute__((aligned(64)));
static enum machine_split split;
static bool unfinished, bit_set;
static bool sending; /* the device's context runs, not a pCPU's */
static uint32_t fired_message;
/* GAInt goes unsent while the log is being drained (ERBT1312): by vector, 0: it doesn't. */
static uint8_t quiet_vector;
static bool draining;
static void (*between)(void);
static bool bit_of_ipi;

static void pause_device(void)
{
	split = MACHINE_WHOLE;
	unfinished = true;
	sending = false;
	swapcontext(&device, &hypervisor);
	sending = true;
}

static bool host_read(void *o, uint64_t addr, void *buf, size_t bytes)
{
	(void)o;
	memcpy(buf, (const void *)addr, bytes);
	return true;
}

static bool host_write(void *o, uint64_t addr, const void *buf, size_t bytes)
{
	(void)o;
	if (sending && late_write(addr, buf, bytes))
		return true;
	memcpy((void *)addr, buf, bytes);
	return true;
}

static bool host_load64(void *o, uint64_t addr, uint64_t *value)
{
	/* A core that sends an IPI: it has set the bit and will look at the target's entry. */
	if (between && bit_of_ipi)
		between();
	return host_read(o, addr, value, 8);
}

static bool host_load128(void *o, uint64_t addr, uint64_t value[2])
{
	if (split == MACHINE_SPLIT_BEFORE_IRTE && bit_set)
		pause_device();
	return host_read(o, addr, value, 16);
}

static bool host_or32(void *o, uint64_t addr, uint32_t bits, uint32_t *old)
{
	(void)o;
	if (sending && split == MACHINE_SPLIT_BEFORE_OR)
		pause_device();
	*old = __atomic_fetch_or((uint32_t *)addr, bits, __ATOMIC_SEQ_CST);
	if (!sending) {
		bit_of_ipi = true;
		return true;
	}
	bit_set = true;
	if (split == MACHINE_SPLIT_AFTER_OR)
		pause_device();
	return true;
}

static bool host_and32(void *o, uint64_t addr, uint32_t bits, uint32_t *old)
{
	(void)o;
	*old = __atomic_fetch_and((uint32_t *)addr, bits, __ATOMIC_SEQ_CST);
	return true;
}

static int cpu_of(uint32_t apicid)
{
	for (unsigned i = 0; i < MACHINE_CPUS; i++)
		if (machine_apicid(i) == apicid)
			return (int)i;
	return -1;
}

static void complain(const char *what, uint32_t n)
{
	printf("strict: %s %#x\n", what, n);
	machine_strict++;
}

static void host_interrupt(
	void *o, uint32_t dest, bool logical, unsigned mode, bool level, uint8_t vector)
{
	int cpu = cpu_of(dest);

	(void)o;
	if (cpu < 0 || logical || mode || level || vector < 16)
		complain("interrupt to", dest);
	else if (!draining || vector != quiet_vector)
		machine_interrupt((unsigned)cpu, vector);
}

static void host_msi(void *o, uint64_t address, uint32_t data)
{
	(void)o;
	(void)address;
	complain("MSI that isn't remapped", data);
}

static void host_doorbell(void *o, uint32_t apicid)
{
	int cpu = cpu_of(apicid);

	(void)o;
	if (cpu < 0)
		complain("doorbell to", apicid);
	else
		avic_ring(&core[cpu]);
}

__attribute__((format(printf, 2, 3))) static void host_strict(void *o, const char *fmt, ...)
{
	va_list ap;

	(void)o;
	machine_strict++;
	va_start(ap, fmt);
	printf("strict: ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
}

static uint32_t host_random(void *o, uint32_t n)
{
	static uint64_t state = 88172645463325252ull;

	(void)o;
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(state >> 33) % n;
}

static const struct model_host host = {
	.read = host_read,
	.write = host_write,
	.load64 = host_load64,
	.load128 = host_load128,
	.or32 = host_or32,
	.and32 = host_and32,
	.interrupt = host_interrupt,
	.msi = host_msi,
	.doorbell = host_doorbell,
	.strict = host_strict,
	.random = host_random,
};

static bool commands_due;

static void late_commands(void *o, uint32_t ns)
{
	(void)o;
	(void)ns;
	commands_due = true;
}

void machine_start(void)
{
	struct iommu_config cfg;

	iommu_config_newest(&cfg);
	cfg.mmio_base = (uint64_t)machine_window;
	cfg.devid = 0x0002;
	cfg.later = late_commands;
	unit = iommu_new(&host, &cfg);
	iommu_reset(unit);
	avic = (struct avic_machine){ .host = &host, .opt = { .phys_bits = 52 } };
	for (unsigned i = 0; i < MACHINE_CPUS; i++)
		core[i] = (struct avic_core){ .machine = &avic, .apicid = machine_apicid(i) };
}

uint64_t machine_mmio_read(uint32_t offset, unsigned bytes)
{
	late_flush(); /* a read pushes what the unit has written before */
	if (offset == REG_STATUS)
		draining = false;
	return iommu_mmio_read(unit, offset, bytes);
}

void machine_mmio_write(uint32_t offset, unsigned bytes, uint64_t v)
{
	draining |= offset == REG_STATUS && v == STS_GA_INT;
	iommu_mmio_write(unit, offset, v, bytes);
}

uint32_t machine_pci_read(uint16_t offset)
{
	uint32_t v = 0;

	if (!iommu_pci_read(unit, offset & ~3u, &v))
		return 0;
	return v >> 8 * (offset & 3);
}

void machine_pci_write(uint16_t offset, uint32_t v)
{
	iommu_pci_write(unit, offset & ~3u, v, ~0u);
}

static void send_message(void)
{
	sending = true;
	if (!iommu_interrupt(unit, MACHINE_DEVICE, 0xfee00000, fired_message))
		complain("message refused", fired_message);
	sending = unfinished = false;
}

void machine_fire(uint32_t message, enum machine_split how)
{
	machine_finish();
	fired_message = message;
	split = how;
	bit_set = false;
	if (how == MACHINE_WHOLE) {
		send_message();
		return;
	}
	getcontext(&device);
	device.uc_stack.ss_sp = device_stack;
	device.uc_stack.ss_size = sizeof(device_stack);
	device.uc_link = &hypervisor;
	makecontext(&device, send_message, 0);
	swapcontext(&hypervisor, &device);
	split = MACHINE_WHOLE;
}

void machine_finish(void)
{
	if (unfinished)
		swapcontext(&hypervisor, &device);
}

bool machine_unfinished(void)
{
	return unfinished;
}

static uint64_t vmcb_word(const void *vmcb, unsigned offset)
{
	uint64_t v;

	memcpy(&v, (const uint8_t *)vmcb + offset, 8);
	return v;
}

bool machine_enter(unsigned cpu, const void *vmcb)
{
	struct avic_vmcb in = {
		.addr = (uint64_t)vmcb,
		.vintr = vmcb_word(vmcb, 8) >> 32 & 0x10,
		.int_ctl = vmcb_word(vmcb, VMCB_VINTR),
		.np_enable = true,
		.apic_bar = vmcb_word(vmcb, VMCB_APIC_BAR),
		.backing = vmcb_word(vmcb, VMCB_BACKING),
		.logical = vmcb_word(vmcb, VMCB_LOGICAL),
		.physical = vmcb_word(vmcb, VMCB_PHYSICAL),
	};

	if (avic_vmrun(&core[cpu], &in))
		return true;
	complain("VMRUN refused on CPU", cpu);
	return false;
}

void machine_leave(unsigned cpu, void *vmcb)
{
	uint8_t *vintr = (uint8_t *)vmcb + VMCB_VINTR;

	if (core[cpu].on)
		*vintr = core[cpu].v_tpr;
	avic_vmexit(&core[cpu]);
}

int machine_accept(unsigned cpu)
{
	return core[cpu].on && core[cpu].recognised ? avic_accept(&core[cpu]) : -1;
}

void machine_write_msr(unsigned cpu, uint32_t msr, uint64_t v)
{
	if (avic_msr_write(&core[cpu], msr, v) != AVIC_DONE)
		complain("MSR not accelerated", msr);
}

bool machine_ipi(unsigned cpu, uint32_t to, uint8_t vector, uint64_t info[2])
{
	uint64_t icr = (uint64_t)to << 32 | vector;

	bit_of_ipi = false;
	switch (avic_msr_write(&core[cpu], 0x830, icr)) {
	case AVIC_DONE:
		return true;
	case AVIC_TRAP:
		info[0] = core[cpu].exit.info1;
		info[1] = core[cpu].exit.info2;
		return false;
	default:
		complain("ICR refused, target", to);
		return true;
	}
}

void machine_doorbell(uint32_t apicid)
{
	host_doorbell(NULL, apicid);
}

void machine_spurious_gappi(unsigned percent)
{
	unit->cfg.spurious_gappi = percent;
}

void machine_galog_limit(unsigned entries)
{
	unit->cfg.galog_limit = entries;
}

void machine_quiet_galog(uint8_t vector)
{
	quiet_vector = vector;
}

void machine_erratum_1235(unsigned percent)
{
	avic.opt.erratum_1235_percent = percent;
}

void machine_between(void (*step)(void))
{
	between = step;
}

void machine_late(enum machine_late late)
{
	late_writes = late == MACHINE_LATE_WRITES;
	unit->cfg.command_delay_ns = late ? 1000 : 0;
	while (!late && machine_arrives(true))
		;
}

bool machine_has_late(void)
{
	return commands_due || late_count();
}

bool machine_arrives(bool tail_first)
{
	/* COMPLETION_WAIT comes after the ORs of messages that are under way. */
	bool commands = commands_due && !(unfinished && !bit_set);

	if (late_arrives(tail_first))
		return true;
	if (commands) {
		commands_due = false;
		iommu_later(unit);
	}
	return commands;
}

void machine_galog_overflow(void)
{
	iommu_inject_galog_overflow(unit);
}
