; SPDX-License-Identifier: MIT
; The VMM, as linked, without symbols.
        section .data
        global  vmm_image:data hidden, vmm_image_bytes:data hidden
        align   16
vmm_image:
        incbin  "vmm.stripped"
image_end:
        align   8
vmm_image_bytes:
        dq      image_end - vmm_image
