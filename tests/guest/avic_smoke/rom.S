/* SPDX-License-Identifier: MIT */
/* 64 KB in the place of the firmware: copies the test to 1 MB and goes there. The ROM
 * starts with "protected": offsets from it are offsets in the reset segment. */
	.text
	.global	reset
	.code32
protected:
	mov	$16, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$image, %esi
	mov	$0x100000, %edi
	mov	$image_end - image, %ecx
	rep movsb
	mov	$0x100000, %eax
	jmp	*%eax

	.code16
real:
	cli
	lgdtl	%cs:gdt_ptr - protected
	mov	$0x11, %eax
	mov	%eax, %cr0
	ljmpl	$8, $protected

	.align	8
gdt:	.quad	0
	.quad	0x00cf9b000000ffff
	.quad	0x00cf93000000ffff
gdt_ptr:
	.word	gdt_ptr - gdt - 1
	.long	gdt

image:	.incbin	"smoke.bin"
image_end:

	.section .reset, "ax"
reset:
	jmp	real

	.section .note.GNU-stack, "", @progbits
