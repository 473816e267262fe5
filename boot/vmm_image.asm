; SPDX-License-Identifier: MIT
; The VMM, as linked, without symbols.
        section .data
        global  vmm_image:data hidden, vmm_image_end:data hidden
        align   16
vmm_image:
        incbin  "vmm.stripped"
vmm_image_end:
