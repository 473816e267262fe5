; SPDX-License-Identifier: MIT
; void boot_switch(uint64_t cr3 /*rdi*/, uint64_t entry /*rsi*/, uint64_t info /*rdx*/)
; Boot services are gone. Does not return, uses no stack, and lies within one page, which is
; mapped at its own address in both sets of tables.
        bits    64
        section .text

EFER            equ     0xc0000080
EFER_NXE        equ     1 << 11

        align   64
        global  boot_switch:function hidden
boot_switch:
        cli
        mov     r8, rdx                 ; wrmsr wants rdx
        mov     ecx, EFER               ; the new tables have no-execute bits
        rdmsr
        or      eax, EFER_NXE
        wrmsr
        mov     cr3, rdi
        mov     rdi, r8
        jmp     rsi
