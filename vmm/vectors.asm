; SPDX-License-Identifier: MIT
; Entry of all 256 vectors. Exceptions (0..31) save everything for trap_exception(). Interrupts save
; nothing: they only come inside cpu_sleep() and cpu_take_interrupts() (vmm/hw/cpu.h), whose asm
; says that all registers change which a C function may change. This is the wake path, and every
; instruction is counted there. The direction flag is always clear in host code, and its stack need only
; be a multiple of 8: it has no vector registers.
        bits    64
        default rel

        extern  trap_interrupt, trap_exception

        section .text

%macro EXCEPTION 1
exception_%1:
%if !(%1 == 8 || (%1 >= 10 && %1 <= 14) || %1 == 17 || %1 == 21 || %1 == 29 || %1 == 30)
        push    0                       ; where the CPU pushes no error code
%endif
        push    %1
        jmp     exception
%endmacro

%macro INTERRUPT 1
        align   16
interrupt_%1:
        mov     edi, %1
        call    trap_interrupt
        iretq
%endmacro

%assign v 0
%rep 32
        EXCEPTION v
%assign v v + 1
%endrep
%rep 224
        INTERRUPT v
%assign v v + 1
%endrep

; struct trap_frame (vmm/trap.h)
exception:
        push    rax
        push    rbx
        push    rcx
        push    rdx
        push    rsi
        push    rdi
        push    rbp
        push    r8
        push    r9
        push    r10
        push    r11
        push    r12
        push    r13
        push    r14
        push    r15
        mov     rdi, rsp
        call    trap_exception
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     r11
        pop     r10
        pop     r9
        pop     r8
        pop     rbp
        pop     rdi
        pop     rsi
        pop     rdx
        pop     rcx
        pop     rbx
        pop     rax
        add     rsp, 16                 ; vector, error
        iretq

; uint64_t trap_vectors[256]
        section .rodata
        align   8
        global  trap_vectors
trap_vectors:
%assign v 0
%rep 32
        dq      exception_%[v]
%assign v v + 1
%endrep
%rep 224
        dq      interrupt_%[v]
%assign v v + 1
%endrep
