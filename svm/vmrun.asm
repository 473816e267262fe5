; SPDX-License-Identifier: MIT
; void svm_run(phys_t guest /*rax*/, struct guest_regs *regs /*rsi*/, phys_t host /*rdx*/)
;
; Runs the guest VMCB until the next #VMEXIT. In and out: GIF set, IF clear. Keeps RBX and RBP
; only: it isn't called by C but by hw_run_guest(), which says so. Guest RAX, RSP, RIP, RFLAGS are in the VMCB. VMRUN restores neither FS, GS, TR, LDTR nor
; the SYSCALL MSRs (24593 rev 3.44, "VMRUN Instruction"), hence the host's own VMSAVE area.
;
; Physical interrupts end the guest only when IF is 1 at VMRUN (V_INTR_MASKING), so: CLGI, STI. From
; there to STGI nothing is delivered to the host; CLI first, so that the interrupt which ended the
; guest stays pending until C code asks for it (cpu_take_interrupts()). NMIs come with STGI.
%include "offsets.inc"

section .text
bits 64
default rel

global svm_run
svm_run:
	push	rbx
	push	rbp
	push	rdx
	push	rsi
	clgi
	sti
	vmload
	mov	rbx, [rsi + REGS_RBX]
	mov	rcx, [rsi + REGS_RCX]
	mov	rdx, [rsi + REGS_RDX]
	mov	rdi, [rsi + REGS_RDI]
	mov	rbp, [rsi + REGS_RBP]
	mov	r8, [rsi + REGS_R8]
	mov	r9, [rsi + REGS_R9]
	mov	r10, [rsi + REGS_R10]
	mov	r11, [rsi + REGS_R11]
	mov	r12, [rsi + REGS_R12]
	mov	r13, [rsi + REGS_R13]
	mov	r14, [rsi + REGS_R14]
	mov	r15, [rsi + REGS_R15]
	mov	rsi, [rsi + REGS_RSI]
	vmrun
	; #VMEXIT restored RAX and RSP.
	vmsave
	mov	rax, rsi
	pop	rsi ; regs
	mov	[rsi + REGS_RBX], rbx
	mov	[rsi + REGS_RCX], rcx
	mov	[rsi + REGS_RDX], rdx
	mov	[rsi + REGS_RDI], rdi
	mov	[rsi + REGS_RBP], rbp
	mov	[rsi + REGS_R8], r8
	mov	[rsi + REGS_R9], r9
	mov	[rsi + REGS_R10], r10
	mov	[rsi + REGS_R11], r11
	mov	[rsi + REGS_R12], r12
	mov	[rsi + REGS_R13], r13
	mov	[rsi + REGS_R14], r14
	mov	[rsi + REGS_R15], r15
	mov	[rsi + REGS_RSI], rax
	pop	rax ; host
	vmload
	cli
	stgi
	pop	rbp
	pop	rbx
	ret
