// SPDX-License-Identifier: MIT
#include "guest/bzimage.h"
#include "base/lib.h"
#include "guest/memory_map.h"
#include "guest/platform.h"
#include "vm.h"

/* Where the small pieces lie, all in low memory that the kernel knows as RAM. */
#define GDT_AT     0x6000
#define PARAMS_AT  0x7000
#define CMDLINE_AT 0x20000
#define TABLES_AT  0x10000 /* one PML4, one PDPT, and a directory for each GiB */

#define IDENTITY_GIB 4
#define PTE_TABLE    0x003ull
#define PTE_2MIB     0x083ull

#define SECTOR           512u
#define HEADER_AT        0x1f1u /* of the setup header, in the file and in the zero page */
#define HEADER_END_MAX   0x290u
#define BOOT_FLAG        0xaa55u
#define HEADER_MAGIC     0x53726448u /* HdrS */
#define VERSION_MIN      0x020cu     /* the first with a 64-bit entry */
#define VERSION_RSDP     0x020eu     /* the first that takes the RSDP's address */
#define XLOAD_KERNEL_64  (1u << 0)
#define ENTRY_64         0x200u
#define LOADER_UNDEFINED 0xff

enum header_field {
	SETUP_SECTORS = 0x1f1,
	BOOT_FLAG_AT = 0x1fe,
	JUMP_LENGTH = 0x201,
	MAGIC_AT = 0x202,
	VERSION_AT = 0x206,
	LOADER_TYPE = 0x210,
	RAMDISK_IMAGE = 0x218,
	RAMDISK_SIZE = 0x21c,
	CMD_LINE_PTR = 0x228,
	INITRD_ADDR_MAX = 0x22c,
	KERNEL_ALIGNMENT = 0x230,
	RELOCATABLE = 0x234,
	XLOADFLAGS = 0x236,
	CMDLINE_SIZE = 0x238,
	PREF_ADDRESS = 0x258,
	INIT_SIZE = 0x260,
	HEADER_NEEDED = 0x264, /* all of the fields above are there */
};

/* Of the zero page. */
enum params_field { ACPI_RSDP = 0x070, E820_ENTRIES = 0x1e8, E820_TABLE = 0x2d0 };

struct plan {
	uint64_t setup_bytes; /* real-mode part of the file, which isn't used */
	uint64_t kernel_at;
	uint64_t kernel_end; /* with what it needs while it unpacks itself */
	uint64_t initrd_at;
};

static uint64_t field(struct guest_file f, enum header_field at, unsigned bytes)
{
	uint64_t v = 0;

	memcpy(&v, f.data + at, bytes);
	return v;
}

bool bzimage_is(struct guest_file kernel)
{
	return kernel.data && kernel.bytes >= HEADER_NEEDED &&
	       field(kernel, BOOT_FLAG_AT, 2) == BOOT_FLAG &&
	       field(kernel, MAGIC_AT, 4) == HEADER_MAGIC;
}

static err_t plan_kernel(
	struct plan *p, uint64_t memory, struct guest_file kernel, const char **why)
{
	uint64_t sectors = field(kernel, SETUP_SECTORS, 1);
	uint64_t align = field(kernel, KERNEL_ALIGNMENT, 4);
	uint64_t need = field(kernel, INIT_SIZE, 4);

	*why = "kernel: no 64-bit entry (needs boot protocol 2.12 and a 64-bit kernel)";
	if (field(kernel, VERSION_AT, 2) < VERSION_MIN ||
		!(field(kernel, XLOADFLAGS, 2) & XLOAD_KERNEL_64))
		return ERR_INVALID;
	p->setup_bytes = ((sectors ? sectors : 4) + 1) * SECTOR;
	*why = "kernel: the file is cut off";
	if (p->setup_bytes + ENTRY_64 >= kernel.bytes)
		return ERR_INVALID;
	if (need < kernel.bytes - p->setup_bytes)
		need = kernel.bytes - p->setup_bytes;
	p->kernel_at = field(kernel, PREF_ADDRESS, 8);
	*why = "kernel: its header asks for an address that can't be";
	if (p->kernel_at < PLATFORM_HIGH_RAM || p->kernel_at % PAGE_BYTES)
		return ERR_INVALID;
	/* A relocatable one may lie lower where memory is small. */
	if (p->kernel_at > memory && field(kernel, RELOCATABLE, 1) && align >= PAGE_BYTES &&
		align <= memory && !(align & (align - 1)))
		p->kernel_at = ALIGN_UP((uint64_t)PLATFORM_HIGH_RAM, align);
	*why = "memory: too small for the kernel";
	if (p->kernel_at > memory || need > memory - p->kernel_at)
		return ERR_INVALID;
	p->kernel_end = p->kernel_at + need;
	return OK;
}

/* As high as it may be, so that the kernel has one piece of memory below. */
static err_t plan_initrd(struct plan *p, uint64_t memory, struct guest_file kernel,
	struct guest_file initrd, const char **why)
{
	uint64_t limit = field(kernel, INITRD_ADDR_MAX, 4) + 1;

	if (limit > memory)
		limit = memory;
	*why = "memory: too small for kernel and initrd";
	if (initrd.bytes > limit)
		return ERR_INVALID;
	p->initrd_at = ALIGN_DOWN(limit - initrd.bytes, PAGE_BYTES);
	return p->initrd_at < p->kernel_end ? ERR_INVALID : OK;
}

static bool put(struct vm *vm, uint64_t at, uint64_t value, unsigned bytes)
{
	return vm_write(vm, GPA(at), &value, bytes);
}

static bool write_tables(struct vm *vm)
{
	uint64_t pdpt = TABLES_AT + PAGE_BYTES, directory = pdpt + PAGE_BYTES;
	bool good = put(vm, TABLES_AT, pdpt | PTE_TABLE, 8);

	for (uint64_t g = 0; g < IDENTITY_GIB; g++)
		good &= put(vm, pdpt + 8 * g, (directory + g * PAGE_BYTES) | PTE_TABLE, 8);
	for (uint64_t n = 0; n < IDENTITY_GIB * 512; n++)
		good &= put(vm, directory + 8 * n, n * 2 * MIB | PTE_2MIB, 8);
	return good;
}

/* Selectors 10h and 18h, as the protocol wants them. */
static bool write_gdt(struct vm *vm)
{
	static const uint64_t gdt[] = { 0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff };

	return vm_write(vm, GPA(GDT_AT), gdt, sizeof(gdt));
}

static bool write_e820(struct vm *vm)
{
	struct memory_range map[MEMORY_RANGES];
	unsigned count = memory_map(map, vm->config->memory_bytes);

	return vm_write(vm, GPA(PARAMS_AT + E820_TABLE), map, count * sizeof(map[0])) &&
	       put(vm, PARAMS_AT + E820_ENTRIES, count, 1);
}

/* The rest of the zero page is zero, as the VM's memory is at its start. */
static bool write_params(struct vm *vm, const struct plan *p, struct guest_file kernel,
	struct guest_file initrd, gpa_t rsdp)
{
	uint64_t end = MAGIC_AT + field(kernel, JUMP_LENGTH, 1);

	if (end > HEADER_END_MAX)
		end = HEADER_END_MAX;
	if (end > kernel.bytes || end < HEADER_NEEDED)
		end = HEADER_NEEDED;
	return vm_write(vm, GPA(PARAMS_AT + HEADER_AT), kernel.data + HEADER_AT, end - HEADER_AT) &&
	       put(vm, PARAMS_AT + LOADER_TYPE, LOADER_UNDEFINED, 1) &&
	       put(vm, PARAMS_AT + RAMDISK_IMAGE, initrd.bytes ? p->initrd_at : 0, 4) &&
	       put(vm, PARAMS_AT + RAMDISK_SIZE, initrd.bytes, 4) &&
	       put(vm, PARAMS_AT + CMD_LINE_PTR, CMDLINE_AT, 4) &&
	       put(vm, PARAMS_AT + ACPI_RSDP,
		       field(kernel, VERSION_AT, 2) >= VERSION_RSDP ? rsdp.v : 0, 8) &&
	       write_e820(vm);
}

err_t bzimage_load(struct vm *vm, struct guest_file kernel, struct guest_file initrd,
	const char *cmdline, gpa_t rsdp, struct bzimage_start *start, const char **why)
{
	uint64_t memory = memory_piece(vm->config->memory_bytes, 0).bytes;
	struct plan p;

	*why = "kernel: not a Linux bzImage";
	if (!bzimage_is(kernel))
		return ERR_INVALID;
	err_t err = plan_kernel(&p, memory, kernel, why);

	if (err)
		return err;
	err = plan_initrd(&p, memory, kernel, initrd, why);
	if (err)
		return err;
	*why = "cmdline: longer than this kernel takes";
	if (strlen(cmdline) > field(kernel, CMDLINE_SIZE, 4))
		return ERR_INVALID;
	*why = "memory: too small";
	if (!vm_write(vm, GPA(p.kernel_at), kernel.data + p.setup_bytes,
		    kernel.bytes - p.setup_bytes) ||
		(initrd.bytes && !vm_write(vm, GPA(p.initrd_at), initrd.data, initrd.bytes)) ||
		!vm_write(vm, GPA(CMDLINE_AT), cmdline, strlen(cmdline) + 1) || !write_tables(vm) ||
		!write_gdt(vm) || !write_params(vm, &p, kernel, initrd, rsdp))
		return ERR_INVALID;
	*start = (struct bzimage_start){
		.entry = p.kernel_at + ENTRY_64,
		.boot_params = GPA(PARAMS_AT),
		.tables = GPA(TABLES_AT),
		.gdt = GPA(GDT_AT),
		.gdt_limit = 4 * 8 - 1,
	};
	return OK;
}
