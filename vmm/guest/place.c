// SPDX-License-Identifier: MIT
#include "guest/place.h"
#include "base/lib.h"
#include "boot/boot_info.h"
#include "guest/builtin.h"
#include "guest/bzimage.h"
#include "guest/guest_acpi.h"
#include "guest/multiboot.h"
#include "guest/platform.h"
#include "vm.h"
#include <hw/mem.h>

enum { REG_RAX = 0, REG_RBX = 3, REG_RSI = 6 };

static const struct boot_info *files;

void guest_files_init(const struct boot_info *boot)
{
	files = boot;
}

/* .data is NULL when the configuration names none. The loader has read all that it names. */
static struct guest_file find(const struct config_file *wanted)
{
	struct guest_file none = { NULL, 0 };

	if (!wanted->path[0] || !files)
		return none;
	for (uint32_t i = 0; i < files->file_count; i++) {
		const struct boot_file *f = &files->files[i];

		if (strcmp(f->name, wanted->path) == 0)
			return (struct guest_file){ phys_to_virt(PHYS(f->base)), f->bytes };
	}
	return none;
}

/*
 * All the firmware that there is: whoever starts it wants a reset. Linux does, by a jump in real
 * mode: on a hardware-reduced machine it wants EFI's ResetSystem() and, where there is no EFI, goes
 * on to "the BIOS" without a look at the ACPI reset register.
 */
static bool place_reset_vector(struct vm *vm)
{
	static const uint8_t code[] = {
		0xb0, PLATFORM_RESET_VALUE,                       /* mov al, .. */
		0xba, PLATFORM_RESET & 0xff, PLATFORM_RESET >> 8, /* mov dx, .. */
		0xee,                                             /* out dx, al */
		0xf4, 0xeb, 0xfd,                                 /* hlt; jmp to it */
	};

	return vm_write(vm, GPA(PLATFORM_RESET_VECTOR), code, sizeof(code));
}

static err_t place_linux(struct vm *vm, struct guest_file kernel, struct guest_file initrd,
	gpa_t rsdp, const char **why)
{
	struct bzimage_start start;
	err_t err = bzimage_load(vm, kernel, initrd, vm->config->cmdline, rsdp, &start, why);
	if (err)
		return err;
	struct svm_vcpu *s = &vm->vcpus[0].svm;

	svm_vcpu_start_long(s, start.tables, start.entry, 0, 0);
	svm_set_reg(s, REG_RSI, start.boot_params.v);
	svm_set_gdt(s, start.gdt, start.gdt_limit);
	return OK;
}

/* A multiboot kernel, or a file that is one without a header: config says where it goes. */
static err_t place_image(
	struct vm *vm, struct guest_file kernel, struct guest_file initrd, const char **why)
{
	const struct vm_config *config = vm->config;
	struct svm_vcpu *s = &vm->vcpus[0].svm;
	struct image image = { .file = kernel, .memory_bytes = config->memory_bytes };
	bool flat = config->kernel_type == KERNEL_FLAT || config->kernel_type == KERNEL_FLAT_REAL;
	gpa_t info;
	err_t err = flat ? image_flat(&image, config->load_at, config->entry, why)
			 : multiboot_read(&image, why);

	if (!err)
		err = multiboot_place(vm, &image, initrd, &info, why);
	if (err)
		return err;
	if (config->kernel_type == KERNEL_FLAT_REAL)
		svm_vcpu_start_boot_sector(s, image.entry);
	else
		svm_vcpu_start_flat(s, image.entry);
	svm_set_reg(s, REG_RAX, MULTIBOOT_LOADED);
	svm_set_reg(s, REG_RBX, info.v);
	return OK;
}

static err_t place_kernel(struct vm *vm, const char **why)
{
	const struct vm_config *config = vm->config;
	struct guest_file kernel = find(&config->kernel), initrd = find(&config->initrd);
	gpa_t rsdp;

	*why = "its ACPI tables don't fit";
	err_t err = guest_acpi_place(vm, &rsdp);

	if (err)
		return err;
	*why = "memory: too small";
	if (!place_reset_vector(vm))
		return ERR_INVALID;
	if (config->kernel_type == KERNEL_LINUX ||
		(config->kernel_type == KERNEL_AUTO && bzimage_is(kernel)))
		return place_linux(vm, kernel, initrd, rsdp, why);
	return place_image(vm, kernel, initrd, why);
}

err_t guest_place(struct vm *vm, const char **why)
{
	const struct vm_config *config = vm->config;

	vmtrr_reset(&vm->mtrr);
	vioapic_reset(&vm->ioapic);
	if (config->builtin)
		return builtin_place(vm, why);
	for (uint32_t i = 0; i < vm->vcpu_count; i++)
		vm->vcpus[i].waits_for_sipi = i != 0;
	vuart_reset(&vm->uart);
	err_t err = place_kernel(vm, why);

	if (err) {
		fmt_text(vm->why_not, sizeof(vm->why_not), "%s: %s", config->kernel.path, *why);
		*why = vm->why_not;
	}
	return err;
}
