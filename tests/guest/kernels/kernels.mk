# SPDX-License-Identifier: MIT
# Small kernels for VMs: multiboot (ELF, ELF for 64-bit loaders, addresses in the header, and some
# that must not be started) and flat images. For tests/qemu/cases_kernels.py.

K := $(B)/tests/guest/kernels
kernels: $(addprefix $(K)/,elf32 elf64 addresses checksum video cut flat flat-real)

$(K)/kernel.o: tests/guest/kernels/kernel.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) -m32 -march=i686 -Os $(filter-out -mcmodel=% -mno-red-zone -mpreferred-stack-boundary=%,$(FREESTANDING)) \
		$(WARN) -c $< -o $@

# Each its start, all one kernel.c.
$(K)/elf32.o $(K)/addresses.o $(K)/checksum.o $(K)/video.o: $(K)/%.o: tests/guest/kernels/start.asm
	@mkdir -p $(@D)
	@echo "  NASM  $< ($*)"
	@$(NASM) -f elf32 $(START_$*) $< -o $@
START_addresses := -DADDRESSES
START_checksum  := -DCHECKSUM=1
START_video     := -DFLAGS=4

$(K)/elf32 $(K)/checksum $(K)/video: $(K)/kernel.o tests/guest/kernels/kernel.ld
$(K)/elf32 $(K)/checksum $(K)/video: $(K)/%: $(K)/%.o
	@ld -m elf_i386 -nostdlib -static -z noexecstack -T tests/guest/kernels/kernel.ld -o $@ $< $(K)/kernel.o

$(K)/addresses: $(K)/addresses.o $(K)/kernel.o tests/guest/kernels/kernel.ld
	@ld -m elf_i386 -nostdlib -static -z noexecstack -T tests/guest/kernels/kernel.ld -o $@.elf $< $(K)/kernel.o
	@objcopy -O binary $@.elf $@

# The same code in an ELF file of the other class.
$(K)/elf64: $(K)/elf32
	@objcopy -O elf64-x86-64 $< $@

$(K)/cut: $(K)/elf32
	@head -c 4500 $< > $@

$(K)/flat $(K)/flat-real: $(K)/%: tests/guest/kernels/flat.asm
	@mkdir -p $(@D)
	@$(NASM) -f bin $(if $(filter %-real,$@),-DREAL) $< -o $@
