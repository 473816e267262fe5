# SPDX-License-Identifier: MIT
# The built-in guest: a flat image, and the object that carries it inside the hypervisor
# (symbols builtin_image, builtin_image_end).

GUEST_C := $(wildcard tests/guest/*.c)
GUEST_O := $(GUEST_C:tests/guest/%.c=$(B)/tests/guest/%.o) $(B)/tests/guest/start.o
GUEST_CFLAGS := -std=gnu11 -ffreestanding -fno-builtin-printf -mgeneral-regs-only -mno-red-zone \
	    -fno-stack-protector -fno-pie -fno-pic -fcf-protection=none \
	    -fno-asynchronous-unwind-tables -fno-strict-aliasing -Os -g $(WARN) -Ivmm -I.

$(B)/tests/guest/%.o: tests/guest/%.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(GUEST_CFLAGS) -MMD -MP -c $< -o $@

$(B)/tests/guest/start.o: tests/guest/start.asm
	@mkdir -p $(@D)
	@echo "  NASM  $<"
	@$(NASM) -f elf64 -g -F dwarf $< -o $@

$(B)/tests/guest/builtin.elf: $(GUEST_O) tests/guest/guest.ld
	@echo "  LD    $@"
	@ld -nostdlib -static -z noexecstack --no-warn-rwx-segments -T tests/guest/guest.ld -o $@ \
		$(GUEST_O)

$(B)/tests/guest/builtin.bin: $(B)/tests/guest/builtin.elf
	@objcopy -O binary $< $@

$(B)/tests/guest/builtin.o: $(B)/tests/guest/builtin.bin
	@printf '%s\n' 'section .rodata' 'global builtin_image' 'global builtin_image_end' \
		'align 16' 'builtin_image: incbin "$<"' 'builtin_image_end:' > $(@:.o=.gen.asm)
	@$(NASM) -f elf64 $(@:.o=.gen.asm) -o $@
