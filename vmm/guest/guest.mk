# SPDX-License-Identifier: MIT
# The guests' DSDT and processors: AML by iasl, carried inside the hypervisor (symbols guest_dsdt,
# guest_dsdt_end ...).

$(B)/vmm/guest/dsdt.aml $(B)/vmm/guest/processor.aml: $(B)/vmm/guest/%.aml: vmm/guest/%.asl \
		vmm/guest/platform.h
	@mkdir -p $(@D)
	@echo "  IASL  $<"
	@$(CC) -E -P -x c -Ivmm $< -o $(@:.aml=.i.asl)
	@iasl -vs -va -p $(@:.aml=) $(@:.aml=.i.asl) > $(@:.aml=.log) || { cat $(@:.aml=.log); exit 1; }

$(B)/vmm/guest/dsdt.o $(B)/vmm/guest/processor.o: %.o: %.aml
	@printf '%s\n' 'section .rodata' 'global guest_$(*F)' 'global guest_$(*F)_end' \
		'align 16' 'guest_$(*F): incbin "$<"' 'guest_$(*F)_end:' > $(@:.o=.gen.asm)
	@$(NASM) -f elf64 $(@:.o=.gen.asm) -o $@
