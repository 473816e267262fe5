// SPDX-License-Identifier: MIT
/* sources: vmm/notice.c */
/* sources: svm/probe.c */
/* sources: vmm/exit.c vmm/exit_cpuid.c vmm/exit_msr.c vmm/exit_io.c vmm/exit_apic.c */
/* sources: vmm/exit_mmio.c vmm/guest/vioapic.c vmm/guest/vuart.c vmm/guest/power.c */
/* sources: vmm/guest/vmtrr.c vmm/guest/vrtc.c */
/* sources: vmm/guest/pvclock.c vmm/guest/startup.c drivers/rtc.c */
/* sources: vmm/guest/decode.c vmm/guest/walk.c vmm/guest/console.c vmm/base/lib.c */
/* sources: svm/svm.c svm/asid.c svm/event.c svm/fpu.c svm/guest_state.c svm/start.c svm/vmexit.c */
/* sources: svm/perm.c avic/avic.c avic/run.c avic/exits.c avic/vapic.c avic/emulated.c */
/* sources: avic/emulated_timer.c avic/inject.c */
/* One vCPU with two neighbours; exits are written into its VMCB by hand. */
#include "drivers/clock.h"
#include "exit.h"
#include "exit_io.h"
#include "exit_mmio.h"
#include "exit_parts.h"
#include "svm/fpu.h"
#include "svm/perm.h"
#include "vcpu.h"
#include "vm.h"
#include <hw/sim.h>
#include "base/log.h"
#include "guest/walk.h"
#include "intx.h"
#include "test.h"

#define VCPUS 3

static struct cpu cpu = { .index = 0, .apicid = 4 };
static struct vm_config config = { .name = "t", .memory_bytes = 0x400000, .builtin = true };
static struct vm vm;
static struct vcpu vcpus[VCPUS];
static struct vcpu *v = &vcpus[0];
static struct vmcb *b;
static uint8_t *ram;

static unsigned interrupts_taken, posted[VCPUS], timer_changes, hypercalls, map_tries;
static unsigned starts;
static int ended;
static bool block_result, map_result;
static char stopped[200], console[400];

void svm_run(phys_t guest, struct guest_regs *regs, phys_t host)
{
}

void sim_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	memset(out, 0xff, 16);
	if (leaf == 0x8000000a) {
		out[1] = 16;
		out[3] = 1 | 1 << 13 | 1 << 18 | 1 << 7; /* no nRIP */
	}
	if (leaf == 0xd)
		out[0] = subleaf ? 0xff : 7, out[1] = 832, out[3] = 0;
	if (leaf == 1)
		out[0] = 0x00a20f10;
}

static uint64_t host_msr_writes;

uint64_t sim_rdmsr(uint32_t msr)
{
	return 0;
}

void sim_wrmsr(uint32_t msr, uint64_t value)
{
	host_msr_writes++;
}

void sim_take_interrupts(void)
{
	interrupts_taken++;
}

void log_text(const char *text, size_t bytes)
{
	strncat(console, text, bytes);
}

bool vcpu_block(struct cpu *here, struct vcpu *w)
{
	return block_result;
}

void vcpu_post_event(struct cpu *here, struct vcpu *w, uint32_t events)
{
	posted[w->index]++;
	w->events |= events;
}

bool vcpu_start(struct cpu *here, struct vcpu *w)
{
	starts++;
	return w->state == VCPU_OFFLINE;
}

void vcpu_park(struct cpu *here, struct vcpu *w)
{
	w->state = VCPU_OFFLINE;
}

void vm_end(struct cpu *here, struct vm *m, enum vm_end what, const char *how)
{
	ended = what;
}

void vcpu_timer_changed(struct cpu *here, struct vcpu *w)
{
	timer_changes++;
}

/* The virtual PCI bus: memory at E000_0000h and a port, with one register each. */
static bool bus;
static struct mmio_access bus_access;
static struct port_access bus_port;

void intx_eoi(struct vm *m, uint32_t pins)
{
}

bool vpci_has(const struct vm *m, gpa_t at)
{
	return bus && at.v >> 20 == 0xe00;
}

bool vpci_has_port(const struct vm *m, uint16_t port)
{
	return bus && port == 0xcfc;
}

static unsigned hpet_accesses;

void vhpet_access(struct cpu *here, struct vm *m, struct mmio_access *a)
{
	hpet_accesses++;
	a->value = a->write ? a->value : 0x77;
}

void vpci_mmio(struct cpu *here, struct vm *m, struct mmio_access *a)
{
	a->value = a->write ? a->value : 0x10c98086;
	bus_access = *a;
}

void vpci_port(struct cpu *here, struct vm *m, struct port_access *a)
{
	a->value = a->in ? 0x10c98086 : a->value;
	bus_port = *a;
}

void vm_stop(struct cpu *here, struct vm *m, const char *why)
{
	snprintf(stopped, sizeof(stopped), "%s", why);
}

bool vm_read(struct vm *m, gpa_t from, void *to, size_t bytes)
{
	if (from.v > config.memory_bytes || bytes > config.memory_bytes - from.v)
		return false;
	memcpy(to, ram + from.v, bytes);
	return true;
}

bool vm_write(struct vm *m, gpa_t to, const void *from, size_t bytes)
{
	if (to.v > config.memory_bytes || bytes > config.memory_bytes - to.v)
		return false;
	memcpy(ram + to.v, from, bytes);
	return true;
}

bool vm_map_apic_page(struct vm *m)
{
	map_tries++;
	return map_result;
}

bool vm_has_x2apic(const struct vm *m)
{
	return config.apic != APIC_XAPIC;
}

void vm_set_apic_mode(struct vcpu *w, enum vapic_mode mode)
{
	avic_set_mode(&w->avic, mode);
}

enum exit_result exit_hypercall(struct cpu *here, struct vcpu *w)
{
	hypercalls++;
	return EXIT_LEAVE;
}

uint64_t clock_ticks_per_us(void)
{
	return 1000;
}

uint64_t clock_ticks_to_us(uint64_t ticks)
{
	return ticks / 1000;
}

void clock_delay_us(uint64_t us)
{
}

static void fresh(enum apic_mode apic)
{
	struct svm_features f;

	for (unsigned i = 0; i < VCPUS && b; i++)
		svm_vcpu_free(&vcpus[i].svm);
	if (b) {
		perm_free(&vm.svm);
		for (unsigned i = 0; i < VCPUS; i++)
			free(vcpus[i].avic.page);
		free(vm.avic.physical);
	}
	free(ram);
	ram = calloc(1, config.memory_bytes);
	config.apic = apic;
	memset(&vm, 0, sizeof(vm));
	memset(vcpus, 0, sizeof(vcpus));
	vm.config = &config;
	vm.vcpus = vcpus;
	vm.vcpu_count = VCPUS;
	svm_probe(&f);
	svm_fpu_init_cpu();
	EXPECT_EQ(perm_init(&vm.svm), OK);
	exit_msr_open(&vm.svm);
	EXPECT_EQ(avic_vm_init(&vm.avic, apic == APIC_X2APIC, VCPUS - 1, false), OK);
	for (unsigned i = 0; i < VCPUS; i++) {
		struct vcpu *w = &vcpus[i];

		w->vm = &vm;
		w->index = i;
		EXPECT_EQ(svm_vcpu_init(&w->svm, &vm.svm), OK);
		EXPECT_EQ(avic_vcpu_init(&w->avic, &vm.avic, &w->svm, i), OK);
		emulated_init(&w->emulated, &w->avic, i == 0);
		svm_vcpu_start_long(&w->svm, GPA(0x10000), 0x200000, 0x7000, i);
	}
	b = v->svm.vmcb;
	interrupts_taken = timer_changes = hypercalls = map_tries = 0;
	memset(posted, 0, sizeof(posted));
	stopped[0] = console[0] = 0;
	block_result = map_result = false;
}

static void identity_map(void)
{
	uint64_t *top = (uint64_t *)(ram + 0x10000), *next = (uint64_t *)(ram + 0x11000);

	top[0] = 0x11003;
	for (unsigned i = 0; i < 4; i++)
		next[i] = (uint64_t)i << 30 | 0x83;
}

static enum exit_result leave_by(uint64_t code, uint64_t info1, uint64_t info2)
{
	b->exit_code = code;
	b->exit_info1 = info1;
	b->exit_info2 = info2;
	b->event_inj = 0;
	return exit_handle(&cpu, v);
}

static void reg(unsigned n, uint64_t value)
{
	svm_set_reg(&v->svm, n, value);
}

TEST(interrupt)
{
	fresh(APIC_X2APIC);
	EXPECT_EQ(leave_by(0x60, 0, 0), EXIT_RESUME);
	EXPECT_EQ(interrupts_taken, 1);
	EXPECT_EQ(v->stats.exits[VMEXIT_KIND_INTR], 1);
	/* An event whose delivery was interrupted isn't lost. */
	b->exit_int_info = 0x80000031;
	leave_by(0x60, 0, 0);
	EXPECT_EQ(b->event_inj, 0x80000031);
}

TEST(halt)
{
	fresh(APIC_X2APIC);
	block_result = true;
	EXPECT_EQ(leave_by(0x78, 0, 0), EXIT_LEAVE);
	EXPECT_EQ(b->rip, 0x200001);
	block_result = false;
	EXPECT_EQ(leave_by(0x78, 0, 0), EXIT_RESUME);
	EXPECT_EQ(v->stats.exits[VMEXIT_KIND_HLT], 2);
}

TEST(nothing_to_do)
{
	fresh(APIC_X2APIC);
	EXPECT_EQ(leave_by(0x61, 0, 0), EXIT_RESUME);
	EXPECT_EQ(leave_by(0x64, 0, 0), EXIT_RESUME);
	EXPECT_EQ(b->rip, 0x200000);
	EXPECT_EQ(b->event_inj, 0);
	EXPECT_EQ(leave_by(0x89, 0, 0), EXIT_RESUME);
	EXPECT_EQ(b->rip, 0x200002);
	EXPECT_EQ(leave_by(0x81, 0, 0), EXIT_LEAVE);
	EXPECT_EQ(hypercalls, 1);
}

TEST(bad_guests)
{
	fresh(APIC_X2APIC);
	leave_by(0x80, 0, 0);
	EXPECT_EQ(b->event_inj, 0x80000306);
	leave_by(0x51, 0, 0); /* #AC, #DB: back into the guest */
	EXPECT_EQ(b->event_inj, 0x80000b11);
	leave_by(0x41, 0, 0);
	EXPECT_EQ(b->event_inj, 0x80000301);
	EXPECT(!stopped[0]);
	leave_by(0x52, 0, 0);
	EXPECT(strstr(stopped, "machine check"));
	leave_by(0x7f, 0, 0);
	EXPECT(strstr(stopped, "triple fault"));
	EXPECT(strstr(stopped, "vCPU 0, RIP 200000"));
	leave_by(~0ull, 0, 0);
	EXPECT(strstr(stopped, "invalid"));
	leave_by(0x63, 0, 0);
	EXPECT(strstr(stopped, "init"));
	leave_by(0x400, 0x100000006, 0x12345678);
	EXPECT(strstr(stopped, "write at guest-physical 12345678"));
	leave_by(0x400, 0x100000004, 0xfee01020);
	EXPECT(strstr(stopped, "read at guest-physical fee01020"));
	leave_by(0x400, 0x100000014, 0x1000000);
	EXPECT(strstr(stopped, "fetch"));
}

TEST(xsetbv)
{
	fresh(APIC_X2APIC);
	reg(1, 0);
	reg(2, 0);
	reg(0, 7);
	leave_by(0x8d, 0, 0);
	EXPECT_EQ(v->svm.xcr0, 7);
	EXPECT_EQ(b->rip, 0x200003);
	reg(0, 0xff);
	leave_by(0x8d, 0, 0);
	EXPECT_EQ(b->event_inj, 0x80000b0d);
	EXPECT_EQ(b->rip, 0x200003);
}

static void cpuid(uint32_t leaf, uint32_t subleaf)
{
	reg(0, leaf);
	reg(1, subleaf);
	leave_by(0x72, 0, 0);
}

static uint32_t out(unsigned n)
{
	return (uint32_t)svm_reg(&v->svm, n);
}

enum { EAX = 0, ECX = 1, EDX = 2, EBX = 3 };

TEST(cpuid)
{
	char name[13] = { 0 };

	fresh(APIC_X2APIC);
	cpuid(0x40000000, 0);
	memcpy(name, &(uint32_t[]){ out(EBX), out(ECX), out(EDX) }, 12);
	EXPECT(!strcmp(name, "ReveilleHVM."));
	EXPECT_EQ(b->rip, 0x200002);
	v = &vcpus[2];
	b = v->svm.vmcb;
	cpuid(1, 0);
	EXPECT_EQ(out(EBX) >> 24, 2);
	EXPECT_EQ(out(EBX) >> 16 & 0xff, VCPUS);
	EXPECT_EQ(out(ECX) >> 31, 1);
	EXPECT_EQ(out(ECX) >> 21 & 1, 1);
	EXPECT_EQ(out(ECX) >> 3 & 1, 0);  /* MONITOR */
	EXPECT_EQ(out(ECX) >> 24 & 1, 1); /* TSC deadline */
	EXPECT_EQ(out(ECX) >> 26 & 3, 1); /* XSAVE, and not OSXSAVE yet */
	b->cr4 |= 1 << 18;
	cpuid(1, 0);
	EXPECT_EQ(out(ECX) >> 26 & 3, 3);
	cpuid(0xb, 0);
	EXPECT_EQ(out(EDX), 2);
	EXPECT_EQ(out(ECX), 0x100);
	cpuid(0xb, 1);
	EXPECT_EQ(out(EBX), VCPUS);
	EXPECT_EQ(out(ECX), 0x201);
	cpuid(0xb, 2);
	EXPECT_EQ(out(EBX), 0);
	v = &vcpus[0];
	b = v->svm.vmcb;
	cpuid(0x80000001, 0);
	EXPECT_EQ(out(ECX) >> 2 & 1, 0); /* SVM */
	EXPECT_EQ(out(EDX) >> 27 & 1, 0);
	EXPECT_EQ(out(EDX) >> 29 & 1, 1);
	cpuid(0x8000000a, 0);
	EXPECT_EQ(out(EAX) | out(EBX) | out(ECX) | out(EDX), 0);
	cpuid(0x80000008, 0);
	EXPECT_EQ(out(ECX), VCPUS - 1);
	EXPECT_EQ(out(EBX), 1);
	cpuid(0x80000007, 0);
	EXPECT_EQ(out(EDX), 0x100);
	cpuid(0x80000002, 0);
	EXPECT_EQ(out(EAX), ~0u);
	cpuid(7, 0);
	EXPECT_EQ(out(EDX), 0);
	EXPECT_EQ(out(EBX) >> 12 & 1, 0);
	cpuid(7, 1);
	EXPECT_EQ(out(EAX), 0);
	cpuid(0xd, 0);
	EXPECT_EQ(out(EAX), 7);
	cpuid(0xd, 1);
	EXPECT_EQ(out(EAX), 7);
	cpuid(0xd, 2);
	EXPECT_EQ(out(EAX), 0xff);
	cpuid(0xd, 9);
	EXPECT_EQ(out(EAX), 0);
	cpuid(5, 0);
	EXPECT_EQ(out(EAX), 0);
	cpuid(6, 0);
	EXPECT_EQ(out(EAX), 4); /* ARAT */
	vm.hpet.device.vm = &vm;
	cpuid(6, 0);
	EXPECT_EQ(out(EAX), 0);
	cpuid(0, 0);
	EXPECT_EQ(out(EAX), ~0u);
	fresh(APIC_XAPIC);
	cpuid(1, 0);
	EXPECT_EQ(out(ECX) >> 21 & 1, 0);
}

/* Read and write as the guest does; true: it went on behind the instruction. */
static bool rdmsr(uint32_t msr)
{
	uint64_t rip = b->rip;

	reg(1, msr);
	leave_by(0x7c, 0, 0);
	EXPECT_EQ(b->rip == rip + 2, b->event_inj == 0);
	return b->rip == rip + 2;
}

static bool wrmsr(uint32_t msr, uint64_t value)
{
	uint64_t rip = b->rip;

	reg(1, msr);
	reg(0, (uint32_t)value);
	reg(2, value >> 32);
	leave_by(0x7c, 1, 0);
	EXPECT_EQ(b->rip == rip + 2, b->event_inj == 0);
	return b->rip == rip + 2;
}

static uint64_t got(void)
{
	return (uint64_t)out(EDX) << 32 | out(EAX);
}

TEST(msr)
{
	fresh(APIC_X2APIC);
	EXPECT(rdmsr(0xc0000080));
	EXPECT_EQ(got(), 0xd01);
	EXPECT(wrmsr(0xc0000080, 0x500));
	EXPECT_EQ(b->efer, 0x1500);
	EXPECT(!wrmsr(0xc0000080, 0x1500));
	EXPECT_EQ(b->event_inj, 0x80000b0d);
	EXPECT(rdmsr(0x277));
	EXPECT_EQ(got(), 0x0007040600070406);
	EXPECT(wrmsr(0x277, 0x0007010600070106));
	EXPECT_EQ(b->pat, 0x0007010600070106);
	EXPECT(!wrmsr(0x277, 2));
	EXPECT(rdmsr(0x1b));
	EXPECT_EQ(got(), 0xfee00d00);
	EXPECT(wrmsr(0x1b, 0xfee00d00));
	EXPECT(!wrmsr(0x1b, 0xfee00900));
	EXPECT(wrmsr(0x10, 0));
	EXPECT(b->tsc_offset != 0);
	EXPECT(rdmsr(0xc0010015));
	EXPECT_EQ(got(), 1 << 24);
	EXPECT(wrmsr(0xc0010015, 1 << 24));
	EXPECT(!wrmsr(0xc0010015, 1));
	/* The host's: doorbell, VM_CR, HSAVE. And what isn't there at all. */
	EXPECT(!wrmsr(0xc001011b, 1));
	EXPECT(!rdmsr(0xc0010114));
	EXPECT(!wrmsr(0xc0010117, 0));
	EXPECT(!rdmsr(0x12345678));
}

static uint8_t map_byte(phys_t map, unsigned n)
{
	return ((const uint8_t *)map.v)[n];
}

/* 24593 rev 3.44, "MSR Intercepts": which ones don't exit. */
TEST(open_msrs)
{
	fresh(APIC_X2APIC);
	/* No vCPU without x2AVIC gets at the host's own APIC. */
	for (unsigned n = 0x200; n < 0x240; n++)
		EXPECT_EQ(map_byte(vm.svm.msrpm, n), 0xff);
	EXPECT_EQ(map_byte(vm.svm.msrpm_x2avic, 0x200), 0xaf); /* 802h, 803h: reads */
	EXPECT_EQ(map_byte(vm.svm.msrpm_x2avic, 0x202), 0x6c); /* TPR; PPR; EOI: writes */
	EXPECT_EQ(map_byte(vm.svm.msrpm_x2avic, 0x203), 0xbb); /* LDR, SVR: reads */
	EXPECT_EQ(map_byte(vm.svm.msrpm_x2avic, 0x204), 0xaa);
	EXPECT_EQ(map_byte(vm.svm.msrpm_x2avic, 0x209), 0xaa);
	EXPECT_EQ(map_byte(vm.svm.msrpm_x2avic, 0x20c), 0xac); /* ICR; no 831h */
	EXPECT_EQ(map_byte(vm.svm.msrpm_x2avic, 0x20e), 0xfe); /* 838h; no 839h */
	EXPECT_EQ(map_byte(vm.svm.msrpm_x2avic, 0x20f), 0x6f); /* 83Eh read, 83Fh write */
	EXPECT_EQ(map_byte(vm.svm.msrpm, 0x820), 0x03);        /* STAR.. open, EFER not */
	EXPECT_EQ(map_byte(vm.svm.msrpm, 0x840), 0xc0);        /* FS, GS, kernel GS */
	EXPECT_EQ(map_byte(vm.svm.msrpm, 0x04), 0xfe);         /* TSC: read */
	EXPECT_EQ(map_byte(vm.svm.msrpm, 0x1046), 0xff);       /* doorbell */
}

TEST(x2apic_registers)
{
	fresh(APIC_X2APIC);
	EXPECT(rdmsr(0x802));
	EXPECT_EQ(got(), 0);
	EXPECT(wrmsr(0x80f, 0x1ff));
	EXPECT(rdmsr(0x80f));
	EXPECT_EQ(got(), 0x1ff);
	EXPECT(!wrmsr(0x802, 1)); /* read-only */
	EXPECT(!rdmsr(0x80b));    /* write-only */
	EXPECT(wrmsr(0x832, 0x40));
	EXPECT(wrmsr(0x838, 1000));
	EXPECT(timer_changes > 0);
	/* An IPI to vCPU 2, which isn't running: it is told. */
	EXPECT(wrmsr(0x830, 0x0000000200000051));
	EXPECT_EQ(posted[2], 1);
	EXPECT_EQ(vapic_read(vcpus[2].avic.page, 0x220), 1 << 17);
	EXPECT(wrmsr(0x83f, 0x52));
	EXPECT_EQ(vapic_read(v->avic.page, 0x220), 1 << 18);
	/* INIT, startup, NMI: an event for vCPU 2. */
	EXPECT(wrmsr(0x830, 0x0000000200004500));
	EXPECT_EQ(vcpus[2].events, VCPU_EVENT_INIT);
	EXPECT(wrmsr(0x830, 0x000000020000469a));
	EXPECT_EQ(vcpus[2].sipi_page, 0x9a);
	EXPECT_EQ(vcpus[2].events, VCPU_EVENT_INIT | VCPU_EVENT_SIPI);
	EXPECT(wrmsr(0x830, 0x0000000200004500)); /* forgets the startup before it */
	EXPECT_EQ(vcpus[2].events, VCPU_EVENT_INIT);
	EXPECT(wrmsr(0x830, 0x00000000000c4400)); /* NMI to all others */
	EXPECT_EQ(vcpus[1].events, VCPU_EVENT_NMI);
	EXPECT_EQ(v->events, 0);
	fresh(APIC_XAPIC);
	EXPECT(!rdmsr(0x802));
}

/* Whatever a guest reads or writes by an exit, no MSR of the host's is written. */
static const struct {
	uint32_t first, last;
} known_msrs[] = { { 0, 0x1fff }, { 0x40000000, 0x400000ff }, { 0xc0000000, 0xc0001fff },
	{ 0xc0010000, 0xc0011fff } };

TEST(msr_scan)
{
	uint64_t value = 0x9e3779b97f4a7c15ull, through = 0;

	fresh(APIC_X2APIC);
	host_msr_writes = 0;
	for (unsigned i = 0; i < ARRAY_COUNT(known_msrs); i++)
		for (uint32_t msr = known_msrs[i].first; msr <= known_msrs[i].last; msr++) {
			value = value * 6364136223846793005ull + 1442695040888963407ull;
			if (msr == 0x830) /* tests of its own */
				continue;
			through += rdmsr(msr);
			through += wrmsr(msr, value) + wrmsr(msr, 0) + wrmsr(msr, ~0ull);
		}
	EXPECT_EQ(host_msr_writes, 0);
	EXPECT(through > 100);
	EXPECT(notice_total(&vm.notices, NOTICE_MSR) > 90000);
	fresh(APIC_X2APIC);
}

static bool known_msr(uint64_t msr)
{
	for (unsigned i = 0; i < ARRAY_COUNT(known_msrs); i++)
		if (msr >= known_msrs[i].first && msr <= known_msrs[i].last)
			return true;
	return false;
}

/* The other four thousand million: nothing is there, whichever way one looks. */
TEST(msr_scan_of_the_rest)
{
	uint64_t through = 0;

	fresh(APIC_X2APIC);
	host_msr_writes = 0;
	for (uint64_t msr = 0; msr < 1ull << 32; msr += 1021) {
		if (known_msr(msr))
			continue;
		through += rdmsr((uint32_t)msr);
		through += wrmsr((uint32_t)msr, msr);
	}
	EXPECT_EQ(through, 0);
	EXPECT_EQ(host_msr_writes, 0);
	EXPECT(notice_total(&vm.notices, NOTICE_MSR) > 8000000);
	fresh(APIC_X2APIC);
}

static void code(const char *bytes, size_t count)
{
	memcpy(ram + 0x200000, bytes, count);
	b->rip = 0x200000;
	b->insn_bytes = 0;
}

#define CODE(bytes) code(bytes, sizeof(bytes) - 1)

static void npf(uint64_t gpa, bool write)
{
	leave_by(0x400, 0x100000004 | write << 1, gpa);
}

/* 24593 rev 3.44, "x2APIC Mode": which writes of IA32_APIC_BASE are good in which mode. */
TEST(apic_modes)
{
	static const struct {
		uint64_t value;
		bool good[3]; /* from xAPIC, x2APIC, off */
		enum vapic_mode to;
	} writes[] = {
		{ 0xfee00900, { true, false, true }, VAPIC_XAPIC },
		{ 0xfee00d00, { true, true, false }, VAPIC_X2APIC },
		{ 0xfee00100, { true, true, true }, VAPIC_OFF },
		{ 0xfee00500, { false, false, false }, 0 },
		{ 0xfee00800, { false, false, false }, 0 }, /* not the boot CPU any more */
		{ 0xfed00900, { false, false, false }, 0 },
		{ 0x1fee00900, { false, false, false }, 0 },
		{ 0xfee00901, { false, false, false }, 0 },
	};
	static const uint64_t bases[] = { 0xfee00900, 0xfee00d00, 0xfee00100 };

	for (unsigned from = 0; from < 3; from++) {
		for (unsigned i = 0; i < ARRAY_COUNT(writes); i++) {
			fresh(APIC_AUTO);
			avic_set_mode(&v->avic, from);
			EXPECT(rdmsr(0x1b));
			EXPECT_EQ(got(), bases[from]);
			EXPECT_EQ(wrmsr(0x1b, writes[i].value), writes[i].good[from]);
			EXPECT_EQ(avic_mode(&v->avic), writes[i].good[from] ? writes[i].to : from);
			EXPECT_EQ(rdmsr(0x802), avic_mode(&v->avic) == VAPIC_X2APIC);
		}
	}
	EXPECT_EQ(avic_mode(&vcpus[1].avic), VAPIC_XAPIC);
	/* There is no x2APIC mode. */
	fresh(APIC_XAPIC);
	EXPECT(!wrmsr(0x1b, 0xfee00d00));
	EXPECT(wrmsr(0x1b, 0xfee00100));
}

/* What is pending comes when it is on again, and not before. */
TEST(an_apic_that_is_off)
{
	fresh(APIC_AUTO);
	identity_map();
	b->rflags |= 1 << 9;
	EXPECT(wrmsr(0x1b, 0xfee00100));
	vapic_set_irr(v->avic.page, 0xe1);
	emulated_enter(&v->emulated);
	EXPECT_EQ(b->event_inj >> 31, 0);
	CODE("\x8b\x07"); /* mov (%rdi),%eax: nobody there */
	reg(0, 0);
	leave_by(0x400, 0x100000004, 0xfee00030);
	EXPECT_EQ(svm_reg(&v->svm, 0), 0xffffffff);
	EXPECT(wrmsr(0x1b, 0xfee00900));
	emulated_enter(&v->emulated);
	EXPECT_EQ(b->event_inj, 0x800000e1);
}

TEST(xapic_page)
{
	fresh(APIC_XAPIC);
	identity_map();
	CODE("\x8b\x07"); /* mov (%rdi),%eax */
	reg(0, ~0ull);
	npf(0xfee00030, false);
	EXPECT_EQ(b->rip, 0x200002);
	EXPECT_EQ(svm_reg(&v->svm, 0), 0x50010);
	CODE("\x8a\x27"); /* mov (%rdi),%ah */
	reg(0, 0x1122334455667788);
	npf(0xfee00030, false);
	EXPECT_EQ(svm_reg(&v->svm, 0), 0x1122334455661088);
	CODE("\x66\x8b\x07");
	reg(0, 0x1122334455667788);
	npf(0xfee00032, false);
	EXPECT_EQ(svm_reg(&v->svm, 0), 0x1122334455660005);
	CODE("\x0f\xbe\x07"); /* movsbl */
	npf(0xfee000e0, false);
	EXPECT_EQ(svm_reg(&v->svm, 0), 0xffffffff);
	CODE("\x8b\x07");
	npf(0xfee00034, false); /* between registers */
	EXPECT_EQ(svm_reg(&v->svm, 0), 0);
	CODE("\xc7\x07\xff\x01\x00\x00"); /* movl $0x1ff,(%rdi) */
	npf(0xfee000f0, true);
	EXPECT_EQ(b->rip, 0x200006);
	EXPECT_EQ(vapic_read(v->avic.page, 0xf0), 0x1ff);
	CODE("\x88\x07"); /* bytes have no effect */
	reg(0, 0);
	npf(0xfee000f0, true);
	EXPECT_EQ(b->rip, 0x200002);
	EXPECT_EQ(vapic_read(v->avic.page, 0xf0), 0x1ff);
	CODE("\x89\x07"); /* LDR: the logical table follows */
	reg(0, 0x02000000);
	npf(0xfee000d0, true);
	EXPECT_EQ(vapic_read(v->avic.page, 0xd0), 0x02000000);
	EXPECT_EQ(vm.avic.logical[1], 0x80000000);
	EXPECT(!stopped[0]);
	/* Bytes that the CPU reported are used as they are. */
	memset(ram + 0x200000, 0, 16);
	b->rip = 0x200000;
	b->insn_bytes = 2;
	memcpy(b->insn, "\x8b\x07", 2);
	npf(0xfee00030, false);
	EXPECT_EQ(svm_reg(&v->svm, 0), 0x50010);
	/* Something else than a move, and an unmapped instruction. */
	CODE("\x01\x07");
	npf(0xfee00030, true);
	EXPECT(strstr(stopped, "not a simple one"));
	stopped[0] = 0;
	b->rip = 0x8000000000;
	npf(0xfee00030, true);
	EXPECT(strstr(stopped, "not a simple one"));
}

#define FLAGS 0x8d5 /* OF, SF, ZF, AF, PF, CF */

static void flags_after(const char *what, uint64_t want)
{
	if ((b->rflags & FLAGS) != want)
		printf("%s: flags %llx\n", what, (unsigned long long)b->rflags & FLAGS);
	EXPECT_EQ(b->rflags & FLAGS, want);
	EXPECT(b->rflags & 2);
}

/* What compilers make of a register in memory; SVR is 1ff here. */
TEST(xapic_page_arithmetic)
{
	fresh(APIC_XAPIC);
	identity_map();
	vapic_write(v->avic.page, 0xf0, 0x1ff);
	CODE("\xf7\x07\x00\x01\x00\x00"); /* testl $0x100,(%rdi) */
	b->rflags = 2 | FLAGS;
	npf(0xfee000f0, false);
	EXPECT_EQ(b->rip, 0x200006);
	flags_after("test", 0x4);
	CODE("\xf7\x07\x00\x02\x00\x00");
	npf(0xfee000f0, false);
	flags_after("test, zero", 0x44);
	CODE("\x81\x3f\x00\x02\x00\x00"); /* cmpl $0x200,(%rdi) */
	npf(0xfee000f0, false);
	flags_after("cmp, below", 0x85);
	CODE("\x3b\x07"); /* cmp (%rdi),%eax */
	reg(0, 0x1ff);
	npf(0xfee000f0, false);
	flags_after("cmp, equal", 0x44);
	reg(0, 0x80000000);
	CODE("\x3b\x07");
	npf(0xfee000f0, false);
	flags_after("cmp, signed overflow", 0x810);
	CODE("\x81\x27\xff\xfe\xff\xff"); /* andl $~0x100,(%rdi) */
	npf(0xfee000f0, true);
	EXPECT_EQ(vapic_read(v->avic.page, 0xf0), 0xff);
	CODE("\xf0\x09\x07"); /* lock or %eax,(%rdi) */
	reg(0, 0x100);
	npf(0xfee000f0, true);
	EXPECT_EQ(vapic_read(v->avic.page, 0xf0), 0x1ff);
	EXPECT_EQ(b->rip, 0x200003);
	CODE("\x87\x07"); /* xchg %eax,(%rdi) */
	reg(0, 0x1fe);
	npf(0xfee000f0, true);
	EXPECT_EQ(vapic_read(v->avic.page, 0xf0), 0x1fe);
	EXPECT_EQ(svm_reg(&v->svm, 0), 0x1ff);
	CODE("\x33\x07"); /* xor (%rdi),%eax */
	npf(0xfee000f0, false);
	EXPECT_EQ(svm_reg(&v->svm, 0), 1);
	EXPECT(!stopped[0]);
}

TEST(xapic_page_strings)
{
	fresh(APIC_XAPIC);
	identity_map();
	CODE("\xf3\xab"); /* rep stosl */
	reg(0, 0x1f0);
	reg(1, 2);
	reg(7, 0xfee000f0);
	npf(0xfee000f0, true);
	EXPECT_EQ(vapic_read(v->avic.page, 0xf0), 0x1f0);
	EXPECT_EQ(svm_reg(&v->svm, 7), 0xfee000f4);
	EXPECT_EQ(svm_reg(&v->svm, 1), 1);
	EXPECT_EQ(b->rip, 0x200000);
	b->rip = 0x200000;
	npf(0xfee000f4, true);
	EXPECT_EQ(b->rip, 0x200002);
	EXPECT_EQ(svm_reg(&v->svm, 1), 0);
	CODE("\xa5"); /* movsl, from the device; downwards */
	b->rflags = 2 | 0x400;
	reg(6, 0xfee00030);
	reg(7, 0x3000);
	npf(0xfee00030, false);
	EXPECT_EQ(*(uint32_t *)(ram + 0x3000), 0x50010);
	EXPECT_EQ(svm_reg(&v->svm, 6), 0xfee0002c);
	EXPECT_EQ(svm_reg(&v->svm, 7), 0x2ffc);
	EXPECT_EQ(b->rip, 0x200001);
	b->rflags = 2;
	CODE("\xa5"); /* and to it */
	reg(6, 0x4000);
	reg(7, 0xfee000f0);
	*(uint32_t *)(ram + 0x4000) = 0x1f3;
	npf(0xfee000f0, true);
	EXPECT_EQ(vapic_read(v->avic.page, 0xf0), 0x1f3);
	EXPECT(!stopped[0]);
	CODE("\xa5"); /* from nowhere */
	reg(6, 0xfe000000);
	npf(0xfee000f0, true);
	EXPECT(strstr(stopped, "not a simple one"));
	stopped[0] = 0;
}

TEST(xapic_page_taken_over)
{
	fresh(APIC_XAPIC);
	identity_map();
	avic_enable(&v->avic);
	map_result = true;
	CODE("\x8b\x07");
	npf(0xfee00030, false);
	EXPECT_EQ(map_tries, 1);
	EXPECT_EQ(b->rip, 0x200000); /* again, by hardware */
	map_result = false;
	npf(0xfee00030, false);
	EXPECT_EQ(map_tries, 2);
	EXPECT_EQ(b->rip, 0x200002);
}

TEST(page_walk_formats)
{
	gpa_t at;

	fresh(APIC_XAPIC);
	uint32_t *directory = (uint32_t *)(ram + 0x20000), *table = (uint32_t *)(ram + 0x21000);
	uint64_t *pdpt = (uint64_t *)(ram + 0x22020), *pd = (uint64_t *)(ram + 0x23000);

	/* 32-bit, two levels. */
	b->efer = 0x1000;
	b->cr4 = 0x10;
	b->cr3 = 0x20000;
	directory[1] = 0x21003;
	table[2] = 0x55003;
	directory[3] = 0x00c00083;
	EXPECT(guest_translate(v, 0x402123, &at));
	EXPECT_EQ(at.v, 0x55123);
	EXPECT(guest_translate(v, 0xc12345, &at));
	EXPECT_EQ(at.v, 0xc12345);
	EXPECT(!guest_translate(v, 0, &at));
	directory[3] = 0x00c0a083; /* bits 39:32 of the address: 5 */
	EXPECT(guest_translate(v, 0xd12345, &at));
	EXPECT_EQ(at.v, 0x500d12345);
	/* PAE: a table that is only 32 bytes aligned. */
	b->cr4 = 0x20;
	b->cr3 = 0x22020;
	pdpt[1] = 0x23001;
	pd[3] = 0x00a00083;
	EXPECT(guest_translate(v, 0x40612345, &at));
	EXPECT_EQ(at.v, 0xa12345);
	EXPECT(!guest_translate(v, 0x80000000, &at));
	/* Tables outside of its memory. */
	b->cr3 = 0xfffff000;
	EXPECT(!guest_translate(v, 0x40612345, &at));
	b->cr0 = 0x11;
	EXPECT(guest_translate(v, 0x1234, &at));
	EXPECT_EQ(at.v, 0x1234);
}

TEST(fetch_across_pages)
{
	uint8_t got_code[15];

	fresh(APIC_XAPIC);
	uint64_t *top = (uint64_t *)(ram + 0x10000), *l3 = (uint64_t *)(ram + 0x11000);
	uint64_t *l2 = (uint64_t *)(ram + 0x12000), *l1 = (uint64_t *)(ram + 0x13000);

	top[0] = 0x11003;
	l3[0] = 0x12003;
	l2[0] = 0x13003;
	l1[1] = 0x30003;
	l1[2] = 0x38003;
	memcpy(ram + 0x30ffe, "\xc7\x07", 2);
	memcpy(ram + 0x38000, "\x01\x02\x03\x04", 4);
	b->rip = 0x1ffe;
	EXPECT_EQ(guest_fetch(v, got_code, 15), 15);
	EXPECT(!memcmp(got_code, "\xc7\x07\x01\x02\x03\x04", 6));
	l1[2] = 0;
	EXPECT_EQ(guest_fetch(v, got_code, 15), 2);
}

TEST(ipi_exit)
{
	fresh(APIC_X2APIC);
	/* Cause 1: IRR is set already. */
	leave_by(0x401, 0x0000000100000061, 0x0000000100000001);
	EXPECT_EQ(posted[1], 1);
	EXPECT_EQ(vapic_read(vcpus[1].avic.page, 0x230), 0);
	/* Cause 2, all but self: it isn't. */
	leave_by(0x401, 0x00000000000c0061, 0x0000000200000000);
	EXPECT_EQ(posted[1], 2);
	EXPECT_EQ(posted[2], 1);
	EXPECT_EQ(posted[0], 0);
	EXPECT_EQ(vapic_read(vcpus[1].avic.page, 0x230), 2);
	/* Cause 4: nobody, and the ESR says so. */
	leave_by(0x401, 0x0000000100000005, 0x0000000400000000);
	EXPECT_EQ(posted[1], 2);
	EXPECT(v->emulated.esr_pending & 0x20);
	EXPECT_EQ(b->rip, 0x200000); /* a trap */
	leave_by(0x401, 0x0000000100000061, 0x0000000300000001);
	EXPECT(strstr(stopped, "backing page"));
}

TEST(noaccel_exit)
{
	fresh(APIC_XAPIC);
	identity_map();
	avic_enable(&v->avic);
	/* Trap: the value is in the page, RIP behind the instruction. */
	vapic_write(v->avic.page, 0x380, 5000);
	vapic_write(v->avic.page, 0x320, 0x40);
	leave_by(0x402, 0x100000380, 0);
	EXPECT_EQ(b->rip, 0x200000);
	EXPECT(timer_changes > 0);
	/* Fault: the current count. */
	CODE("\x8b\x07");
	leave_by(0x402, 0x390, 0);
	EXPECT_EQ(b->rip, 0x200002);
	fresh(APIC_X2APIC);
	avic_enable(&v->avic);
	reg(1, 0x839);
	leave_by(0x402, 0x390, 0);
	EXPECT_EQ(b->rip, 0x200002);
	leave_by(0x402, 0x1000000a0, 0); /* PPR is read-only: #GP */
	EXPECT_EQ(b->event_inj, 0x80000b0d);
}

TEST(ports)
{
	fresh(APIC_X2APIC);
	reg(0, 0x1122334455667788);
	leave_by(0x7b, 0x00600011, 0x200005); /* in %al */
	EXPECT_EQ(svm_reg(&v->svm, 0), 0x11223344556677ff);
	EXPECT_EQ(b->rip, 0x200005);
	leave_by(0x7b, 0x00600021, 0x200006);
	EXPECT_EQ(svm_reg(&v->svm, 0), 0x112233445566ffff);
	leave_by(0x7b, 0x0cfc0041, 0x200007);
	EXPECT_EQ(svm_reg(&v->svm, 0), 0xffffffff);
	leave_by(0x7b, 0x03fd0011, 0x200008);
	EXPECT_EQ(svm_reg(&v->svm, 0) & 0xff, 0x60);
	leave_by(0x7b, 0x03fa0011, 0x200008);
	EXPECT_EQ(svm_reg(&v->svm, 0) & 0xff, 0x01);
	leave_by(0x7b, 0x03f90011, 0x200008);
	EXPECT_EQ(svm_reg(&v->svm, 0) & 0xff, 0);
	config.console = VM_CONSOLE_NONE;
	leave_by(0x7b, 0x03f90011, 0x200008);
	EXPECT_EQ(svm_reg(&v->svm, 0) & 0xff, 0xff);
	config.console = VM_CONSOLE_UART;
	/* Only a guest with a kernel of its own has a reset register. */
	ended = -1;
	reg(0, 0x0e);
	leave_by(0x7b, 0x0cf90010, 0x200008);
	EXPECT_EQ(ended, -1);
	config.builtin = false;
	leave_by(0x7b, 0x0cf90010, 0x200008);
	EXPECT_EQ(ended, VM_RESET);
	reg(0, 0x34);
	leave_by(0x7b, 0x06000010, 0x200008);
	EXPECT_EQ(ended, VM_POWER_OFF);
	config.builtin = true;
	for (const char *p = "hi\x1b\r\n"; *p; p++) {
		reg(0, (uint8_t)*p);
		leave_by(0x7b, 0x03f80010, 0x200009);
	}
	EXPECT(!strcmp(console, "t: hi?\n"));
	leave_by(0x7b, 0x0080001c, 0x20000a); /* rep outsb */
	EXPECT_EQ(b->event_inj, 0x80000b0d);
	EXPECT_EQ(b->rip, 0x200009);
}

TEST(pci_bus)
{
	fresh(APIC_X2APIC);
	identity_map();
	bus = true;
	CODE("\x8b\x07"); /* mov (%rdi),%eax */
	npf(0xe0008000, false);
	EXPECT_EQ(svm_reg(&v->svm, 0), 0x10c98086);
	EXPECT(bus_access.at.v == 0xe0008000 && bus_access.bytes == 4 && !bus_access.write);
	CODE("\x66\xc7\x07\x06\x00"); /* movw $6,(%rdi) */
	npf(0xe0008004, true);
	EXPECT(bus_access.bytes == 2 && bus_access.write && bus_access.value == 6);
	leave_by(0x7b, 0x0cfc0041, 0x200007); /* in (%dx),%eax */
	EXPECT_EQ(svm_reg(&v->svm, 0), 0x10c98086);
	EXPECT(bus_port.in && bus_port.bytes == 4);
	reg(0, 0xffff0006);
	leave_by(0x7b, 0x0cfc0020, 0x200008); /* out %ax,(%dx) */
	EXPECT(!bus_port.in && bus_port.bytes == 2 && bus_port.value == 6);
	bus = false;
}

TEST(console_breaks_long_lines)
{
	char text[500];

	fresh(APIC_X2APIC);
	memset(text, 'x', sizeof(text));
	guest_console_write(&vm.console, "n", text, 199);
	EXPECT_EQ(strlen(console), 203);
	EXPECT(!strncmp(console, "n: xxx", 6));
}

/* With an HPET come its page and PM1 blocks; without one they are nobody's. */
TEST(what_comes_with_an_hpet)
{
	fresh(APIC_XAPIC);
	identity_map();
	config.builtin = false;
	vm.hpet.device.vm = &vm;
	hpet_accesses = 0;
	CODE("\x8b\x07"); /* mov (%rdi),%eax */
	npf(0xfed000f0, false);
	EXPECT_EQ(svm_reg(&v->svm, 0), 0x77);
	CODE("\x8b\x07");
	npf(0xfed00ffc, false);
	EXPECT_EQ(hpet_accesses, 2);
	CODE("\x66\xed"); /* in (%dx),%ax */
	leave_by(0x7b, 0x06080021, 0x200002);
	EXPECT_EQ(svm_reg(&v->svm, 0) & 0xffff, 1);
	ended = -1;
	reg(0, 0x3401);
	leave_by(0x7b, 0x06080020, 0x200002);
	EXPECT_EQ(ended, VM_POWER_OFF);
	vm.hpet.device.vm = NULL;
	ended = -1;
	leave_by(0x7b, 0x06080020, 0x200002);
	EXPECT_EQ(ended, -1);
	leave_by(0x7b, 0x06080021, 0x200002);
	EXPECT_EQ(svm_reg(&v->svm, 0) & 0xffff, 0xffff);
	CODE("\x8b\x07");
	npf(0xfed000f0, false);
	EXPECT_EQ(hpet_accesses, 2);
	config.builtin = true;
}
