; SPDX-License-Identifier: MIT
; Where another CPU begins after INIT and SIPI: real mode, CS = page << 8, IP = 0. vmm/smp.c copies
; this to boot_info.low_page, which is mapped at its own address, and fills ap_start_params; one CPU
; starts at a time. Straight from real to long mode (24593 rev 3.44, "Enabling and Activating Long
; Mode"). Out: RDI = the CPU's struct cpu, its own stack, interrupts off, and never back.

CR4_PAE         equ     1 << 5
CR0_LONG        equ     0x80010033      ; PG, WP, NE, ET, MP, PE; clears INIT's CD and NW
EFER            equ     0xc0000080
EFER_LME_NXE    equ     1 << 8 | 1 << 11

        section .rodata
        global  ap_start, ap_start_bytes, ap_start_params_at
        align   16
        bits    16
ap_start:
        cli
        cld
        mov     ax, cs
        mov     ds, ax
        movzx   ebx, ax
        shl     ebx, 4                  ; where we are
        lea     eax, [ebx + gdt - ap_start]
        mov     [gdt_pointer + 2 - ap_start], eax
        lea     eax, [ebx + long_mode - ap_start]
        mov     [far_pointer - ap_start], eax
        o32 lgdt [gdt_pointer - ap_start]
        mov     eax, CR4_PAE
        mov     cr4, eax
        mov     eax, [ap_start_params - ap_start]
        mov     cr3, eax
        mov     ecx, EFER
        mov     eax, EFER_LME_NXE
        xor     edx, edx
        wrmsr
        mov     eax, CR0_LONG
        mov     cr0, eax
        jmp     far dword [far_pointer - ap_start]

        bits    64
long_mode:
        mov     ax, gdt_data - gdt
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     rsp, [rel ap_start_params + 8]
        mov     rdi, [rel ap_start_params + 16]
        mov     rax, [rel ap_start_params + 24]
        xor     ebp, ebp
        call    rax
        ud2

        align   8
gdt:
        dq      0
gdt_code:
        dq      0x00af9a000000ffff      ; 64-bit code
gdt_data:
        dq      0x00cf92000000ffff
gdt_end:
gdt_pointer:
        dw      gdt_end - gdt - 1
        dd      0
far_pointer:
        dd      0
        dw      gdt_code - gdt
        align   8
ap_start_params:                        ; struct ap_params in vmm/smp.c
        dq      0, 0, 0, 0
ap_start_end:

ap_start_bytes:
        dd      ap_start_end - ap_start
ap_start_params_at:
        dd      ap_start_params - ap_start
