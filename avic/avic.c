/* SPDX-License-Identifier: MIT */
/* A VM's tables, a vCPU's page, and AVIC on and off in the VMCB. */
#include "avic.h"
#include "base/lib.h"
#include "page.h"
#include "regs.h"
#include <hw/mem.h>
#include <hw/shared.h>

err_t avic_vm_init(struct avic_vm *vm, enum vapic_mode mode, uint32_t max_index, bool erratum_1235)
{
	if (max_index >= PHYSICAL_ENTRIES ||
		(mode == VAPIC_XAPIC && max_index > PHYSICAL_LAST_XAVIC))
		return ERR_INVALID;

	phys_t tables = page_alloc(2, 1);

	if (tables.v == PHYS_NONE.v)
		return ERR_NOMEM;
	*vm = (struct avic_vm){
		.physical = phys_to_virt(tables),
		.logical = phys_to_virt(PHYS(tables.v + PAGE_BYTES)),
		.max_index = max_index,
		.running_bit = erratum_1235 ? 0 : PHYSICAL_RUNNING,
		.logical_lock = SPINLOCK_INIT,
	};
	for (uint32_t id = 0; id <= max_index; id++)
		vm->mode[id] = mode;
	return OK;
}

err_t avic_vcpu_init(
	struct avic_vcpu *a, struct avic_vm *vm, struct svm_vcpu *svm, uint32_t guest_apic_id)
{
	if (guest_apic_id > vm->max_index)
		return ERR_INVALID;

	phys_t page = page_alloc(1, 1);

	if (page.v == PHYS_NONE.v)
		return ERR_NOMEM;
	*a = (struct avic_vcpu){
		.page = phys_to_virt(page),
		.page_phys = page,
		.entry = &vm->physical[guest_apic_id],
		.entry_base = PHYSICAL_VALID | (page.v & PHYSICAL_PAGE),
		.vm = vm,
		.svm = svm,
		.posts_lock = SPINLOCK_INIT,
		.put = PUT_PREEMPTED,
	};
	list_init(&a->posts);
	vapic_reset(a->page, guest_apic_id, avic_mode(a));
	shared_store64(a->entry, a->entry_base);
	return OK;
}

void avic_vcpu_reset(struct avic_vcpu *a)
{
	vapic_reset(a->page, avic_id(a), avic_mode(a));
	memset(&a->stash, 0, sizeof(a->stash));
	avic_sync_priority(a);
}

/* Hardware takes the priority from V_TPR and not from the page, and whether VMRUN computes PPR anew
 * is not documented (24593 rev 3.44, "TPR Access"): after software had its hands on the page, both
 * copies are made right. */
void avic_sync_priority(struct avic_vcpu *a)
{
	vapic_update_ppr(a->page);
	vmcb_set_tpr_class(a->svm->vmcb, (uint8_t)(vapic_read(a->page, VAPIC_TPR) >> 4 & 0xf));
}

void avic_enable(struct avic_vcpu *a)
{
	struct vmcb *b = a->svm->vmcb;
	bool x2 = avic_mode(a) == VAPIC_X2APIC;

	if (a->active)
		return;
	/* V_IRQ is ignored under AVIC; a window left open would come back when AVIC goes off. */
	svm_cancel_window(a->svm);
	avic_sync_priority(a);
	vmcb_set_avic_tables(b, GPA(x2 ? 0 : GUEST_APIC_BASE), a->page_phys,
		x2 ? PHYS(0) : virt_to_phys(a->vm->logical), virt_to_phys(a->vm->physical),
		a->vm->max_index);
	vmcb_set_int_control(b, (b->int_control & ~VIC_X2AVIC) | VIC_AVIC | (x2 ? VIC_X2AVIC : 0));
	/* The APIC page's translation now has another meaning (24593 rev 3.44, "Virtual APIC
	 * Register Accesses"). */
	svm_flush(a->svm);
	avic_set_active(a, true);
}

void avic_disable(struct avic_vcpu *a)
{
	struct vmcb *b = a->svm->vmcb;

	if (!a->active)
		return;
	avic_set_active(a, false);
	vmcb_set_int_control(b, b->int_control & ~(VIC_AVIC | VIC_X2AVIC));
	avic_sync_priority(a);
	svm_flush(a->svm);
}

/* The logical ID's slot in the table, or -1: not exactly one bit, or the broadcast cluster. Flat
 * IDs fill the first eight slots. */
static int logical_slot(const struct vapic *p)
{
	uint32_t id = vapic_read(p, VAPIC_LDR) >> 24;
	bool flat = vapic_read(p, VAPIC_DFR) >> 28 == 0xf;
	uint32_t bits = flat ? id : id & 0xf;
	uint32_t cluster = flat ? 0 : id >> 4;

	if (!bits || bits & (bits - 1) || cluster >= LOGICAL_CLUSTER)
		return -1;
	return (int)(4 * cluster) + __builtin_ctz(bits);
}

/*
 * Which of both models hardware goes by is not documented, so while the pages disagree about DFR no
 * entry is valid; nor while some APIC is in x2APIC mode, whose logical ID is another; the same for
 * an ID that two vCPUs claim. Senders then exit (401h, cause 2), and
 * software, which looks at the pages themselves, finds the right targets.
 */
#define MODELS_NONE 3u /* cluster and flat */

void avic_logical_update(struct avic_vm *vm)
{
	uint32_t want[LOGICAL_ENTRIES] = { 0 };
	uint64_t taken = 0;
	uint32_t models = 0;

	spin_lock(&vm->logical_lock);
	for (uint32_t id = 0; id <= vm->max_index; id++) {
		const struct vapic *p = avic_page_of(vm, id);
		int slot = p ? logical_slot(p) : -1;

		if (!p)
			continue;
		if (shared_load32(&vm->mode[id]) == VAPIC_X2APIC)
			models = MODELS_NONE;
		models |= 1u << (vapic_read(p, VAPIC_DFR) >> 28 == 0xf);
		if (slot < 0)
			continue;
		want[slot] = taken >> slot & 1 ? 0 : LOGICAL_VALID | id;
		taken |= BIT(slot);
	}
	for (unsigned i = 0; i < LOGICAL_ENTRIES; i++)
		shared_store32(&vm->logical[i], models >= MODELS_NONE ? 0 : want[i]);
	spin_unlock(&vm->logical_lock);
}

/*
 * What is pending and in service lies in the page in the same form in each mode, and the page, the
 * entry of the physical table and the IRTEs that lead to it stay: whoever sends during a change
 * sends to the same place, so nothing is lost. While AVIC is off in between, senders of IPIs exit,
 * and the vCPU's next entry looks at the IRR.
 *
 * A processor may forget all but the ID when its APIC is switched off. This one keeps what is
 * pending, in service and set up, and takes what comes meanwhile when it is on again.
 */
void avic_set_mode(struct avic_vcpu *a, enum vapic_mode mode)
{
	struct avic_vm *vm = a->vm;

	/* Against those who make the table from all pages. */
	spin_lock(&vm->logical_lock);
	shared_store32(&vm->mode[avic_id(a)], mode);
	vapic_set_mode(a->page, avic_id(a), mode);
	spin_unlock(&vm->logical_lock);
	avic_sync_priority(a);
	avic_logical_update(vm);
}
