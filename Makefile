# SPDX-License-Identifier: MIT
# Reveille. `make help` says what there is.

B      := build
CC     := gcc
NASM   := nasm
PYTHON := /usr/bin/python3

VMM_C   := $(wildcard vmm/*.c vmm/base/*.c vmm/guest/*.c svm/*.c avic/*.c iommu/*.c drivers/*.c)
VMM_ASM := $(wildcard vmm/*.asm svm/*.asm boot/ap_start.asm)
VMM_O   := $(VMM_C:%.c=$(B)/%.o) $(VMM_ASM:%.asm=$(B)/%.asm.o) $(B)/tests/guest/builtin.o

WARN     := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef \
	    -Wvla -Wenum-conversion -Wno-unused-parameter
INCLUDES := -Ivmm -I.
# No FPU or vector registers in host code: they always hold a guest's values.
FREESTANDING := -std=gnu11 -ffreestanding -fno-builtin-printf -mgeneral-regs-only -mno-red-zone \
	    -fno-stack-protector -fno-pie -fno-pic -fcf-protection=none \
	    -fno-asynchronous-unwind-tables -fno-strict-aliasing
VMM_CFLAGS := $(FREESTANDING) -mcmodel=kernel -O2 -g $(WARN) $(INCLUDES)

.PHONY: all
all: $(B)/reveille.efi

$(B)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(VMM_CFLAGS) -MMD -MP -c $< -o $@

$(B)/%.asm.o: %.asm
	@mkdir -p $(@D)
	@echo "  NASM  $<"
	@$(NASM) -f elf64 -g -F dwarf -I./ -Isvm/ -Ivmm/ -I$(B)/ -MD $(@:.o=.d) $< -o $@

# Offsets of C structures for the assembler: a compiler-made listing, never typed.
$(B)/offsets.inc: svm/offsets.c
	@mkdir -p $(@D)
	@echo "  GEN   $@"
	@$(CC) $(VMM_CFLAGS) -MMD -MP -MT $@ -MF $(B)/offsets.d -S $< -o $(B)/offsets.s
	@sed -n 's/^[^"]*"#define \([A-Z0-9_]*\) [$$]*\([0-9]*\)".*/%define \1 \2/p' $(B)/offsets.s > $@
	@test -s $@ || { echo "$@ is empty: svm/offsets.c"; rm -f $@; exit 1; }
$(VMM_ASM:%.asm=$(B)/%.asm.o): $(B)/offsets.inc

$(B)/vmm.elf: $(VMM_O) vmm/vmm.ld
	@echo "  LD    $@"
	@ld -nostdlib -static -z noexecstack -z max-page-size=4096 --no-warn-rwx-segments \
		-T vmm/vmm.ld -o $@ $(VMM_O)

-include $(shell find $(B) -name '*.d' 2>/dev/null)

include tests/guest/guest.mk
include boot/boot.mk

.PHONY: clean
clean:
	rm -rf $(B)
