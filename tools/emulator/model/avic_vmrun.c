/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMRUN and #VMEXIT of a VMCB with AVIC: the checks that end in VMEXIT_INVALID
 * (24593 rev 3.44, "VMRUN and #VMEXIT" under "AVIC"), and what hardware does not check
 * but correct software never does.
 */
#include "avic_page.h"

static bool in_range(const struct avic_machine *machine, uint64_t pointer)
{
	return !((pointer & VMCB_AVIC_PAGE) >> machine->opt.phys_bits);
}

/* A pointer outside the implemented range: the manual promises a #VMEXIT, not its code. */
static bool valid(const struct avic_machine *machine, const struct avic_vmcb *vmcb)
{
	bool x2 = vmcb->int_ctl & VMCB_X2AVIC;
	uint64_t limit = vmcb->physical & VMCB_AVIC_MAX_INDEX;

	if (!(vmcb->int_ctl & VMCB_AVIC))
		return !x2;
	if (!x2 && limit > XAVIC_MAX_INDEX)
		return false;
	if (x2 && limit > X2AVIC_MAX_INDEX && !machine->opt.x2avic_ext)
		return false;
	return in_range(machine, vmcb->apic_bar) && in_range(machine, vmcb->backing) &&
	       in_range(machine, vmcb->logical) && in_range(machine, vmcb->physical);
}

static void strict(const struct avic_core *core, const char *what, uint64_t value)
{
	const struct model_host *host = core->machine->host;

	host->strict(host->opaque, "VMRUN with AVIC: %s (%llx)", what, (unsigned long long)value);
}

static void expect_ram(const struct avic_core *core, const char *what, uint64_t page)
{
	const struct model_host *host = core->machine->host;
	uint64_t word;

	if (!host->load64(host->opaque, page, &word))
		strict(core, what, page);
}

static void strict_vmcb(const struct avic_core *core, const struct avic_vmcb *vmcb)
{
	if (!vmcb->np_enable)
		strict(core, "nested paging is off", 0);
	if (!(vmcb->int_ctl & VMCB_V_INTR_MASKING))
		strict(core, "V_INTR_MASKING is off", vmcb->int_ctl);
	if (vmcb->cr_write & 1u << 8)
		strict(core, "CR8 writes are intercepted", vmcb->cr_write);
	if (vmcb->vintr)
		strict(core, "VINTR is intercepted", 0);
	if (vmcb->int_ctl & VMCB_V_IRQ)
		strict(core, "V_IRQ is set, and ignored", vmcb->int_ctl);
	if (vmcb->apic_bar & VMCB_AVIC_PTR_SBZ)
		strict(core, "APIC_BAR: reserved bits", vmcb->apic_bar);
	if (vmcb->backing & VMCB_AVIC_PTR_SBZ)
		strict(core, "backing page pointer: reserved bits", vmcb->backing);
	if (vmcb->logical & VMCB_AVIC_PTR_SBZ)
		strict(core, "logical table pointer: reserved bits", vmcb->logical);
	if (vmcb->physical & VMCB_AVIC_TABLE_SBZ)
		strict(core, "physical table pointer: reserved bits", vmcb->physical);
}

static void strict_memory(const struct avic_core *core)
{
	expect_ram(core, "backing page is not memory", core->backing);
	for (uint64_t page = 0; page <= core->max_index / 512u; page++)
		expect_ram(core, "physical table is not memory", core->physical + page * 4096);
	if (!core->x2)
		expect_ram(core, "logical table is not memory", core->logical);
	/* It is open whether VMRUN takes the priority from the VMCB or from the page. */
	if (core->v_tpr != (page_get(core, APIC_TPR) >> 4 & 15))
		strict(core, "V_TPR and the page's TPR differ", core->v_tpr);
}

/* If the table says where this vCPU runs, it says so truly. */
static void strict_entry(const struct avic_core *core)
{
	const struct model_host *host = core->machine->host;
	uint32_t id = core->x2 ? page_get(core, APIC_ID) : page_get(core, APIC_ID) >> 24;
	uint64_t addr = core->physical + id * 8ull;
	uint64_t entry = 0;

	if (id > core->max_index || !host->load64(host->opaque, addr, &entry))
		return;
	if (!(entry & PHYS_ENTRY_VALID) || (entry & PHYS_ENTRY_PAGE) != core->backing)
		return;
	if (!(entry & PHYS_ENTRY_RUNNING))
		return;
	if ((entry & PHYS_ENTRY_HOST_ID) != core->apicid)
		strict(core, "IsRunning names another core", entry);
	avic_note_running(core->machine, addr, entry);
}

bool avic_vmrun(struct avic_core *core, const struct avic_vmcb *vmcb)
{
	core->on = false;
	core->recognised = false;
	if (!valid(core->machine, vmcb))
		return false;
	if (!(vmcb->int_ctl & VMCB_AVIC))
		return true;
	core->on = true;
	core->x2 = vmcb->int_ctl & VMCB_X2AVIC;
	core->v_tpr = vmcb->int_ctl & VMCB_V_TPR;
	core->max_index = vmcb->physical & VMCB_AVIC_MAX_INDEX;
	core->apic_bar = vmcb->apic_bar & VMCB_AVIC_PAGE;
	core->backing = vmcb->backing & VMCB_AVIC_PAGE;
	core->logical = vmcb->logical & VMCB_AVIC_PAGE;
	core->physical = vmcb->physical & VMCB_AVIC_PAGE;
	core->vmcb = vmcb->addr;
	strict_vmcb(core, vmcb);
	strict_memory(core);
	strict_entry(core);
	if (core->machine->opt.page_tpr)
		core->v_tpr = page_get(core, APIC_TPR) >> 4 & 15;
	avic_evaluate(core);
	return true;
}

void avic_vmexit(struct avic_core *core)
{
	core->on = false;
	core->recognised = false;
}
