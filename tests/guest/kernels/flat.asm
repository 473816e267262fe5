; SPDX-License-Identifier: MIT
; A flat image, in one form for protected mode and in one (-DREAL) for real mode: prints a line and
; the command line that it was given, and switches off.
%ifdef REAL
bits 16
org 0x7c00
%define AX_ ax
%define SI_ si
%define LINE "FLAT real mode, cmdline "
%else
bits 32
org 0x200000
%define AX_ eax
%define SI_ esi
%define LINE "FLAT protected mode, cmdline "
	db	"not the entry, ", 0	; entry = 0x200010
	align	16
%endif
COM1 equ 0x3f8
SLEEP_CONTROL equ 0x600

begin:
	cmp	eax, 0x2badb002
	jne	stop
	mov	esp, 0x7c00
	mov	AX_, cs			; real: 0; protected: any but 0
	mov	ebp, [ebx + 16]		; the info's command line
%ifdef REAL
	test	ax, ax
	jnz	stop
%endif
	mov	SI_, line
	call	print
	mov	esi, ebp
	call	print
	mov	SI_, end
	call	print
stop:
	mov	dx, SLEEP_CONTROL
	mov	al, 0x34
	out	dx, al
	hlt
	jmp	stop

print:
	mov	dx, COM1
.next:
	mov	al, [SI_]
	inc	SI_
	test	al, al
	jz	.done
	out	dx, al
	jmp	.next
.done:
	ret

line:	db	LINE, 0
end:	db	10, 0
