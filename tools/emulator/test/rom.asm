; SPDX-License-Identifier: GPL-2.0-or-later
; The first instructions of a flat 128 KiB ROM in place of firmware: from the reset
; vector to long mode with an identity map, then C, which is copied to 1 MiB. Low
; memory: 1000h page tables, 8000h what other CPUs run after a start-up IPI, stacks
; below 80000h.

TABLES       equ 0x1000         ; one PML4, one PDPT, four page directories
STACK        equ 0x80000        ; of the first CPU; others 4 KiB further down by APIC ID
AP_START     equ 0x8000

	extern	rom_main, ap_main, image_load, image_start, image_end, bss_end

	section .boot
	bits	32
start32:
	mov	ax, 16
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	; Tables first: 4 GiB in pages of 2 MiB.
	mov	edi, TABLES
	mov	ecx, 6 * 1024
	xor	eax, eax
	rep stosd
	mov	dword [TABLES], TABLES + 0x1007
	mov	edi, TABLES + 0x1000
	mov	eax, TABLES + 0x2007
	mov	ecx, 4
.pdpt:	mov	[edi], eax
	add	eax, 0x1000
	add	edi, 8
	loop	.pdpt
	mov	edi, TABLES + 0x2000
	mov	eax, 0x87
	mov	ecx, 2048
.pd:	mov	[edi], eax
	add	eax, 0x200000
	add	edi, 8
	loop	.pd
	mov	esi, image_load
	mov	edi, image_start
	mov	ecx, image_end
	sub	ecx, edi
	rep movsb
	mov	ecx, bss_end
	sub	ecx, edi
	xor	eax, eax
	rep stosb
	mov	esi, ap_code
	mov	edi, AP_START
	mov	ecx, ap_code_end - ap_code
	rep movsb
	mov	esi, rom_main
	mov	ebx, STACK
	mov	eax, long_mode
	jmp	eax

	section .text
	bits	32
long_mode:                      ; esi: where to, ebx: stack
	mov	eax, cr4
	or	eax, 0x6a0      ; PAE, PGE, OSFXSR, OSXMMEXCPT
	mov	cr4, eax
	mov	eax, TABLES
	mov	cr3, eax
	lgdt	[gdtr_ram]
	mov	ecx, 0xc0000080
	rdmsr
	or	eax, 0x100
	wrmsr
	mov	eax, cr0
	and	eax, 0x9fffffff ; caches on
	or	eax, 0x80010003
	mov	cr0, eax
	jmp	24:start64
	bits	64
start64:
	mov	eax, 16
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	rsp, rbx
	mov	edi, esi
	call	rdi
.stop:	cli
	hlt
	jmp	.stop

	bits	16
ap_code:
	cli
	o32 lgdt [cs:ap_gdtr - ap_code]
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	jmp	dword 8:ap32
	align	8
ap_gdtr:
gdtr_ram:
	dw	gdt_end - gdt - 1
	dd	gdt
ap_code_end:

	bits	32
ap32:	mov	ax, 16
	mov	ds, ax
	mov	es, ax
	mov	ss, ax
	mov	eax, 1
	cpuid
	shr	ebx, 24
	shl	ebx, 12
	neg	ebx
	add	ebx, STACK
	mov	esi, ap_main
	jmp	long_mode

	align	8
	global	gdt
gdt:	dq	0
	dq	0x00cf9b000000ffff      ; 8: 32-bit code
	dq	0x00cf93000000ffff      ; 16: data
	dq	0x00af9b000000ffff      ; 24: 64-bit code
gdt_end:

	section .reset
	bits	16
reset:	cli
	o32 lgdt [cs:0xff00 + gdtr - reset] ; the last 256 bytes of the segment
	mov	eax, cr0
	or	al, 1
	mov	cr0, eax
	jmp	dword 8:start32
	align	8
gdtr:	dw	23
	dd	gdt_rom
gdt_rom:
	dq	0, 0x00cf9b000000ffff, 0x00cf93000000ffff
	times	0xf0 - ($ - $$) db 0
	jmp	near reset
	times	0x100 - ($ - $$) db 0
