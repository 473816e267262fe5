# SPDX-License-Identifier: MIT
# reveille.efi: a GNU-EFI application that carries the VMM image inside itself.

EFI_LIB := /usr/lib
BOOT_C  := $(wildcard boot/*.c)
# The parser of the configuration, and what it needs, is the same source as in the VMM.
BOOT_O  := $(BOOT_C:%.c=$(B)/%.efi.o) \
	   $(patsubst %.c,$(B)/%.efi.o,$(wildcard vmm/config*.c)) \
	   $(addprefix $(B)/,vmm/base/lib.efi.o vmm/base/string.efi.o) \
	   $(B)/boot/switch.efi.o $(B)/boot/vmm_image.efi.o

# The survey: drivers that only read, with physical memory as firmware maps it (boot/identity/hw/ in
# the place of one of vmm/hw/'s files).
SURVEY_C := $(wildcard vmm/survey/*.c) vmm/device_path.c drivers/acpi.c drivers/acpi_tables.c \
	    drivers/pci.c drivers/pci_acs.c drivers/pci_bridge.c drivers/pci_config.c drivers/hpet.c \
	    drivers/msi.c drivers/msix.c iommu/features.c iommu/ivrs.c svm/probe.c
SURVEY_O := $(SURVEY_C:%.c=$(B)/%.survey.o)
BOOT_O   += $(SURVEY_O)

BOOT_CFLAGS := -std=gnu11 -ffreestanding -fno-builtin-printf -fpic -fshort-wchar -mno-red-zone \
	    -mgeneral-regs-only -maccumulate-outgoing-args -fno-stack-protector -fcf-protection=none \
	    -fno-asynchronous-unwind-tables -fno-strict-aliasing -fvisibility=hidden \
	    -DGNU_EFI_USE_MS_ABI -O2 -g $(WARN) $(INCLUDES) \
	    -isystem /usr/include/efi -isystem /usr/include/efi/x86_64

$(SURVEY_O): $(B)/%.survey.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $< (survey)"
	@$(CC) $(filter-out $(INCLUDES),$(BOOT_CFLAGS)) -Iboot/identity $(INCLUDES) -MMD -MP -c $< -o $@

$(B)/boot/survey.efi.o: BOOT_CFLAGS := -Iboot/identity $(BOOT_CFLAGS)
$(B)/%.efi.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $< (EFI)"
	@$(CC) $(BOOT_CFLAGS) -MMD -MP -c $< -o $@

$(B)/%.efi.o: %.asm
	@mkdir -p $(@D)
	@echo "  NASM  $<"
	@$(NASM) -f elf64 -I$(B)/ $< -o $@

$(B)/%.stripped: $(B)/%.elf
	@objcopy --strip-all $< $@

$(B)/boot/vmm_image.efi.o: $(B)/vmm.stripped $(B)/vmm-traced.stripped

$(B)/reveille.so: $(BOOT_O)
	@echo "  LD    $@"
	@ld -nostdlib -znocombreloc -z noexecstack -shared -Bsymbolic --no-undefined \
		-T $(EFI_LIB)/elf_x86_64_efi.lds -o $@ $(EFI_LIB)/crt0-efi-x86_64.o \
		$(BOOT_O) -L$(EFI_LIB) -lgnuefi

$(B)/reveille.efi: $(B)/reveille.so
	@echo "  EFI   $@"
	@objcopy -j .text -j .sdata -j .data -j .dynamic -j .dynsym -j '.rel*' -j .reloc \
		--target efi-app-x86_64 --subsystem=10 $< $@
