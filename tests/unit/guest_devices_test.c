// SPDX-License-Identifier: MIT
/* sources: vmm/guest/vioapic.c vmm/guest/vuart.c vmm/guest/vmtrr.c vmm/guest/pvclock.c */
/* sources: vmm/guest/power.c avic/exits.c avic/vapic.c */
#include "exit_io.h"
#include "exit_mmio.h"
#include "guest/power.h"
#include "guest/pvclock.h"
#include "guest/vioapic.h"
#include "guest/vuart.h"
#include "drivers/clock.h"
#include "drivers/rtc.h"
#include "intx.h"
#include "vcpu.h"
#include "vm.h"
#include "test.h"

static struct cpu cpu;
static struct vm_config config = { .name = "t", .memory_bytes = 4096 };
static struct vm vm;
static struct vcpu vcpus[2];
static struct vapic pages[2] __attribute__((aligned(4096)));
static uint64_t physical[2];
static uint8_t ram[4096];
static char console[64];
static unsigned told;
static int ended;

bool avic_notify(struct avic_vcpu *a, apicid_t here)
{
	return true;
}

void vcpu_post_event(struct cpu *here, struct vcpu *v, uint32_t events)
{
	told++;
}

void guest_console_write(struct guest_console *c, const char *name, const char *text, size_t bytes)
{
	strncat(console, text, bytes);
}

bool vm_write(struct vm *m, gpa_t to, const void *from, size_t bytes)
{
	if (to.v > sizeof(ram) || bytes > sizeof(ram) - to.v)
		return false;
	memcpy(ram + to.v, from, bytes);
	return true;
}

void vm_end(struct cpu *here, struct vm *m, enum vm_end what, const char *how)
{
	ended = what;
}

uint64_t svm_tsc_offset(const struct svm_vcpu *s)
{
	return 5000;
}

uint64_t clock_ticks_per_us(void)
{
	return 2500;
}

void intx_eoi(struct vm *v, uint32_t pins)
{
}

uint64_t rtc_us_at(uint64_t ticks)
{
	return 1700000000123456;
}

static void fresh(bool x2apic)
{
	memset(&vm, 0, sizeof(vm));
	memset(vcpus, 0, sizeof(vcpus));
	vm.config = &config;
	vm.vcpus = vcpus;
	vm.vcpu_count = 2;
	vm.avic = (struct avic_vm){ .physical = physical, .max_index = 1 };
	for (unsigned i = 0; i < 2; i++) {
		vcpus[i].vm = &vm;
		vcpus[i].avic.page = &pages[i];
		vm.avic.mode[i] = x2apic ? VAPIC_X2APIC : VAPIC_XAPIC;
		vapic_reset(&pages[i], i, (enum vapic_mode)vm.avic.mode[i]);
		physical[i] = 1ull << 63 | (uintptr_t)&pages[i];
	}
	vioapic_reset(&vm.ioapic);
	vuart_reset(&vm.uart);
	console[0] = 0;
	told = 0;
	ended = -1;
}

/* ---- I/O APIC ---- */

static uint32_t mmio(uint32_t offset, bool write, uint32_t value)
{
	struct mmio_access a = {
		.at = GPA(0xfec00000 + offset), .bytes = 4, .write = write, .value = value
	};

	vioapic_access(&cpu, &vm, &a);
	return (uint32_t)a.value;
}

static uint32_t io_read(uint32_t index)
{
	mmio(0, true, index);
	return mmio(0x10, false, 0);
}

static void io_write(uint32_t index, uint32_t value)
{
	mmio(0, true, index);
	mmio(0x10, true, value);
}

static uint32_t irr(unsigned vcpu, unsigned vector)
{
	uint32_t *word = &pages[vcpu].reg[(0x200 + vector / 32 * 16) / 4];
	uint32_t was = *word >> vector % 32 & 1;

	*word &= ~(1u << vector % 32);
	return was;
}

TEST(ioapic_registers)
{
	fresh(true);
	EXPECT_EQ(io_read(1), 0x00170020);
	io_write(0, 0xffffffff);
	EXPECT_EQ(io_read(0), 0x0f000000);
	EXPECT_EQ(io_read(0x10), 0x10000); /* masked */
	EXPECT_EQ(io_read(0x3e), 0x10000);
	io_write(0x10, 0xffffffff);
	EXPECT_EQ(io_read(0x10), 0x0001afff); /* status and remote IRR are read-only */
	io_write(0x11, 0xffffffff);
	EXPECT_EQ(io_read(0x11), 0xff000000);
	io_write(0x40, 0); /* beyond */
	EXPECT_EQ(io_read(0x40), 0);
	EXPECT_EQ(io_read(0xff), 0);
	EXPECT_EQ(mmio(0x20, false, 0), 0);
}

TEST(ioapic_edge)
{
	fresh(true);
	vioapic_raise(&cpu, &vm, 4); /* masked: lost, as on the chip */
	EXPECT_EQ(told, 0);
	vioapic_lower(&vm, 4);
	io_write(0x19, 1 << 24);
	io_write(0x18, 0x31);
	vioapic_raise(&cpu, &vm, 4);
	EXPECT(irr(1, 0x31) && !irr(0, 0x31));
	vioapic_raise(&cpu, &vm, 4); /* no edge */
	EXPECT(!irr(1, 0x31));
	vioapic_lower(&vm, 4);
	vioapic_raise(&cpu, &vm, 4);
	EXPECT(irr(1, 0x31));
	EXPECT(!vapic_is_level(&pages[1], 0x31));
	/* To everybody; to nobody; a vector that isn't one. */
	io_write(0x19, 0xff000000);
	vioapic_lower(&vm, 4);
	vioapic_raise(&cpu, &vm, 4);
	EXPECT(irr(0, 0x31) && irr(1, 0x31));
	io_write(0x19, 7 << 24);
	vioapic_lower(&vm, 4);
	vioapic_raise(&cpu, &vm, 4);
	EXPECT(!irr(0, 0x31) && !irr(1, 0x31));
	io_write(0x19, 0);
	io_write(0x18, 0x0f);
	vioapic_lower(&vm, 4);
	vioapic_raise(&cpu, &vm, 4);
	EXPECT(!irr(0, 0x0f));
	/* NMI, INIT, ExtINT of a pin go nowhere. */
	for (unsigned mode = 2; mode < 8; mode++) {
		io_write(0x18, 0x31 | mode << 8);
		vioapic_lower(&vm, 4);
		vioapic_raise(&cpu, &vm, 4);
		EXPECT(!irr(0, 0x31));
	}
}

TEST(ioapic_level)
{
	fresh(false);
	pages[1].reg[0xd0 / 4] = 0x02000000;
	io_write(0x10 + 2 * 20 + 1, 0x02000000);
	io_write(0x10 + 2 * 20, 0x59 | 1 << 15 | 1 << 11); /* logical: vCPU 1 */
	vioapic_raise(&cpu, &vm, 20);
	EXPECT(irr(1, 0x59));
	EXPECT(vapic_is_level(&pages[1], 0x59));
	EXPECT_EQ(io_read(0x10 + 2 * 20) & 0x4000, 0x4000);
	/* Not again before its EOI; of another vector nothing happens. */
	vioapic_lower(&vm, 20);
	vioapic_raise(&cpu, &vm, 20);
	EXPECT(!irr(1, 0x59));
	vioapic_eoi(&cpu, &vm, 0x58);
	EXPECT(!irr(1, 0x59));
	vioapic_eoi(&cpu, &vm, 0x59); /* still asserted */
	EXPECT(irr(1, 0x59));
	vioapic_lower(&vm, 20);
	mmio(0x40, true, 0x59); /* by the EOI register */
	EXPECT(!irr(1, 0x59));
	EXPECT_EQ(io_read(0x10 + 2 * 20) & 0x4000, 0);
	/* Asserted while masked: comes when the mask goes. */
	io_write(0x10 + 2 * 20, 0x59 | 1 << 15 | 1 << 11 | 1 << 16);
	vioapic_raise(&cpu, &vm, 20);
	EXPECT(!irr(1, 0x59));
	io_write(0x10 + 2 * 20, 0x59 | 1 << 15 | 1 << 11);
	EXPECT(irr(1, 0x59));
	/* To edge and back: remote IRR is gone, the level is sent again. */
	io_write(0x10 + 2 * 20, 0x59 | 1 << 11 | 1 << 16);
	io_write(0x10 + 2 * 20, 0x59 | 1 << 15 | 1 << 11);
	EXPECT(irr(1, 0x59));
}

/* ---- 16550 ---- */

static uint8_t uart_in(unsigned reg)
{
	struct port_access a = { .port = (uint16_t)(0x3f8 + reg), .bytes = 1, .in = true };

	vuart_access(&cpu, &vm, &a);
	return (uint8_t)a.value;
}

static void uart_out(unsigned reg, uint8_t value)
{
	struct port_access a = { .port = (uint16_t)(0x3f8 + reg), .bytes = 1, .value = value };

	vuart_access(&cpu, &vm, &a);
}

static void uart_irq(void)
{
	fresh(true);
	io_write(0x18, 0x34);
	uart_out(4, 0x08); /* OUT2 */
}

TEST(uart_prints)
{
	fresh(true);
	EXPECT_EQ(uart_in(5), 0x60);
	EXPECT_EQ(uart_in(2), 0x01);
	uart_out(0, 'h');
	uart_out(3, 0x83); /* divisor latch */
	uart_out(0, 1);
	uart_out(1, 2);
	EXPECT_EQ(uart_in(0), 1);
	EXPECT_EQ(uart_in(1), 2);
	uart_out(3, 0x03);
	uart_out(0, 'i');
	EXPECT(!strcmp(console, "hi"));
	uart_out(7, 0x5a);
	EXPECT_EQ(uart_in(7), 0x5a);
	uart_out(2, 0x01);
	EXPECT_EQ(uart_in(2), 0xc1);
	/* As drivers probe: the outputs come back. */
	uart_out(4, 0x1a);
	EXPECT_EQ(uart_in(6) & 0xf0, 0x90);
	uart_out(0, 'x');
	EXPECT_EQ(uart_in(0), 'x');
	EXPECT(!strcmp(console, "hi"));
}

TEST(uart_interrupts)
{
	uart_irq();
	uart_out(1, 0x02); /* the transmitter is empty: at once */
	EXPECT(irr(0, 0x34));
	EXPECT_EQ(uart_in(2), 0x02); /* and this ends it */
	EXPECT_EQ(uart_in(2), 0x01);
	uart_out(0, 'a');
	EXPECT(irr(0, 0x34));
	uart_out(1, 0x01);
	EXPECT(vuart_receive(&cpu, &vm, 'k'));
	EXPECT(irr(0, 0x34));
	EXPECT_EQ(uart_in(2), 0x04);
	EXPECT_EQ(uart_in(5), 0x61);
	EXPECT_EQ(uart_in(0), 'k');
	EXPECT_EQ(uart_in(2), 0x01);
	EXPECT(vuart_receive(&cpu, &vm, 'l')); /* a new edge */
	EXPECT(irr(0, 0x34));
	/* Without OUT2 nothing gets out. */
	uart_irq();
	uart_out(4, 0);
	uart_out(1, 0x03);
	vuart_receive(&cpu, &vm, 'k');
	EXPECT(!irr(0, 0x34));
}

TEST(uart_overrun)
{
	uart_irq();
	for (unsigned i = 0; i < 64; i++)
		EXPECT(vuart_receive(&cpu, &vm, (char)i));
	EXPECT(!vuart_receive(&cpu, &vm, 'x'));
	EXPECT_EQ(uart_in(5), 0x63);
	EXPECT_EQ(uart_in(5), 0x61);
	for (unsigned i = 0; i < 64; i++)
		EXPECT_EQ(uart_in(0), i);
	EXPECT_EQ(uart_in(5), 0x60);
	EXPECT_EQ(uart_in(0), 0);
	vuart_receive(&cpu, &vm, 'x');
	uart_out(2, 0x03);
	EXPECT_EQ(uart_in(5), 0x60);
}

/* ---- MTRRs, clock, power ---- */

TEST(mtrrs)
{
	struct vmtrr m;
	uint64_t value = 0;

	vmtrr_reset(&m);
	EXPECT(vmtrr_read(&m, 0xfe, &value) && value == 0x508);
	EXPECT(vmtrr_read(&m, 0x2ff, &value) && value == 0xc06);
	EXPECT(vmtrr_read(&m, 0x26f, &value) && value == 0x0606060606060606);
	EXPECT(!vmtrr_read(&m, 0x251, &value));
	EXPECT(!vmtrr_read(&m, 0x210, &value));
	EXPECT(vmtrr_write(&m, 0x20f, 0xffff0800) && vmtrr_read(&m, 0x20f, &value));
	EXPECT_EQ(value, 0xffff0800);
	EXPECT(vmtrr_write(&m, 0x250, 0x0000000106050400));
	EXPECT(!vmtrr_write(&m, 0x250, 2));
	EXPECT(!vmtrr_write(&m, 0x2ff, 0x1006));
	EXPECT(!vmtrr_write(&m, 0x2ff, 3));
	EXPECT(!vmtrr_write(&m, 0xfe, 0));
}

TEST(clock)
{
	uint64_t v64;
	uint32_t v32;

	fresh(true);
	vm.clock.start_ticks = 1000000;
	EXPECT(pvclock_write(&vcpus[0], 0x4b564d01, 0x101));
	EXPECT_EQ(pvclock_read(&vcpus[0], 0x4b564d01), 0x101);
	EXPECT_EQ(ram[0x100] & 1, 0); /* version */
	memcpy(&v64, ram + 0x108, 8);
	EXPECT_EQ(v64, 1005000);
	memcpy(&v32, ram + 0x118, 4);
	int8_t shift = (int8_t)ram[0x11c];
	__uint128_t ticks = 2500000000u;
	uint64_t ns = (uint64_t)((shift < 0 ? ticks >> -shift : ticks << shift) * v32 >> 32);

	EXPECT(ns > 999999990 && ns <= 1000000000);
	EXPECT_EQ(ram[0x11d], 1);
	EXPECT(pvclock_write(&vcpus[0], 0x4b564d00, 0x200));
	memcpy(&v32, ram + 0x204, 4);
	EXPECT_EQ(v32, 1700000000);
	memcpy(&v32, ram + 0x208, 4);
	EXPECT_EQ(v32, 123456000);
	/* Off; and memory that isn't there: #GP. */
	EXPECT(pvclock_write(&vcpus[0], 0x4b564d01, 0xfff000));
	EXPECT(!pvclock_write(&vcpus[0], 0x4b564d01, 0xfff001));
	EXPECT(!pvclock_write(&vcpus[0], 0x4b564d01, 0xff1));
	EXPECT(!pvclock_write(&vcpus[0], 0x4b564d00, ~0ull));
}

static int power(uint16_t port, uint8_t value)
{
	struct port_access a = { .port = port, .bytes = 1, .value = value };

	ended = -1;
	power_access(&cpu, &vm, &a);
	return ended;
}

TEST(power_registers)
{
	fresh(true);
	EXPECT_EQ(power(0x600, 0x34), VM_POWER_OFF);
	EXPECT_EQ(power(0x600, 0x14), -1); /* not enabled */
	EXPECT_EQ(power(0x600, 0x2c), -1); /* S3 */
	EXPECT_EQ(power(0x601, 0x34), -1);
	EXPECT_EQ(power(0xcf9, 0x0e), VM_RESET);
	EXPECT_EQ(power(0xcf9, 0x02), -1);
}

static uint32_t pm1_in(uint16_t port)
{
	struct port_access a = { .port = port, .bytes = 2, .in = true, .value = ~0u };

	power_pm1_access(&cpu, &vm, &a);
	return a.value;
}

static int pm1_out(uint16_t port, uint16_t value)
{
	struct port_access a = { .port = port, .bytes = 2, .value = value };

	ended = -1;
	power_pm1_access(&cpu, &vm, &a);
	return ended;
}

/* Beside the HPET: status and enable at 604h, control at 608h. */
TEST(pm1_registers)
{
	fresh(true);
	EXPECT_EQ(pm1_in(0x608), 1); /* SCI_EN */
	EXPECT_EQ(pm1_in(0x604) | pm1_in(0x606), 0);
	EXPECT_EQ(pm1_out(0x606, 0x0120), -1);
	EXPECT_EQ(pm1_in(0x606), 0x0120);
	EXPECT_EQ(pm1_in(0x604), 0);
	EXPECT_EQ(pm1_out(0x604, 0xffff), -1); /* to clear what never was */
	EXPECT_EQ(pm1_in(0x604), 0);
	EXPECT_EQ(pm1_in(0x606), 0x0120);
	EXPECT_EQ(pm1_out(0x608, 0x1400), -1); /* S5, not enabled */
	EXPECT_EQ(pm1_out(0x608, 0x2c00), -1); /* S3 */
	EXPECT_EQ(pm1_out(0x608, 0x2000), -1); /* S0 */
	EXPECT_EQ(pm1_out(0x606, 0x3400), -1);
	EXPECT_EQ(pm1_out(0x604, 0x3400), -1);
	EXPECT_EQ(pm1_out(0x608, 0x3400), VM_POWER_OFF);
	EXPECT_EQ(pm1_out(0x608, 0x3401), VM_POWER_OFF);
	EXPECT_EQ(pm1_in(0x608), 1);
}
