; SPDX-License-Identifier: MIT
; vmm_entry: from boot_switch() (boot/switch.asm), on the boot CPU.
; In: RDI = physical address of struct boot_info, interrupts off, CR3 = the VMM's tables,
; EFER.NXE set; everything else is the firmware's and not to be relied on.
        bits    64
        default rel

DIRECT_MAP      equ     0xffff800000000000

        extern  cpu_boot_stack, cpu_init_boot, vmm_main

        section .text.entry
        global  vmm_entry
vmm_entry:
        cld
        mov     rax, DIRECT_MAP
        lea     rbx, [rdi + rax]        ; const struct boot_info *
        mov     rsp, [cpu_boot_stack]
        xor     ebp, ebp
        call    cpu_init_boot           ; from here on, an exception has a handler
        mov     rdi, rbx
        call    vmm_main
        ud2                             ; it doesn't return
