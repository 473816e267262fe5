// SPDX-License-Identifier: MIT
/* The guest's hypercalls (vmm/hypercall.h), which come as OUT to GUEST_HYPERCALL_PORT: a VMMCALL
 * would end in KVM's own handler. */
#define _GNU_SOURCE
#include <linux/kvm.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "config.h"
#include "peer.h"

#define PUTS_BYTES 512

static const void *guest_bytes(uint64_t gpa, uint64_t bytes)
{
	if (gpa > peer.memory_bytes || bytes > peer.memory_bytes - gpa)
		return NULL;
	return peer.memory + gpa;
}

static int64_t puts_text(const struct kvm_regs *r)
{
	const char *text = guest_bytes(r->rbx, r->rcx);

	if (!text || r->rcx > PUTS_BYTES)
		return -1;
	text_add("[guest] %.*s", (int)r->rcx, text);
	return 0;
}

static int64_t result(const struct kvm_regs *r)
{
	static const char *const states[] = { "done", "skipped", "failed" };
	struct arm_result a;
	const void *from = guest_bytes(r->rbx, sizeof(a));

	if (!from)
		return -1;
	memcpy(&a, from, sizeof(a));
	if (a.state > ARM_FAILED)
		return -1;
	text_add("REPORT result arm=%u name=%.*s state=%s sent=%llu delivered=%llu"
		 " duplicates=%llu lost=%llu\n",
		a.arm, (int)sizeof(a.name), a.name, states[a.state], (unsigned long long)a.sent,
		(unsigned long long)a.delivered, (unsigned long long)a.duplicates,
		(unsigned long long)a.lost);
	text_flush();
	return 0;
}

/* One of its modes for the whole run of the launcher: asking for another is refused. */
static int64_t set_delivery(uint64_t mode)
{
	return mode == (peer.avic ? DELIVERY_POSTED : DELIVERY_EMULATED) ? 0 : -1;
}

static int64_t set_halt(uint64_t mode)
{
	return mode == (peer.native ? HALT_NATIVE : HALT_GALOG) ? 0 : -1;
}

static int64_t features(void)
{
	return (peer.avic ? HC_FEATURE_POSTED | HC_FEATURE_GALOG : 0) |
	       (peer.x2apic ? HC_FEATURE_X2APIC : 0);
}

static int64_t park(struct peer_vcpu *v)
{
	pthread_mutex_lock(&peer.lock);
	v->parked = true;
	while (v->parked)
		pthread_cond_wait(&v->unparked, &peer.lock);
	pthread_mutex_unlock(&peer.lock);
	return 0;
}

static int64_t unpark(uint64_t index)
{
	int64_t was;

	if (index >= peer.vcpu_count)
		return -1;
	pthread_mutex_lock(&peer.lock);
	was = peer.vcpu[index].parked;
	peer.vcpu[index].parked = false;
	pthread_cond_signal(&peer.vcpu[index].unparked);
	pthread_mutex_unlock(&peer.lock);
	return was;
}

static int64_t migrate(const struct peer_vcpu *v, const struct kvm_regs *r)
{
	cpu_set_t cpus;

	if (r->rbx != ~0ull && r->rbx != v->index)
		return -1;
	CPU_ZERO(&cpus);
	CPU_SET(r->rcx, &cpus);
	return sched_setaffinity(0, sizeof(cpus), &cpus);
}

static int64_t call(struct peer_vcpu *v, const struct kvm_regs *r)
{
	switch ((uint32_t)r->rax) {
	case HC_PUTS:
		return puts_text(r);
	case HC_MARK:
		stats_report((uint32_t)(r->rax >> 32), r->rbx != 0);
		return 0;
	case HC_ROUTE:
		return device_route(r->rbx, r->rcx, r->rdx, r->rsi) ? 0 : -1;
	case HC_ROUTE_PIN:
		return device_route_pin(r->rbx, r->rcx) ? 0 : -1;
	case HC_SET_DELIVERY:
		return set_delivery(r->rbx);
	case HC_SET_HALT:
		return set_halt(r->rbx);
	case HC_RESULT:
		return result(r);
	case HC_FEATURES:
		return features();
	case HC_PARK:
		return park(v);
	case HC_UNPARK:
		return unpark(r->rbx);
	case HC_MIGRATE:
		return migrate(v, r);
	case HC_EXIT:
		text_add("peer: guest done, status %llu\n", (unsigned long long)r->rbx);
		text_flush();
		exit((int)r->rbx);
	default:
		return -1;
	}
}

void call_handle(struct peer_vcpu *v)
{
	struct kvm_regs r;

	must(ioctl(v->fd, KVM_GET_REGS, &r), "KVM_GET_REGS");
	r.rax = (uint64_t)call(v, &r);
	must(ioctl(v->fd, KVM_SET_REGS, &r), "KVM_SET_REGS");
}
