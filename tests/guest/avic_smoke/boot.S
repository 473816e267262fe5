/* SPDX-License-Identifier: MIT */
/*
 * From protected mode to long mode with the first 4 GB mapped one to one; the start of a
 * second CPU; entry into a guest; interrupt stubs of the guest and the host.
 */
	.set	CR0_PG_PE, 0x80000011
	.set	EFER, 0xc0000080

	.section .start, "ax"
	.code32
	.global	_start
_start:
	cli
	mov	$boot_stack_top, %esp
	mov	$pdpt + 7, %eax
	mov	%eax, pml4
	mov	$pd + 7, %eax
	mov	$pdpt, %edi
	mov	$4, %ecx
1:	mov	%eax, (%edi)
	add	$0x1000, %eax
	add	$8, %edi
	loop	1b
	mov	$0x87, %eax
	mov	$pd, %edi
	mov	$2048, %ecx
1:	mov	%eax, (%edi)
	add	$0x200000, %eax
	add	$8, %edi
	loop	1b
	call	long_mode
	ljmp	$8, $2f
	.code64
2:	mov	$main, %rax
	call	*%rax
	hlt

	.text
	.code32
long_mode:
	lgdt	gdt_ptr
	mov	$pml4, %eax
	mov	%eax, %cr3
	mov	$0x620, %eax		/* PAE, OSFXSR */
	mov	%eax, %cr4
	mov	$EFER, %ecx
	mov	$0x1900, %eax		/* LME, NXE, SVME */
	xor	%edx, %edx
	wrmsr
	mov	$CR0_PG_PE, %eax
	mov	%eax, %cr0
	mov	$16, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	ret

	/* Copied to 8000h, where the start-up IPI sends the second CPU. */
	.code16
	.global	ap_start, ap_end
ap_start:
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	lgdtl	0x8000 + ap_gdt_ptr - ap_start
	mov	$0x11, %eax
	mov	%eax, %cr0
	ljmpl	$24, $ap_32
ap_gdt_ptr:
	.word	gdt_end - gdt - 1
	.long	gdt
ap_end:
	.code32
ap_32:
	mov	$16, %eax
	mov	%eax, %ds
	mov	%eax, %ss
	mov	$ap_stack_top, %esp
	call	long_mode
	ljmp	$8, $1f
	.code64
1:	mov	$ap_main, %rax
	call	*%rax
	hlt

	/* void enter_guest(uint64_t vmcb, uint64_t gprs[16]): gprs[i] is register i. */
	.global	enter_guest
enter_guest:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rsi
	mov	%rdi, %rax
	mov	8(%rsi), %rcx
	mov	16(%rsi), %rdx
	mov	24(%rsi), %rbx
	mov	40(%rsi), %rbp
	mov	56(%rsi), %rdi
	mov	64(%rsi), %r8
	mov	72(%rsi), %r9
	mov	80(%rsi), %r10
	mov	88(%rsi), %r11
	mov	96(%rsi), %r12
	mov	104(%rsi), %r13
	mov	112(%rsi), %r14
	mov	120(%rsi), %r15
	mov	48(%rsi), %rsi
	clgi
	vmrun	%rax
	pop	%rax
	mov	%rcx, 8(%rax)
	mov	%rdx, 16(%rax)
	mov	%rbx, 24(%rax)
	mov	%rbp, 40(%rax)
	mov	%rsi, 48(%rax)
	mov	%rdi, 56(%rax)
	mov	%r8, 64(%rax)
	mov	%r9, 72(%rax)
	mov	%r10, 80(%rax)
	mov	%r11, 88(%rax)
	mov	%r12, 96(%rax)
	mov	%r13, 104(%rax)
	mov	%r14, 112(%rax)
	mov	%r15, 120(%rax)
	stgi
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	/* 256 stubs of 16 bytes; the vector goes to guest_interrupt() or host_trap(). */
	.macro	stubs name, target
	.align	16
	.global	\name
\name:
	.set	vector, 0
	.rept	256
	.align	16
	push	$vector
	jmp	\target
	.set	vector, vector + 1
	.endr
	.endm

	stubs	guest_stubs, guest_common
	stubs	host_stubs, host_common

	.macro	push_all
	push	%rax
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	.endm

guest_common:
	push_all
	mov	72(%rsp), %rdi
	mov	%rsp, %rax
	mov	%rbp, %r8
	mov	%rsp, %rbp
	and	$-16, %rsp
	push	%r8
	push	%rbp
	call	guest_interrupt
	pop	%rbp
	pop	%r8
	mov	%rbp, %rsp
	mov	%r8, %rbp
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rax
	add	$8, %rsp
	iretq

host_common:
	push_all
	mov	72(%rsp), %rdi
	mov	80(%rsp), %rsi
	mov	88(%rsp), %rdx
	and	$-16, %rsp
	call	host_trap

	.data
	.align	16
gdt:	.quad	0
	.quad	0x00af9b000000ffff	/* 8: 64-bit code */
	.quad	0x00cf93000000ffff	/* 16: data */
	.quad	0x00cf9b000000ffff	/* 24: 32-bit code */
gdt_end:
gdt_ptr:
	.word	gdt_end - gdt - 1
	.quad	gdt

	.bss
	.align	4096
	.global	pml4
pml4:	.skip	4096
pdpt:	.skip	4096
pd:	.skip	4096 * 4
	.skip	16384
boot_stack_top:
	.skip	16384
ap_stack_top:

	.section .note.GNU-stack, "", @progbits
