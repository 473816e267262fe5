; SPDX-License-Identifier: MIT
; The VMM, as linked, without symbols; and the one with trace hooks (vmm/trace_ring.h).
        section .data
        global  vmm_image:data hidden, vmm_image_bytes:data hidden
        global  vmm_image_traced:data hidden, vmm_image_traced_bytes:data hidden
        align   16
vmm_image:
        incbin  "vmm.stripped"
image_end:
        align   16
vmm_image_traced:
        incbin  "vmm-traced.stripped"
traced_end:
        align   8
vmm_image_traced_bytes:
        dq      traced_end - vmm_image_traced
vmm_image_bytes:
        dq      image_end - vmm_image
