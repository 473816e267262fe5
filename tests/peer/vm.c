// SPDX-License-Identifier: MIT
/* The VM, its memory, its vCPUs: one thread each, on the pCPU that it was given. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "peer.h"

#define APIC_BASE     0xfee00000ull
#define APIC_BASE_BSP (1u << 8)
#define APIC_BASE_X2  (1u << 10)
#define APIC_BASE_ON  (1u << 11)
#define CR0_START     0x80010033ull /* PG WP NE ET MP PE */
#define CR4_START     0x220ull      /* OSFXSR PAE */
#define EFER_START    0xd01ull      /* NXE LMA LME SCE */
#define RFLAGS_START  2
#define CPUID_ENTRIES 128
#define STACK_BYTES   65536 /* all of it is locked in memory */
#define FIFO_BASE     10

void vm_create(void)
{
	struct kvm_enable_cap hlt = { .cap = KVM_CAP_X86_DISABLE_EXITS,
		.args = { KVM_X86_DISABLE_EXITS_HLT } };

	peer.kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
	peer.vm = must(ioctl(peer.kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	if (peer.native)
		must(ioctl(peer.vm, KVM_ENABLE_CAP, &hlt), "no HLT exits");
	must(ioctl(peer.vm, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
	peer.memory = mmap(NULL, peer.memory_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (peer.memory == MAP_FAILED)
		die("no memory for the guest");
	vm_add_memory(0, peer.memory_bytes, peer.memory);
}

void vm_add_memory(uint64_t gpa, uint64_t bytes, void *host)
{
	struct kvm_userspace_memory_region r = { .slot = peer.slots++,
		.guest_phys_addr = gpa,
		.memory_size = bytes,
		.userspace_addr = (uintptr_t)host };

	must(ioctl(peer.vm, KVM_SET_USER_MEMORY_REGION, &r), "KVM_SET_USER_MEMORY_REGION");
}

static void set_cpuid(const struct peer_vcpu *v)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entry[CPUID_ENTRIES];
	} cpuid;

	cpuid.head.nent = CPUID_ENTRIES;
	must(ioctl(peer.kvm, KVM_GET_SUPPORTED_CPUID, &cpuid), "KVM_GET_SUPPORTED_CPUID");
	for (uint32_t i = 0; i < cpuid.head.nent; i++) {
		if (cpuid.entry[i].function == 1)
			cpuid.entry[i].ebx = (cpuid.entry[i].ebx & 0xffffff) | v->index << 24;
	}
	must(ioctl(v->fd, KVM_SET_CPUID2, &cpuid), "KVM_SET_CPUID2");
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool code)
{
	return (struct kvm_segment){ .limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.db = !code,
		.s = 1,
		.l = code,
		.g = 1 };
}

/* As vmm/guest_info.h says. */
static void set_state(const struct peer_vcpu *v)
{
	struct kvm_regs regs = { .rip = GUEST_LOAD_GPA, .rdi = v->index, .rflags = RFLAGS_START };
	struct kvm_mp_state runs = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct kvm_sregs s;

	must(ioctl(v->fd, KVM_GET_SREGS, &s), "KVM_GET_SREGS");
	s.cs = segment(8, 0xb, true);
	s.ds = s.es = s.fs = s.gs = s.ss = segment(16, 3, false);
	s.tr = (struct kvm_segment){ .limit = 0xffff, .type = 0xb, .present = 1 };
	s.ldt = (struct kvm_segment){ .type = 2, .present = 1 };
	s.cr0 = CR0_START;
	s.cr3 = GUEST_TABLES_GPA;
	s.cr4 = CR4_START;
	s.efer = EFER_START;
	s.apic_base = APIC_BASE | APIC_BASE_ON | (peer.x2apic ? APIC_BASE_X2 : 0) |
		      (v->index ? 0 : APIC_BASE_BSP);
	must(ioctl(v->fd, KVM_SET_SREGS, &s), "KVM_SET_SREGS");
	must(ioctl(v->fd, KVM_SET_REGS, &regs), "KVM_SET_REGS");
	must(ioctl(v->fd, KVM_SET_MP_STATE, &runs), "KVM_SET_MP_STATE");
}

void vcpu_create(struct peer_vcpu *v)
{
	size_t bytes =
		(size_t)must(ioctl(peer.kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "KVM_GET_VCPU_MMAP_SIZE");

	v->fd = must(ioctl(peer.vm, KVM_CREATE_VCPU, v->index), "KVM_CREATE_VCPU");
	v->run = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (v->run == MAP_FAILED)
		die("vCPU %u: no run structure", v->index);
	pthread_cond_init(&v->unparked, NULL);
	set_cpuid(v);
	set_state(v);
	stats_open(v);
}

static void vcpu_exit(struct peer_vcpu *v)
{
	struct kvm_run *r = v->run;

	switch (r->exit_reason) {
	case KVM_EXIT_IO:
		if (r->io.direction != KVM_EXIT_IO_OUT || r->io.port != GUEST_HYPERCALL_PORT)
			die("vCPU %u: port %x", v->index, r->io.port);
		call_handle(v);
		break;
	case KVM_EXIT_INTR:
		break;
	case KVM_EXIT_MMIO:
		die("vCPU %u: MMIO at %llx", v->index, (unsigned long long)r->mmio.phys_addr);
	default:
		die("vCPU %u: exit %u, %llx", v->index, r->exit_reason,
			(unsigned long long)r->hw.hardware_exit_reason);
	}
}

static void *vcpu_loop(void *argument)
{
	struct peer_vcpu *v = argument;

	pthread_barrier_wait(&peer.start);
	for (;;) {
		if (ioctl(v->fd, KVM_RUN, 0) < 0 && errno != EINTR)
			die("vCPU %u: KVM_RUN: %s", v->index, strerror(errno));
		vcpu_exit(v);
	}
}

/* Priority 0 is an ordinary thread; above that SCHED_FIFO, as the scheduler at home does. */
void vcpu_start(struct peer_vcpu *v)
{
	struct sched_param fifo = { .sched_priority = FIFO_BASE + (int)v->priority };
	pthread_attr_t attributes;
	cpu_set_t cpus;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	CPU_ZERO(&cpus);
	CPU_SET(v->pcpu, &cpus);
	pthread_attr_setaffinity_np(&attributes, sizeof(cpus), &cpus);
	if (v->priority) {
		pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
		pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
		pthread_attr_setschedparam(&attributes, &fifo);
	}
	if (pthread_create(&v->thread, &attributes, vcpu_loop, v))
		die("vCPU %u: no thread", v->index);
	pthread_attr_destroy(&attributes);
}
