// SPDX-License-Identifier: MIT
/* The state in which a vCPU executes its first instruction. */
#include "svm.h"
#include "fpu.h"
#include "regs.h"

#define SEGMENT_CODE64 0xa9b /* code, readable, accessed, present, L, G */
#define SEGMENT_CODE32 0xc9b
#define SEGMENT_DATA   0xc93
#define SEGMENT_CODE16 0x09b
#define SEGMENT_DATA16 0x093
#define SEGMENT_LDT    0x082
#define SEGMENT_TSS    0x08b /* busy: VMLOAD of an available one would fault later in long mode */

/* Selectors as Linux's boot protocol has them; multiboot takes any. */
#define SELECTOR_CODE 0x10
#define SELECTOR_DATA 0x18

void svm_vcpu_reset(struct svm_vcpu *s)
{
	struct vmcb *b = s->vmcb;

	svm_fpu_reset(s);
	for (unsigned i = 0; i < ARRAY_COUNT(s->dr); i++)
		s->dr[i] = 0;
	svm_breakpoints_close(s);
	svm_cancel_window(s);
	b->star = b->lstar = b->cstar = b->sfmask = b->kernel_gs_base = 0;
	b->sysenter_cs = b->sysenter_esp = b->sysenter_eip = 0;
	b->s_cet = b->ssp = b->isst = 0;
	b->debug_control = b->br_from = b->br_to = b->int_from = b->int_to = 0;
	b->tsc_offset = 0;
	b->pat = PAT_RESET;
	b->clean = 0;
	/* The page tables of its earlier life are in the TLB, global ones for longer than any CR3.
	 */
	svm_flush(s);
}

static struct vmcb_segment flat(uint16_t selector, uint16_t attributes)
{
	return (struct vmcb_segment){ selector, attributes, 0xffffffff, 0 };
}

/* What the three have in common; the general registers are 0. */
static void start(struct svm_vcpu *s, uint64_t rip)
{
	struct vmcb *b = s->vmcb;

	s->regs = (struct guest_regs){ 0 };
	b->ldtr = (struct vmcb_segment){ .attributes = SEGMENT_LDT };
	b->tr = (struct vmcb_segment){ .attributes = SEGMENT_TSS, .limit = 0xffff };
	b->cpl = 0;
	b->rflags = RFLAGS_FIXED;
	b->rip = rip;
	b->rsp = 0;
	b->rax = 0;
	b->cr2 = 0;
	b->dr6 = DR6_RESET;
	b->dr7 = DR7_RESET;
	b->int_state = 0;
	b->event_inj = 0;
	b->exit_int_info = 0;
	b->intercept3 &= ~(uint32_t)INTERCEPT3_IRET;
	s->nmi_handled = s->nmi_waits = false;
	b->clean = 0;
}

void svm_vcpu_start_long(struct svm_vcpu *s, gpa_t cr3, uint64_t rip, uint64_t rsp, uint64_t rdi)
{
	struct vmcb *b = s->vmcb;

	start(s, rip);
	s->regs.rdi = rdi;
	b->rsp = rsp;
	b->cs = flat(SELECTOR_CODE, SEGMENT_CODE64);
	b->ds = b->es = b->ss = b->fs = b->gs = flat(SELECTOR_DATA, SEGMENT_DATA);
	b->gdtr = b->idtr = (struct vmcb_segment){ .limit = 0 };
	vmcb_set_crx(b, CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG, cr3.v,
		CR4_PAE | CR4_OSFXSR, EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | EFER_SVME);
	b->clean = 0;
}

void svm_vcpu_start_flat(struct svm_vcpu *s, uint32_t eip)
{
	struct vmcb *b = s->vmcb;

	start(s, eip);
	b->cs = flat(SELECTOR_CODE, SEGMENT_CODE32);
	b->ds = b->es = b->ss = b->fs = b->gs = flat(SELECTOR_DATA, SEGMENT_DATA);
	b->gdtr = b->idtr = (struct vmcb_segment){ .limit = 0 };
	vmcb_set_crx(b, CR0_PE | CR0_ET, 0, 0, EFER_SVME);
	b->clean = 0;
}

static void start_real(struct svm_vcpu *s, uint16_t cs, uint16_t ip, uint64_t cr0)
{
	struct vmcb *b = s->vmcb;
	const struct vmcb_segment data = { 0, SEGMENT_DATA16, 0xffff, 0 };

	start(s, ip);
	b->cs = (struct vmcb_segment){ cs, SEGMENT_CODE16, 0xffff, (uint64_t)cs << 4 };
	b->ds = b->es = b->ss = b->fs = b->gs = data;
	b->gdtr = b->idtr = (struct vmcb_segment){ .limit = 0xffff };
	vmcb_set_crx(b, cr0, 0, 0, EFER_SVME);
	b->clean = 0;
}

/* 24593 rev 3.44, "Processor Initialization State": after INIT, with CS as the startup message has
 * it. MSRs of system calls, the PAT and XCR0 keep their values, as they do over INIT. */
void svm_vcpu_start_real(struct svm_vcpu *s, uint8_t page)
{
	start_real(s, (uint16_t)(page << 8), 0, CR0_CD | CR0_NW | CR0_ET);
	s->regs.rdx = INIT_RDX;
}

void svm_vcpu_start_boot_sector(struct svm_vcpu *s, uint32_t at)
{
	if (at <= 0xffff)
		start_real(s, 0, (uint16_t)at, CR0_ET);
	else
		start_real(s, (uint16_t)(at >> 4), at & 0xf, CR0_ET);
}

void svm_set_gdt(struct svm_vcpu *s, gpa_t base, uint16_t limit)
{
	s->vmcb->gdtr = (struct vmcb_segment){ .base = base.v, .limit = limit };
	s->vmcb->clean = 0;
}
