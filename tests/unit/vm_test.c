// SPDX-License-Identifier: MIT
/* sources: vmm/notice.c */
/* sources: svm/probe.c */
/* sources: vmm/vm_switch.c vmm/guest/builtin.c vmm/base/lib.c svm/svm.c svm/asid.c */
/* sources: svm/event.c svm/fpu.c svm/guest_state.c svm/npt.c svm/perm.c vmm/exit_msr.c */
/* sources: svm/start.c vmm/guest/vmtrr.c vmm/guest/memory_map.c */
/* sources: avic/avic.c avic/run.c avic/exits.c avic/vapic.c avic/emulated.c */
/* sources: avic/emulated_timer.c avic/inject.c */
/* vm.c is included, so that its table of VMs can be emptied between tests.
 * Creation of VMs on machines that lack one thing or another, and the switch of modes. */
#include "base/log.h"
#include "drivers/clock.h"
#include "exit_parts.h"
#include "guest/builtin.h"
#include "guest_info.h"
#include "page.h"
#include "report.h"
#include "vm.c" /* vmm/vm.c */
#include <hw/mem.h>
#include <hw/sim.h>
#include "intx.h"
#include "test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>

__asm__(".section .rodata\n.globl builtin_image, builtin_image_end\n"
	"builtin_image: .ascii \"guest\"\nbuiltin_image_end:\n.text\n");

void report_end(void)
{
}

void budget_init(struct vcpu *v, uint64_t budget_us, uint64_t period_us)
{
}

static struct cpu cpus[2] = { { .index = 0, .apicid = 0 }, { .index = 1, .apicid = 1 } };
static struct iommu iommus[2];
static uint32_t iommus_there;
static uint32_t edx_svm, edx_ext;
static char logged[2000];
static int pages_left;
static err_t assign_result;
static const char *unused_pin;
static unsigned lines_opened;
static unsigned blocked, routed_posted, routed_emulated, switches, wakes_to, events_sent;
static err_t route_result, switch_result;
uint32_t wake_word;
static jmp_buf stopped_machine;

static struct vm_config config;
static struct vm vm;

bool pvclock_write(struct vcpu *v, uint32_t msr, uint64_t value)
{
	return false;
}

uint64_t pvclock_read(const struct vcpu *v, uint32_t msr)
{
	return 0;
}

err_t guest_place(struct vm *m, const char **why)
{
	return builtin_place(m, why);
}

void svm_run(phys_t guest, struct guest_regs *regs, phys_t host)
{
}

void sim_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	memset(out, 0, 16);
	switch (leaf) {
	case 1:
		out[0] = 0x00a20f10;
		break;
	case 0x80000000:
		out[0] = 0x8000000a;
		break;
	case 0x80000001:
		out[2] = 4;
		out[3] = edx_ext;
		break;
	case 0x8000000a:
		out[1] = 16;
		out[3] = edx_svm;
		break;
	}
}

size_t page_largest_count(void)
{
	return 1000 * MIB / PAGE_BYTES;
}

/* Everything a VM takes stays in sight of the leak checker; VMs are for ever. */
phys_t page_alloc(size_t count, size_t align_pages)
{
	static void *kept[4096];
	static unsigned n;

	if (pages_left == 0)
		return PHYS_NONE;
	pages_left--;
	if (count >= GIB / PAGE_BYTES) /* zero, and nothing of this machine's until it is used */
		return PHYS(ALIGN_UP(
			(uint64_t)mmap(NULL, count * 4096 + 4 * MIB, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
			4096 * align_pages));
	kept[n] = aligned_alloc(4096 * align_pages, 4096 * count);
	memset(kept[n], 0, 4096 * count);
	return PHYS((uint64_t)kept[n++]);
}

void page_free(phys_t base, size_t count)
{
}

void log_line(enum log_level level, const char *fmt, ...)
{
	size_t used = strlen(logged);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(logged + used, sizeof(logged) - used, fmt, ap);
	va_end(ap);
	strncat(logged, "\n", sizeof(logged) - strlen(logged) - 1);
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

void cpu_stop_others(void)
{
}

void sim_sleep(void)
{
	longjmp(stopped_machine, 1);
}

uint32_t iommu_count(void)
{
	return iommus_there;
}

struct iommu *iommu_by_index(uint32_t i)
{
	return &iommus[i];
}

uint64_t clock_ticks_per_us(void)
{
	return 1234;
}

uint64_t clock_us_to_ticks(uint64_t us)
{
	return us;
}

err_t vcpu_init(struct vcpu *v, struct cpu *home)
{
	v->home = home;
	return OK;
}

void vcpu_retarget(struct vcpu *v)
{
	v->target.gatag = v->halt;
}

bool vcpu_start(struct cpu *here, struct vcpu *v)
{
	v->state = VCPU_RUNNABLE;
	return true;
}

static bool answers; /* other CPUs do what they are told */

void vcpu_post_event(struct cpu *here, struct vcpu *v, uint32_t events)
{
	events_sent++;
	v->events |= events;
	if (answers && events == VCPU_EVENT_MODE)
		vm_apply_mode(v);
}

void vcpu_timer_changed(struct cpu *here, struct vcpu *v)
{
}

bool exit_apic_base(struct vcpu *v, uint64_t value)
{
	return false;
}

bool exit_apic_msr(struct cpu *here, struct vcpu *v, uint32_t msr, bool write, uint64_t *value)
{
	return false;
}

void exit_inject_gp(struct vcpu *v)
{
}

err_t assign_device(struct vm *m, const struct config_device *wanted, const char **why)
{
	static struct pci_device pci = { .vendor = 0x1234,
		.device = 0x11e8,
		.bar = { { .base = 0xfea00000, .bytes = 0x100000 },
			{ .base = 0xc000, .bytes = 32, .io = true } } };

	if (assign_result) {
		*why = "the device is not there";
		return assign_result;
	}
	m->devices[m->device_count].pci = &pci;
	m->devices[m->device_count++].irq_count = 3;
	return OK;
}

/* As many AVICs as there were when messages turned to backing pages. */
static unsigned active_then;

err_t assign_set_delivery(struct cpu *here, struct vm *m, enum delivery_mode mode)
{
	active_then = 0;
	for (unsigned i = 0; i < m->vcpu_count; i++)
		active_then += m->vcpus[i].avic.active;
	if (mode == DELIVERY_POSTED) {
		routed_posted++;
		return route_result;
	}
	routed_emulated++;
	return OK;
}

static const char *hpet_why;

void vhpet_create(struct vm *m, const char **why)
{
	*why = hpet_why;
}

err_t vpci_create(struct vm *m, const char **why)
{
	return OK;
}

const char *intx_unused(const struct vm *m)
{
	return unused_pin;
}

void intx_open(struct vm *m)
{
	lines_opened++;
}

void assign_block_all(struct vm *m)
{
	blocked++;
}

err_t wake_switch(struct cpu *cpu, enum wake_mechanism to)
{
	switches++;
	wakes_to = to;
	if (!switch_result)
		wake_word = (wake_word & ~0xffu) + 0x100 + to;
	return switch_result;
}

static void machine(void)
{
	struct svm_features f;

	edx_svm = 1 | 1 << 13 | 1 << 18;
	edx_ext = 1 << 26;
	iommus_there = 1;
	iommus[0].f = (struct iommu_features){ .ga = true, .gam = true, .gappi = true };
	iommus[1].f = iommus[0].f;
	cpus[1].apicid = 1;
	pages_left = -1;
	created = done_count = worst_status = 0;
	assign_result = route_result = switch_result = OK;
	logged[0] = 0;
	blocked = routed_posted = routed_emulated = switches = events_sent = 0;
	wake_word = 0;
	answers = true;
	config = (struct vm_config){ .name = "t",
		.builtin = true,
		.args = "hello",
		.memory_bytes = 4 * MIB,
		.vcpu_count = 3,
		.pcpu = { 0, 1, 0 },
		.priority = { 1, 2, 3 },
		.device_count = 1 };
	svm_probe(&f);
}

static err_t create(void)
{
	const char *why = "";
	struct svm_features f;
	err_t err;

	svm_probe(&f);
	err = vm_create(&vm, &config, 1, &why);
	if (err)
		snprintf(logged, sizeof(logged), "%s", why);
	return err;
}

static uint64_t control(unsigned i)
{
	return vm.vcpus[i].svm.vmcb->int_control;
}

TEST(whole_vm)
{
	struct guest_info info;
	char image[5];
	uint64_t entry;
	phys_t host;

	machine();
	EXPECT_EQ(create(), OK);
	EXPECT_EQ(vm_count(), 1);
	EXPECT(vm_by_index(0) == &vm);
	EXPECT(!vm_by_index(1));
	EXPECT(strstr(logged, "vm t: delivery posted, halt gappi"));
	EXPECT_EQ(vm.delivery, DELIVERY_POSTED);
	EXPECT_EQ(vm.vcpus[2].priority, 3);
	EXPECT(vm.vcpus[1].home == &cpus[1]);
	for (unsigned i = 0; i < 3; i++) {
		struct vmcb *b = vm.vcpus[i].svm.vmcb;

		EXPECT_EQ(control(i), 0xc1000000);
		EXPECT_EQ(b->msrpm, vm.svm.msrpm_x2avic.v);
		EXPECT_EQ(b->ncr3, vm.npt.root.v);
		EXPECT_EQ(b->avic_physical & 0xfff, 2);
		EXPECT_EQ(b->rip, 0x200000);
		EXPECT_EQ(b->cr3, 0x10000);
		EXPECT_EQ(vm.vcpus[i].svm.regs.rdi, i);
	}
	EXPECT(vm_read(&vm, GPA(0x200000), image, 5) && !memcmp(image, "guest", 5));
	EXPECT(vm_read(&vm, GPA(0x10000), &entry, 8));
	EXPECT_EQ(entry, 0x11003);
	EXPECT(vm_read(&vm, GPA(0x11008), &entry, 8));
	EXPECT_EQ(entry, 0x40000083);
	EXPECT(vm_read(&vm, GPA(0x8000), &info, sizeof(info)));
	EXPECT_EQ(info.magic, GUEST_INFO_MAGIC);
	EXPECT_EQ(info.vcpu_count, 3);
	EXPECT_EQ(info.x2apic, 1);
	EXPECT_EQ(info.tsc_per_us, 1234);
	EXPECT(!strcmp(info.args, "hello"));
	EXPECT_EQ(info.vcpu_pcpu[1], 1);
	EXPECT_EQ(info.device[0].messages, 3);
	EXPECT_EQ(info.device[0].bar[0].gpa, 0xfea00000);
	EXPECT_EQ(info.device[0].bar[1].bytes, 0);
	EXPECT(npt_translate(&vm.npt, GPA(0x3fffff), true, &host));
	EXPECT_EQ(host.v, vm.memory.v + 0x3fffff);
	EXPECT(!npt_translate(&vm.npt, GPA(0x400000), false, &host));
	EXPECT(!npt_translate(&vm.npt, GPA(0xfee00000), false, &host));
	vm_start(&cpus[0], &vm);
	EXPECT_EQ(lines_opened, 1);
	EXPECT_EQ(vm.vcpus[2].state, VCPU_RUNNABLE);
	EXPECT(!vm_read(&vm, GPA(0x3fffff), &entry, 8));
	EXPECT(!vm_write(&vm, GPA(~0ull), &entry, 8));
	EXPECT(!vm_write(&vm, GPA(0x400001), &entry, 0));
}

static bool mapped(uint64_t gpa, uint64_t offset)
{
	phys_t host;

	return npt_translate(&vm.npt, GPA(gpa), true, &host) && host.v == vm.memory.v + offset;
}

/* 2 GiB, a hole, and the rest from 4 GiB on. */
TEST(much_memory)
{
	uint64_t value = 0x1122334455667788, got = 0;
	struct guest_info info;
	phys_t host;

	machine();
	config.pci = PCI_VIRTUAL;
	config.memory_bytes = 5 * GIB;
	EXPECT_EQ(create(), OK);
	EXPECT(mapped(0, 0) && mapped(0x7fffffff, 0x7fffffff));
	EXPECT(mapped(0x100000000, 0x80000000) && mapped(0x1bfffffff, 0x13fffffff));
	EXPECT(!npt_translate(&vm.npt, GPA(0x80000000), false, &host));
	EXPECT(!npt_translate(&vm.npt, GPA(0xffffffff), false, &host));
	EXPECT(!npt_translate(&vm.npt, GPA(0x1c0000000), false, &host));
	EXPECT(vm_read(&vm, GPA(0x8000), &info, sizeof(info)));
	EXPECT_EQ(info.memory_bytes, 2 * GIB);
	EXPECT_EQ(info.high_bytes, 3 * GIB);
	EXPECT(vm_write(&vm, GPA(0x1bffffff8), &value, 8));
	EXPECT_EQ(*(uint64_t *)(vm.memory.v + 0x13ffffff8), value);
	EXPECT(vm_read(&vm, GPA(0x1bffffff8), &got, 8) && got == value);
	EXPECT(vm_write(&vm, GPA(0x100000000), &value, 8));
	EXPECT_EQ(*(uint64_t *)(vm.memory.v + 0x80000000), value);
	EXPECT(vm_write(&vm, GPA(0x7ffffff8), &value, 8));
	/* Into the hole, inside, out of it, beyond the end. */
	EXPECT(!vm_write(&vm, GPA(0x7ffffffc), &value, 8));
	EXPECT(!vm_write(&vm, GPA(0xc0000000), &value, 8));
	EXPECT(!vm_read(&vm, GPA(0xfffffffc), &got, 8));
	EXPECT(!vm_read(&vm, GPA(0x1bffffffc), &got, 8));
	EXPECT_EQ(*(uint64_t *)(vm.memory.v + 0x80000000), value);
	EXPECT_EQ(vm_phys(&vm, GPA(0x100000010), 16).v, vm.memory.v + 0x80000010);
	EXPECT_EQ(vm_phys(&vm, GPA(0x7ffffff8), 9).v, PHYS_NONE.v);

	/* As much as the parser takes: one page table for each GiB, nothing else of this machine.
	 */
	machine();
	config.pci = PCI_VIRTUAL;
	config.memory_bytes = 256 * GIB;
	EXPECT_EQ(create(), OK);
	EXPECT(mapped(0x407fffffff, 0x3fffffffff));
	EXPECT(!npt_translate(&vm.npt, GPA(0x4080000000), false, &host));
}

TEST(fallbacks)
{
	machine();
	edx_svm = 1;
	EXPECT_EQ(create(), OK);
	EXPECT(strstr(logged, "vm t: delivery emulated: no AVIC on this CPU"));
	EXPECT_EQ(control(0), 0x01000000);
	EXPECT_EQ(vm.vcpus[0].svm.vmcb->msrpm, vm.svm.msrpm.v);
	EXPECT_EQ(vm_wake_mechanism(&vm), WAKE_NONE);

	machine();
	edx_svm = 1 | 1 << 13;
	config.delivery = DELIVERY_POSTED;
	EXPECT_EQ(create(), OK);
	EXPECT(strstr(logged, "delivery posted falls back to emulated: no x2AVIC"));
	machine();
	edx_svm = 1 | 1 << 13;
	config.apic = APIC_XAPIC;
	EXPECT_EQ(create(), OK);
	EXPECT_EQ(vm.delivery, DELIVERY_POSTED);
	EXPECT_EQ(control(0), 0x81000000);
	EXPECT_EQ(vm.vcpus[0].svm.vmcb->apic_bar, 0xfee00000);
	EXPECT_EQ(vm.vcpus[0].svm.vmcb->msrpm, vm.svm.msrpm.v);

	machine();
	iommus[0].f.gam = false;
	EXPECT_EQ(create(), OK);
	EXPECT(strstr(logged, "delivery emulated: no guest mode in the IOMMU"));
	config.device_count = 0;
	EXPECT_EQ(create(), OK);
	EXPECT_EQ(vm.delivery, DELIVERY_POSTED); /* IPIs alone */
	EXPECT_EQ(vm_wake_mechanism(&vm), WAKE_NONE);

	machine();
	iommus_there = 2;
	iommus[1].f.gappi = false;
	EXPECT_EQ(create(), OK);
	EXPECT(strstr(logged, "delivery posted, halt galog"));
	EXPECT_EQ(vm_wake_mechanism(&vm), WAKE_GALOG);
	logged[0] = 0;
	config.halt = HALT_GAPPI_SHARED;
	EXPECT_EQ(create(), OK);
	EXPECT(strstr(logged, "halt gappi-shared falls back to galog: no GAPPI"));

	machine();
	config.delivery = DELIVERY_EMULATED;
	EXPECT_EQ(create(), OK);
	EXPECT(strstr(logged, "delivery emulated, as configured"));

	machine();
	hpet_why = "there is none";
	EXPECT_EQ(create(), OK);
	EXPECT(strstr(logged, "vm t: timer hpet falls back to apic: there is none"));
	hpet_why = NULL;

	machine();
	cpus[1].apicid = 5000;
	EXPECT_EQ(create(), OK);
	EXPECT(strstr(logged, "APIC ID doesn't fit"));

	machine();
	config.halt = HALT_NATIVE;
	EXPECT_EQ(create(), OK);
	EXPECT_EQ(vm.vcpus[0].svm.vmcb->intercept3 & 1 << 24, 0);
	EXPECT_EQ(vm_wake_mechanism(&vm), WAKE_NONE);
}

TEST(refused)
{
	machine();
	config.pcpu[1] = 7;
	EXPECT_EQ(create(), ERR_INVALID);
	EXPECT(strstr(logged, "pCPU"));
	machine();
	assign_result = ERR_NOT_FOUND;
	EXPECT_EQ(create(), ERR_NOT_FOUND);
	EXPECT(strstr(logged, "device is not there"));
	EXPECT_EQ(blocked, 1);
	machine();
	edx_ext = 0;
	EXPECT_EQ(create(), ERR_UNFIT);
	EXPECT(strstr(logged, "1 GiB pages"));
	machine();
	config.memory_bytes = 2 * MIB; /* the image lies above */
	EXPECT_EQ(create(), ERR_INVALID);
	EXPECT(strstr(logged, "too small"));
	EXPECT_EQ(vm_count(), 0);
}

/* Wherever memory runs out, creation fails and says so. */
TEST(no_memory)
{
	for (int n = 0;; n++) {
		machine();
		config.apic = n & 1 ? APIC_XAPIC : APIC_X2APIC;
		pages_left = n;
		if (create() == OK) {
			EXPECT(n > 10);
			break;
		}
		EXPECT(strstr(logged, "not enough memory"));
		EXPECT(n || strstr(logged, "wants 4M in one piece, and the largest that is free "
					   "has 1000M"));
	}
}

static bool all_active(bool want)
{
	bool all = true;

	for (unsigned i = 0; i < vm.vcpu_count; i++)
		all &= vm.vcpus[i].avic.active == want;
	return all;
}

TEST(switch_delivery)
{
	machine();
	EXPECT_EQ(create(), OK);
	for (unsigned i = 0; i < 3; i++)
		vm.vcpus[i].state = i < 2 ? VCPU_RUNNING : VCPU_BLOCKED;
	EXPECT_EQ(vm_set_delivery(&cpus[0], &vm, &vm.vcpus[0], DELIVERY_POSTED), OK);
	EXPECT_EQ(routed_posted, 0); /* as it was */
	avic_load(&vm.vcpus[0].avic, vm.vcpus[0].target);
	EXPECT_EQ(vm_set_delivery(&cpus[0], &vm, &vm.vcpus[0], DELIVERY_EMULATED), OK);
	EXPECT_EQ(routed_emulated, 1);
	EXPECT_EQ(active_then, 3); /* messages first */
	EXPECT(!vm.vcpus[0].avic.active && !vm.vcpus[1].avic.active);
	EXPECT(!vm.vcpus[0].avic.running);
	EXPECT(vm.vcpus[2].avic.active); /* blocked: when it is loaded */
	EXPECT_EQ(vm.vcpus[0].svm.vmcb->msrpm, vm.svm.msrpm.v);
	EXPECT_EQ(vm.vcpus[0].delivery, DELIVERY_EMULATED);
	EXPECT_EQ(events_sent, 1);
	vm_apply_mode(&vm.vcpus[2]);
	EXPECT(all_active(false));
	EXPECT_EQ(vm_set_delivery(&cpus[0], &vm, &vm.vcpus[0], DELIVERY_EMULATED), OK);
	EXPECT_EQ(routed_emulated, 1);

	EXPECT_EQ(vm_set_delivery(&cpus[0], &vm, NULL, DELIVERY_POSTED), OK);
	EXPECT_EQ(routed_posted, 1);
	EXPECT_EQ(active_then, 2); /* those that run have it before the messages turn */
	EXPECT(vm.vcpus[0].avic.running);
	EXPECT_EQ(vm.vcpus[0].svm.vmcb->msrpm, vm.svm.msrpm_x2avic.v);
	EXPECT_EQ(wakes_to, WAKE_GAPPI);
	EXPECT_EQ(vm.switching, 0);
}

TEST(switch_refused)
{
	machine();
	EXPECT_EQ(create(), OK);
	EXPECT_EQ(vm_set_delivery(&cpus[0], &vm, NULL, DELIVERY_AUTO), ERR_INVALID);
	EXPECT_EQ(vm_set_delivery(&cpus[0], &vm, NULL, (enum delivery_mode)9), ERR_INVALID);
	EXPECT_EQ(vm_set_halt(&cpus[0], &vm, NULL, HALT_AUTO), ERR_INVALID);
	EXPECT_EQ(vm_set_halt(&cpus[0], &vm, NULL, (enum halt_mode)9), ERR_INVALID);
	vm.switching = 1;
	EXPECT_EQ(vm_set_delivery(&cpus[0], &vm, NULL, DELIVERY_EMULATED), ERR_BUSY);
	EXPECT_EQ(vm_set_halt(&cpus[0], &vm, NULL, HALT_GALOG), ERR_BUSY);
	vm.switching = 0;
	iommus[0].f.gappi = false;
	EXPECT_EQ(vm_set_halt(&cpus[0], &vm, NULL, HALT_GAPPI), ERR_UNFIT);
	edx_svm = 1;
	EXPECT_EQ(create(), OK);
	EXPECT_EQ(vm_set_delivery(&cpus[0], &vm, NULL, DELIVERY_POSTED), ERR_UNFIT);
}

TEST(a_cpu_that_does_not_answer)
{
	machine();
	config.delivery = DELIVERY_EMULATED;
	EXPECT_EQ(create(), OK);
	vm.vcpus[1].state = VCPU_RUNNING;
	answers = false;
	EXPECT_EQ(vm_set_delivery(&cpus[0], &vm, NULL, DELIVERY_POSTED), ERR_TIMEOUT);
	EXPECT_EQ(routed_posted, 0);
	EXPECT_EQ(vm.delivery, DELIVERY_EMULATED); /* back again */
	EXPECT_EQ(vm.switching, 0);
	answers = true;
	route_result = ERR_TIMEOUT;
	EXPECT_EQ(vm_set_delivery(&cpus[0], &vm, NULL, DELIVERY_POSTED), ERR_TIMEOUT);
	EXPECT_EQ(vm.delivery, DELIVERY_EMULATED);
	EXPECT(!vm.vcpus[1].avic.active);
	EXPECT_EQ(routed_emulated, 2);
	wake_word = 0;
	switch_result = ERR_BUSY;
	EXPECT_EQ(vm_set_delivery(&cpus[0], &vm, NULL, DELIVERY_POSTED), ERR_BUSY);
	EXPECT_EQ(vm_set_halt(&cpus[0], &vm, NULL, HALT_GALOG), OK); /* nothing is posted */
}

TEST(switch_halt)
{
	machine();
	EXPECT_EQ(create(), OK);
	vm.vcpus[0].state = VCPU_RUNNING;
	EXPECT_EQ(vm_set_halt(&cpus[0], &vm, &vm.vcpus[0], HALT_GALOG), OK);
	EXPECT_EQ(wakes_to, WAKE_GALOG);
	EXPECT_EQ(vm.vcpus[0].halt, HALT_GALOG);
	EXPECT_EQ(vm.vcpus[0].target.gatag, HALT_GALOG);
	EXPECT_EQ(vm.vcpus[1].halt, HALT_GAPPI); /* when it is loaded */
	EXPECT_EQ(switches, 1);
	EXPECT_EQ(vm_set_halt(&cpus[0], &vm, &vm.vcpus[0], HALT_NATIVE), OK);
	EXPECT_EQ(switches, 1); /* the mechanism stays on for others */
	EXPECT_EQ(vm.vcpus[0].svm.vmcb->intercept3 & 1 << 24, 0);
	EXPECT_EQ(vm_set_halt(&cpus[0], &vm, &vm.vcpus[0], HALT_GAPPI), OK);
	EXPECT_EQ(wakes_to, WAKE_GAPPI);
	EXPECT_EQ(vm.vcpus[0].svm.vmcb->intercept3 & 1 << 24, 1 << 24);
	switch_result = ERR_TIMEOUT;
	EXPECT_EQ(vm_set_halt(&cpus[0], &vm, &vm.vcpus[0], HALT_GALOG), ERR_TIMEOUT);
	EXPECT_EQ(vm.halt, HALT_GAPPI);
}

/* xAPIC: hardware gets the APIC page only while all vCPUs have AVIC on. */
TEST(apic_page)
{
	phys_t host;

	machine();
	config.apic = APIC_XAPIC;
	EXPECT_EQ(create(), OK);
	EXPECT(!npt_translate(&vm.npt, GPA(0xfee00000), true, &host));
	EXPECT(vm_map_apic_page(&vm));
	EXPECT(npt_translate(&vm.npt, GPA(0xfee00000), true, &host));
	EXPECT_EQ(host.v, vm.apic_page.v);
	EXPECT(vm_map_apic_page(&vm));
	EXPECT_EQ(vm_set_delivery(&cpus[0], &vm, NULL, DELIVERY_EMULATED), OK);
	EXPECT(!npt_translate(&vm.npt, GPA(0xfee00000), true, &host));
	EXPECT(!vm_map_apic_page(&vm));
	for (unsigned i = 0; i < 3; i++)
		vm_apply_mode(&vm.vcpus[i]);
	EXPECT_EQ(vm_set_delivery(&cpus[0], &vm, NULL, DELIVERY_POSTED), OK);
	vm_apply_mode(&vm.vcpus[0]);
	vm_apply_mode(&vm.vcpus[1]);
	EXPECT(!vm_map_apic_page(&vm));
	vm_apply_mode(&vm.vcpus[2]);
	EXPECT(vm_map_apic_page(&vm));
}

/* A vCPU goes its way through the modes: VMCB, MSR map, table and page follow, and what is pending
 * stays. */
TEST(apic_modes)
{
	phys_t host;

	machine();
	config.apic = APIC_AUTO;
	EXPECT_EQ(create(), OK);
	EXPECT(vm_has_x2apic(&vm));
	struct vcpu *v = &vm.vcpus[1];
	struct vmcb *b = v->svm.vmcb;

	EXPECT(vm_map_apic_page(&vm));
	EXPECT_EQ(control(1), 0x81000000);
	vapic_set_irr(v->avic.page, 0x51);
	vapic_write(v->avic.page, VAPIC_TPR, 0x30);
	vapic_write(v->avic.page, VAPIC_LDR, 0x02000000);
	b->clean = ~0u;
	vm_set_apic_mode(v, VAPIC_X2APIC);
	EXPECT_EQ(control(1), 0xc1000003); /* AVIC, x2AVIC, V_TPR */
	EXPECT_EQ(b->clean & (1 << 1 | 1 << 3 | 1 << 11), 0);
	EXPECT_EQ(b->apic_bar, 0);
	EXPECT_EQ(b->avic_logical, 0);
	EXPECT_EQ(b->msrpm, vm.svm.msrpm_x2avic.v);
	EXPECT_EQ(vapic_read(v->avic.page, VAPIC_ID), 1);
	EXPECT_EQ(vapic_read(v->avic.page, VAPIC_LDR), 2);
	EXPECT(vapic_irr_any(v->avic.page));
	EXPECT_EQ(v->svm.asid_generation, 0);
	/* The others are where they were, with the page. */
	EXPECT_EQ(control(0), 0x81000000);
	EXPECT(npt_translate(&vm.npt, GPA(0xfee00000), true, &host));
	vm_set_apic_mode(v, VAPIC_OFF);
	EXPECT_EQ(control(1) & 0xc0000000, 0);
	EXPECT_EQ(b->msrpm, vm.svm.msrpm.v);
	EXPECT(b->intercept3 & 1 << 24);
	EXPECT(!vapic_ready(v->avic.page));
	vm_apply_mode(v);
	EXPECT(!v->avic.active);
	vm_set_apic_mode(v, VAPIC_XAPIC);
	EXPECT_EQ(control(1), 0x81000000);
	EXPECT_EQ(b->apic_bar, 0xfee00000);
	EXPECT_EQ(vapic_read(v->avic.page, VAPIC_ID), 1 << 24);
	EXPECT(vapic_ready(v->avic.page));
	/* The page goes with the last in xAPIC mode. */
	for (unsigned i = 0; i < 3; i++)
		vm_set_apic_mode(&vm.vcpus[i], VAPIC_X2APIC);
	EXPECT(!npt_translate(&vm.npt, GPA(0xfee00000), true, &host));
	EXPECT(vm_map_apic_page(&vm));
}

/* The switch must not cost AVIC. */
TEST(x2apic_offered)
{
	machine();
	edx_svm = 1 | 1 << 13;
	config.apic = APIC_AUTO;
	EXPECT_EQ(create(), OK);
	EXPECT_EQ(vm.delivery, DELIVERY_POSTED);
	EXPECT(!vm_has_x2apic(&vm));
	machine();
	edx_svm = 1;
	config.apic = APIC_AUTO;
	EXPECT_EQ(create(), OK);
	EXPECT(vm_has_x2apic(&vm));
	machine();
	config.apic = APIC_XAPIC;
	EXPECT_EQ(create(), OK);
	EXPECT(!vm_has_x2apic(&vm));
}

TEST(the_end)
{
	static struct vm two[2];
	const char *why;

	machine();
	EXPECT_EQ(vm_create(&two[0], &config, 1, &why), OK);
	EXPECT_EQ(vm_create(&two[1], &config, 2, &why), OK);
	logged[0] = 0;
	vm_stop(&cpus[0], &two[0], "it did something");
	EXPECT(strstr(logged, "vm t: stopped: it did something"));
	EXPECT_EQ(blocked, 1);
	EXPECT_EQ(events_sent, 3);
	EXPECT_EQ(two[0].vcpus[1].events, VCPU_EVENT_STOP);
	/* Once is enough. */
	vm_stop(&cpus[0], &two[0], "again");
	vm_exit(&cpus[0], &two[0], 5);
	EXPECT_EQ(blocked, 1);
	EXPECT(!strstr(logged, "all guests done"));
	if (!setjmp(stopped_machine)) {
		vm_exit(&cpus[0], &two[1], 0);
		EXPECT(false);
	}
	EXPECT(strstr(logged, "vm t: done, status 0"));
	EXPECT(strstr(logged, "Reveille: all guests done, status 1\n"));
}
