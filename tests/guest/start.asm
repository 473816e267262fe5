; SPDX-License-Identifier: MIT
; Where every vCPU starts, and where its interrupts arrive.
;
; In:  RDI = vCPU index, long mode, memory mapped one to one, interrupts off; the first byte of the
;      image is the entry. vCPU 0 clears .bss, the others wait for it.
; Out: guest_main(index) on a stack of its own; it does not return.
bits 64
default abs

extern guest_main
extern trap_entry
extern __bss_start
extern __bss_end
extern __stacks

STACK_SHIFT equ 13

section .text.entry
global guest_entry
guest_entry:
	mov	ebx, edi
	lea	eax, [rdi + 1]
	shl	rax, STACK_SHIFT
	add	rax, __stacks
	mov	rsp, rax
	lgdt	[gdt_pointer]
	mov	eax, 16
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	push	8
	push	.own_cs
	o64 retf
.own_cs:
	test	ebx, ebx
	jnz	.wait
	mov	edi, __bss_start
	mov	ecx, __bss_end
	sub	ecx, edi
	xor	eax, eax
	cld
	rep stosb
	mov	dword [bss_ready], 1
	jmp	.go
.wait:
	pause
	cmp	dword [bss_ready], 0
	je	.wait
.go:
	mov	edi, ebx
	xor	ebp, ebp
	call	guest_main
.stop:
	cli
	hlt
	jmp	.stop

section .data
bss_ready:
	dd	0
align 8
gdt:
	dq	0
	dq	0x00af9b000000ffff		; 8: 64-bit code
	dq	0x00cf93000000ffff		; 16: data
gdt_pointer:
	dw	$ - gdt - 1
	dq	gdt

; One stub a vector, 16 bytes apart: vector number (and 0 for an error code where the CPU pushes
; none), then trap_common.
section .text
global trap_stubs
align 16
trap_stubs:
%assign v 0
%rep 256
	align	16
	%if v != 8 && v != 10 && v != 11 && v != 12 && v != 13 && v != 14 && v != 17 && v != 21
	push	byte 0
	%endif
	push	dword v
	jmp	trap_common
%assign v v + 1
%endrep

; Builds a struct trap_frame (trap.h) and calls trap_entry(frame).
trap_common:
	push	rax
	push	rbx
	push	rcx
	push	rdx
	push	rsi
	push	rdi
	push	rbp
	push	r8
	push	r9
	push	r10
	push	r11
	push	r12
	push	r13
	push	r14
	push	r15
	mov	rdi, rsp
	cld
	call	trap_entry
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	r11
	pop	r10
	pop	r9
	pop	r8
	pop	rbp
	pop	rdi
	pop	rsi
	pop	rdx
	pop	rcx
	pop	rbx
	pop	rax
	add	rsp, 16
	iretq

; bool probe_rdmsr(uint32_t msr), bool probe_wrmsr(uint32_t msr, uint64_t value): false when it
; faulted. trap_entry() knows the two labels and goes on at probe_failed.
global probe_rdmsr
global probe_wrmsr
global probe_at_rdmsr
global probe_at_wrmsr
global probe_failed
probe_rdmsr:
	mov	ecx, edi
probe_at_rdmsr:
	rdmsr
	mov	eax, 1
	ret
probe_wrmsr:
	mov	ecx, edi
	mov	eax, esi
	mov	rdx, rsi
	shr	rdx, 32
probe_at_wrmsr:
	wrmsr
	mov	eax, 1
	ret
probe_failed:
	xor	eax, eax
	ret
