# SPDX-License-Identifier: MIT
# The guests' DSDT: AML by iasl, carried inside the hypervisor (symbols guest_dsdt, guest_dsdt_end).

$(B)/vmm/guest/dsdt.aml: vmm/guest/dsdt.asl vmm/guest/platform.h
	@mkdir -p $(@D)
	@echo "  IASL  $<"
	@$(CC) -E -P -x c -Ivmm $< -o $(@:.aml=.i.asl)
	@iasl -vs -va -p $(@:.aml=) $(@:.aml=.i.asl) > $(@:.aml=.log) || { cat $(@:.aml=.log); exit 1; }

$(B)/vmm/guest/dsdt.o: $(B)/vmm/guest/dsdt.aml
	@printf '%s\n' 'section .rodata' 'global guest_dsdt' 'global guest_dsdt_end' \
		'align 16' 'guest_dsdt: incbin "$<"' 'guest_dsdt_end:' > $(@:.o=.gen.asm)
	@$(NASM) -f elf64 $(@:.o=.gen.asm) -o $@
