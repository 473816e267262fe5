; SPDX-License-Identifier: MIT
; A multiboot kernel's header and first instructions (Multiboot Specification 0.6.96, "Machine
; state"): EAX, EBX, protected mode, no paging; no stack and no descriptor tables.
;   -DADDRESSES  the header says where the file goes, as for a kernel that is no ELF file
;   -DCHECKSUM   what is added to the checksum: 1 makes it wrong
;   -DFLAGS      more flags
bits 32

%ifndef CHECKSUM
%define CHECKSUM 0
%endif
%ifndef FLAGS
%define FLAGS 0
%endif

MAGIC equ 0x1badb002
%ifdef ADDRESSES
ALL equ FLAGS | 3 | 1 << 16
%else
ALL equ FLAGS | 3
%endif

extern kernel_main
extern kernel_start
extern kernel_file_end
extern kernel_end

section .text.header
	jmp	near begin
	align	16
header:
	dd	MAGIC, ALL, -(MAGIC + ALL) + CHECKSUM
%ifdef ADDRESSES
	dd	header, kernel_start, kernel_file_end, kernel_end, begin
%endif

section .text
global begin
begin:
	mov	esp, stack_end
	push	ebx
	push	eax
	mov	ecx, cr0
	push	ecx
	cld
	call	kernel_main		; (cr0, eax, ebx)
.stop:
	cli
	hlt
	jmp	.stop

section .bss
	alignb	16
	resb	4096
stack_end:
