// SPDX-License-Identifier: MIT
#include "guest/multiboot.h"
#include "base/bits.h"
#include "base/lib.h"
#include "guest/elf.h"
#include "guest/memory_map.h"
#include "guest/platform.h"
#include "vm.h"

/* "OS image format": the header, somewhere in the first 8 KiB on a 4-byte boundary. */
#define SEARCH_BYTES  8192u
#define HEADER_MAGIC  0x1badb002u
#define MAGIC_2       0xe85250d6u /* of the second edition of the protocol */
#define HEADER_BYTES  12u
#define ADDRESS_BYTES 32u /* with its addresses */
#define ALIGN_MODULES BIT(0)
#define WANT_MEMORY   BIT(1)
#define WANT_VIDEO    BIT(2)
#define HAS_ADDRESSES BIT(16)
#define MUST_KNOW     0xffffu /* a loader that doesn't know one of these must not start it */

enum header_field {
	HEADER_FLAGS = 4,
	HEADER_CHECKSUM = 8,
	HEADER_ADDRESS = 12,
	LOAD_ADDRESS = 16,
	LOAD_END = 20,
	BSS_END = 24,
	ENTRY_ADDRESS = 28,
};

/* "Boot information format". */
#define INFO_MEMORY  BIT(0)
#define INFO_CMDLINE BIT(2)
#define INFO_MODULES BIT(3)
#define INFO_MAP     BIT(6)
#define INFO_LOADER  BIT(9)

struct info {
	uint32_t flags, lower_kib, upper_kib, boot_device, cmdline, module_count, modules;
	uint32_t symbols[4];
	uint32_t map_bytes, map, drives_bytes, drives, config_table, loader_name;
};
_Static_assert(offsetof(struct info, map_bytes) == 44 && offsetof(struct info, loader_name) == 64,
	"Multiboot 0.6.96, \"Boot information format\"");

struct map_entry {
	uint32_t bytes; /* of what follows */
	struct memory_range range;
} __attribute__((packed));

struct module {
	uint32_t begin, end, name, reserved;
};

/* The pieces of the page that the kernel is told of. */
enum piece {
	INFO_AT = 0, /* with room for what this edition has and we don't */
	MAP_AT = 0x80,
	MODULE_AT = 0x100,
	LOADER_AT = 0x110,
	MODULE_NAME_AT = 0x140,
	CMDLINE_AT = 0x200,
	PIECES_END = CMDLINE_AT + CONFIG_CMDLINE,
};
_Static_assert(MAP_AT + MEMORY_RANGES * sizeof(struct map_entry) <= MODULE_AT &&
		       MODULE_NAME_AT + CONFIG_PATH <= CMDLINE_AT && PIECES_END <= PAGE_BYTES,
	"all pieces are in one page");

/* Not the first page: a null pointer shall stay one. */
#define INFO_FROM PAGE_BYTES

static uint32_t word(struct guest_file file, uint64_t at)
{
	uint32_t value;

	memcpy(&value, file.data + at, sizeof(value));
	return value;
}

static err_t find_header(struct guest_file file, uint32_t *found, const char **why)
{
	const uint64_t end = file.bytes < SEARCH_BYTES ? file.bytes : SEARCH_BYTES;
	bool had_magic = false;

	*why = "kernel: neither a Linux bzImage nor a multiboot kernel (no header in its first "
	       "8 KiB); expected kernel-type = flat for a flat image";
	for (uint32_t at = 0; at + HEADER_BYTES <= end; at += 4) {
		uint32_t magic = word(file, at);

		if (magic == MAGIC_2 && !had_magic)
			*why = "kernel: its header is that of Multiboot 2; expected Multiboot 1";
		if (magic != HEADER_MAGIC)
			continue;
		*found = at;
		if (magic + word(file, at + HEADER_FLAGS) + word(file, at + HEADER_CHECKSUM) == 0)
			return OK;
		had_magic = true;
		*why = "kernel: the checksum of its multiboot header is wrong";
	}
	return ERR_INVALID;
}

/* The file lies in memory as it is, from load_address on. */
static err_t read_addresses(struct image *image, uint32_t at, const char **why)
{
	const struct guest_file f = image->file;

	*why = "kernel: its multiboot header is cut off";
	if (at + ADDRESS_BYTES > f.bytes)
		return ERR_INVALID;
	uint32_t header = word(f, at + HEADER_ADDRESS), load = word(f, at + LOAD_ADDRESS);
	uint32_t load_end = word(f, at + LOAD_END), bss_end = word(f, at + BSS_END);

	*why = "kernel: the addresses in its multiboot header contradict each other";
	if (load > header || header - load > at)
		return ERR_INVALID;
	uint64_t file_at = at - (header - load);
	uint64_t bytes = load_end ? (uint64_t)load_end - load : f.bytes - file_at;

	if ((load_end && load_end < load) || (bss_end && bss_end < load + bytes))
		return ERR_INVALID;
	uint64_t memory = bss_end ? (uint64_t)bss_end - load : bytes;
	err_t err = image_add(image, (struct segment){ load, memory, file_at, bytes }, why);

	if (err)
		return err;
	*why = "kernel: its entry isn't inside what is loaded";
	image->entry = word(f, at + ENTRY_ADDRESS);
	return image_has(image, image->entry) ? OK : ERR_INVALID;
}

err_t multiboot_read(struct image *image, const char **why)
{
	uint32_t at;
	err_t err = find_header(image->file, &at, why);

	if (err)
		return err;
	uint32_t flags = word(image->file, at + HEADER_FLAGS);

	*why = "kernel: its multiboot header asks for a video mode, which the VM doesn't have";
	if (flags & WANT_VIDEO)
		return ERR_UNFIT;
	*why = "kernel: its multiboot header asks for what nobody knows";
	if (flags & MUST_KNOW & ~(uint32_t)(ALIGN_MODULES | WANT_MEMORY))
		return ERR_UNFIT;
	if (flags & HAS_ADDRESSES)
		return read_addresses(image, at, why);
	*why = "kernel: no ELF file, and no addresses in its multiboot header";
	return elf_is(image->file) ? elf_read(image, why) : ERR_INVALID;
}

static bool put_text(struct vm *vm, uint64_t at, const char *text)
{
	return vm_write(vm, GPA(at), text, strlen(text) + 1);
}

static bool write_map(struct vm *vm, uint64_t at, const struct memory_range map[], unsigned count)
{
	bool good = true;

	for (unsigned i = 0; i < count; i++) {
		const struct map_entry e = { sizeof(e.range), map[i] };

		good &= vm_write(vm, GPA(at + i * sizeof(e)), &e, sizeof(e));
	}
	return good;
}

/* page: where the pieces go; module: where the initrd lies. */
static bool write_info(struct vm *vm, uint32_t page, uint32_t module, struct guest_file initrd)
{
	const uint64_t memory = vm->config->memory_bytes;
	struct memory_range map[MEMORY_RANGES];
	unsigned count = memory_map(map, memory);
	const struct info info = {
		.flags = INFO_MEMORY | INFO_CMDLINE | INFO_MODULES | INFO_MAP | INFO_LOADER,
		.lower_kib = PLATFORM_LOW_RAM_END / KIB,
		.upper_kib = (uint32_t)((memory_piece(memory, 0).bytes - PLATFORM_HIGH_RAM) / KIB),
		.cmdline = page + CMDLINE_AT,
		.module_count = initrd.bytes != 0,
		.modules = page + MODULE_AT,
		.map_bytes = (uint32_t)(count * sizeof(struct map_entry)),
		.map = page + MAP_AT,
		.loader_name = page + LOADER_AT,
	};
	const struct module m = { module, module + (uint32_t)initrd.bytes, page + MODULE_NAME_AT,
		0 };

	return vm_write(vm, GPA(page + INFO_AT), &info, sizeof(info)) &&
	       write_map(vm, page + MAP_AT, map, count) &&
	       (!initrd.bytes || vm_write(vm, GPA(page + MODULE_AT), &m, sizeof(m))) &&
	       put_text(vm, page + LOADER_AT, "Reveille") &&
	       put_text(vm, page + MODULE_NAME_AT, vm->config->initrd.path) &&
	       put_text(vm, page + CMDLINE_AT, vm->config->cmdline);
}

/* The module lies behind all else, since kernels like to have what follows their last byte for
 * themselves until they have read about it. */
err_t multiboot_place(
	struct vm *vm, struct image *image, struct guest_file initrd, gpa_t *info, const char **why)
{
	uint64_t page = image_gap(image, INFO_FROM, PIECES_END), module = 0;

	*why = "memory: too small for the kernel and what it is told";
	if (page == IMAGE_NOWHERE)
		return ERR_INVALID;
	if (initrd.bytes) {
		uint64_t end = image_end(image), behind = page + PIECES_END;

		*why = "memory: too small for kernel and initrd";
		behind = behind > end ? behind : end;
		module = image_gap(image, behind > PLATFORM_HIGH_RAM ? behind : PLATFORM_HIGH_RAM,
			initrd.bytes);
		if (module == IMAGE_NOWHERE ||
			!vm_write(vm, GPA(module), initrd.data, initrd.bytes))
			return ERR_INVALID;
	}
	*info = GPA(page);
	return image_write(image, vm) && write_info(vm, (uint32_t)page, (uint32_t)module, initrd)
		       ? OK
		       : ERR_INVALID;
}
