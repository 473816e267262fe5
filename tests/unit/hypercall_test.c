// SPDX-License-Identifier: MIT
/* sources: vmm/notice.c */
/* sources: svm/probe.c */
/* sources: vmm/hypercall.c vmm/report.c vmm/guest/console.c vmm/base/lib.c svm/svm.c */
/* sources: svm/asid.c svm/event.c svm/fpu.c svm/guest_state.c */
#include "base/log.h"
#include "exit_parts.h"
#include "hypercall.h"
#include "vm.h"
#include <hw/sim.h>
#include "test.h"

static struct cpu cpus[2] = { { .index = 0, .interrupts = 40 }, { .index = 1, .interrupts = 2 } };
static struct iommu iommu;
static struct vm_config config;
static struct vm vm;
static struct vcpu vcpus[2];
static struct svm_vm shared_part;
static uint8_t ram[0x4000];
static char logged[2000];
static const char *unfit;
static enum delivery_mode delivery;
static enum halt_mode halt;
static unsigned routed, exited, parked, started;
static struct cpu *moved_to;

void svm_run(phys_t guest, struct guest_regs *regs, phys_t host)
{
}

void log_text(const char *text, size_t bytes)
{
	strncat(logged, text, bytes);
}

uint32_t cpu_count(void)
{
	return 2;
}

struct cpu *cpu_by_index(uint32_t index)
{
	return index < 2 ? &cpus[index] : NULL;
}

uint32_t iommu_count(void)
{
	return 1;
}

struct iommu *iommu_by_index(uint32_t i)
{
	return &iommu;
}

static void *at(gpa_t gpa, size_t bytes)
{
	return gpa.v <= sizeof(ram) && bytes <= sizeof(ram) - gpa.v ? ram + gpa.v : NULL;
}

bool vm_read(struct vm *m, gpa_t from, void *to, size_t bytes)
{
	if (!at(from, bytes))
		return false;
	memcpy(to, at(from, bytes), bytes);
	return true;
}

bool vm_write(struct vm *m, gpa_t to, const void *from, size_t bytes)
{
	if (!at(to, bytes))
		return false;
	memcpy(at(to, bytes), from, bytes);
	return true;
}

const char *vm_posted_unfit(const struct vm *m)
{
	return unfit;
}

const char *vm_halt_unfit(enum halt_mode mode)
{
	return mode == HALT_GAPPI ? unfit : NULL;
}

err_t vm_set_delivery(struct cpu *here, struct vm *m, struct vcpu *v, enum delivery_mode mode)
{
	delivery = mode;
	return OK;
}

err_t vm_set_halt(struct cpu *here, struct vm *m, struct vcpu *v, enum halt_mode mode)
{
	halt = mode;
	return ERR_UNFIT;
}

void vm_exit(struct cpu *here, struct vm *m, uint32_t status)
{
	exited = status;
}

static struct assigned_irq irqs[2];

err_t assign_route(struct cpu *here, struct assigned_irq *irq, struct vcpu *target, uint8_t vector)
{
	EXPECT(irq == &vm.devices[0].irq[1] && target == &vcpus[1] && vector == 0x31);
	routed++;
	return OK;
}

void vcpu_park(struct cpu *here, struct vcpu *v)
{
	parked++;
}

bool vcpu_start(struct cpu *here, struct vcpu *v)
{
	started++;
	return v == &vcpus[1];
}

void vcpu_migrate(struct cpu *here, struct vcpu *v, struct cpu *to)
{
	moved_to = to;
}

static void fresh(void)
{
	if (vcpus[0].svm.vmcb)
		svm_vcpu_free(&vcpus[0].svm);
	memset(vcpus, 0, sizeof(vcpus));
	memset(&vm, 0, sizeof(vm));
	config = (struct vm_config){ .name = "t", .control = true };
	vm.config = &config;
	vm.vcpus = vcpus;
	vm.vcpu_count = 2;
	vm.device_count = 1;
	memset(irqs, 0, sizeof(irqs));
	vm.devices[0].irq = irqs;
	vm.devices[0].irq_count = 2;
	vcpus[0].vm = vcpus[1].vm = &vm;
	vcpus[1].index = 1;
	EXPECT_EQ(svm_vcpu_init(&vcpus[0].svm, &shared_part), OK);
	logged[0] = 0;
	unfit = NULL;
	routed = exited = parked = started = 0;
	moved_to = NULL;
}

static enum exit_result left;

static int64_t call(uint64_t rax, uint64_t rbx, uint64_t rcx, uint64_t rdx, uint64_t rsi)
{
	struct svm_vcpu *s = &vcpus[0].svm;

	s->vmcb->rip = 0x1000;
	s->vmcb->rax = rax;
	s->regs.rbx = rbx;
	s->regs.rcx = rcx;
	s->regs.rdx = rdx;
	s->regs.rsi = rsi;
	left = exit_hypercall(&cpus[0], &vcpus[0]);
	EXPECT_EQ(s->vmcb->rip, 0x1003);
	return (int64_t)s->vmcb->rax;
}

TEST(puts)
{
	fresh();
	memcpy(ram + 0x100, "one\ntwo\n", 8);
	EXPECT_EQ(call(HC_PUTS, 0x100, 8, 0, 0), 0);
	EXPECT(!strcmp(logged, "t: one\nt: two\n"));
	EXPECT(call(HC_PUTS, 0x100, 513, 0, 0) < 0);
	EXPECT(call(HC_PUTS, ~0ull, 8, 0, 0) < 0);
	EXPECT(call(HC_PUTS, 0x3fff, 2, 0, 0) < 0);
}

TEST(route)
{
	fresh();
	EXPECT_EQ(call(HC_ROUTE, 0, 1, 1, 0x31), 0);
	EXPECT_EQ(routed, 1);
	EXPECT(call(HC_ROUTE, 1, 1, 1, 0x31) < 0);
	EXPECT(call(HC_ROUTE, 0, 2, 1, 0x31) < 0);
	EXPECT(call(HC_ROUTE, 0, 1, 2, 0x31) < 0);
	EXPECT(call(HC_ROUTE, 0, 1, 1, 0x131) < 0);
	EXPECT(call(HC_ROUTE, ~0ull, 1, 1, 0x31) < 0);
	EXPECT_EQ(routed, 1);
}

TEST(modes)
{
	fresh();
	EXPECT_EQ(call(HC_SET_DELIVERY, DELIVERY_POSTED, 0, 0, 0), 0);
	EXPECT_EQ(delivery, DELIVERY_POSTED);
	EXPECT_EQ(call(HC_SET_HALT, HALT_GALOG, 0, 0, 0), -ERR_UNFIT);
	EXPECT_EQ(halt, HALT_GALOG);
	config.control = false;
	EXPECT_EQ(call(HC_SET_DELIVERY, DELIVERY_EMULATED, 0, 0, 0), -ERR_DENIED);
	EXPECT_EQ(call(HC_SET_HALT, HALT_GAPPI, 0, 0, 0), -ERR_DENIED);
	EXPECT_EQ(call(HC_MIGRATE, ~0ull, 1, 0, 0), -ERR_DENIED);
	EXPECT_EQ(call(HC_UNPARK, 1, 0, 0, 0), -ERR_DENIED);
	EXPECT_EQ(delivery, DELIVERY_POSTED);
	EXPECT_EQ(call(0x5200ffff, 0, 0, 0, 0), -ERR_INVALID);
	EXPECT_EQ(call(0, 0, 0, 0, 0), -ERR_INVALID);
}

TEST(features)
{
	fresh();
	EXPECT_EQ(call(HC_FEATURES, 0, 0, 0, 0), 15);
	unfit = "no";
	EXPECT_EQ(call(HC_FEATURES, 0, 0, 0, 0), HC_FEATURE_X2APIC);
	config.apic = APIC_XAPIC;
	EXPECT_EQ(call(HC_FEATURES, 0, 0, 0, 0), 0);
}

TEST(leaving)
{
	fresh();
	EXPECT_EQ(call(HC_PARK, 0, 0, 0, 0), 0);
	EXPECT_EQ(left, EXIT_LEAVE);
	EXPECT_EQ(parked, 1);
	EXPECT_EQ(call(HC_GETC, 0, 0, 0, 0), -1);
	EXPECT(guest_console_type(&vm.console, '\xe4'));
	EXPECT_EQ(call(HC_GETC, 0, 0, 0, 0), 0xe4);
	EXPECT_EQ(call(HC_UNPARK, 1, 0, 0, 0), 1);
	EXPECT_EQ(started, 1);
	EXPECT_EQ(call(HC_UNPARK, 0, 0, 0, 0), 0); /* it wasn't */
	EXPECT(call(HC_UNPARK, 2, 0, 0, 0) < 0);
	EXPECT_EQ(call(HC_MIGRATE, ~0ull, 1, 0, 0), 0);
	EXPECT_EQ(left, EXIT_LEAVE);
	EXPECT(moved_to == &cpus[1]);
	moved_to = NULL;
	EXPECT_EQ(call(HC_MIGRATE, 0, 0, 0, 0), 0); /* it is there */
	EXPECT_EQ(left, EXIT_RESUME);
	EXPECT(call(HC_MIGRATE, 1, 1, 0, 0) < 0); /* another one */
	EXPECT(call(HC_MIGRATE, ~0ull, 2, 0, 0) < 0);
	EXPECT(call(HC_MIGRATE, ~0ull, 1ull << 32, 0, 0) < 0);
	EXPECT(!moved_to);
	EXPECT_EQ(call(HC_EXIT, 7, 0, 0, 0), 0);
	EXPECT_EQ(exited, 7);
}

TEST(user_mode)
{
	struct svm_vcpu *s = &vcpus[0].svm;

	fresh();
	s->vmcb->cpl = 3;
	s->vmcb->rip = 0x1000;
	s->vmcb->rax = HC_EXIT;
	EXPECT_EQ(exit_hypercall(&cpus[0], &vcpus[0]), EXIT_RESUME);
	EXPECT_EQ(s->vmcb->event_inj, 0x80000306);
	EXPECT_EQ(s->vmcb->rip, 0x1000);
}

TEST(result)
{
	struct arm_result r = { .arm = 4,
		.state = ARM_DONE,
		.name = "posted-busy",
		.sent = 10000,
		.delivered = 9999,
		.duplicates = 1,
		.lost = 2 };

	fresh();
	memcpy(ram, &r, sizeof(r));
	EXPECT_EQ(call(HC_RESULT, 0, 0, 0, 0), 0);
	EXPECT(!strcmp(logged, "REPORT result arm=4 name=posted-busy state=done sent=10000 "
			       "delivered=9999 duplicates=1 lost=2\n"));
	logged[0] = 0;
	r.state = 77;
	memcpy(r.name, "evil name\nREPORT", 16);
	memcpy(ram, &r, sizeof(r));
	EXPECT_EQ(call(HC_RESULT, 0, 0, 0, 0), 0);
	EXPECT(strstr(logged, "name=evil state=failed"));
	memset(((struct arm_result *)ram)->name, 'a', 32);
	EXPECT_EQ(call(HC_RESULT, 0, 0, 0, 0), 0);
	EXPECT(call(HC_RESULT, 0x3ff0, 0, 0, 0) < 0);
}

TEST(counters)
{
	struct hc_counters c;

	fresh();
	vcpus[0].stats.exits[VMEXIT_KIND_UNKNOWN] = 55;
	vcpus[1].stats.exits[VMEXIT_KIND_INVALID] = 23;
	vcpus[1].stats.exits[VMEXIT_KIND_HLT] = 45;
	vcpus[0].stats.spurious_wakes = 3;
	vm.devices[0].irq[1].host_interrupts = 6;
	iommu.galog.entries = 8;
	iommu.mmio_reads = 9;
	iommu.cmd.commands = 11;
	EXPECT_EQ(call(HC_COUNTERS, 0x200, 0, 0, 0), 0);
	memcpy(&c, ram + 0x200, sizeof(c));
	EXPECT_EQ(c.exits, 123);
	EXPECT_EQ(c.exits_hlt, 45);
	EXPECT_EQ(c.host_interrupts, 42);
	EXPECT_EQ(c.device_interrupts, 6);
	EXPECT_EQ(c.iommu_commands, 11);
	EXPECT(call(HC_COUNTERS, 0x3ff8, 0, 0, 0) < 0);
	EXPECT_EQ(call(HC_MARK | 4ull << 32, 1, 0, 0, 0), 0);
	EXPECT(!strncmp(logged, "REPORT counters arm=4 edge=begin exits=123 exits_hlt=45 ", 56));
	EXPECT(strstr(logged, " spurious_wakes=3 "));
	EXPECT(strstr(logged, " iommu_mmio_reads=9 iommu_mmio_writes=0 iommu_commands=11\n"));
	logged[0] = 0;
	EXPECT_EQ(call(HC_MARK | 4ull << 32, 0, 0, 0, 0), 0);
	EXPECT(strstr(logged, "edge=end"));
}
