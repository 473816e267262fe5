// SPDX-License-Identifier: MIT
/* sources: vmm/guest/bzimage.c vmm/guest/memory_map.c vmm/guest/guest_acpi.c vmm/base/lib.c */
/* Offsets are typed from Linux's boot.rst and zero-page.rst, and from the ACPI specification. */
#include "drivers/rtc.h"
#include "guest/bzimage.h"
#include "guest/guest_acpi.h"
#include "vm.h"
#include "test.h"

#define MEMORY (64 * MIB)

__asm__(".section .rodata\n.globl guest_dsdt, guest_dsdt_end\n"
	"guest_dsdt: .ascii \"DSDT\"\n.long 52\n.zero 28\n"
	".ascii \"..UART\"\n.byte 0x0a, 0xaa, 1, 2\n.ascii \"CMOS\"\n.byte 0x0a, 0xaa\nguest_dsdt_end:\n"
	".globl guest_processor, guest_processor_end\n"
	"guest_processor: .ascii \"SSDT\"\n.zero 32\n"
	".ascii \"CPUX_UID\"\n.byte 0x0a, 0xaa\nguest_processor_end:\n.text\n");

static struct vm_config config = { .name = "t", .memory_bytes = MEMORY };
static struct vm vm = { .config = &config, .vcpu_count = 2 };
static uint8_t *ram;
static uint8_t kernel[40 * 512];
static struct guest_file file;
static struct bzimage_start start;
static const char *why;
static uint64_t beyond;

uint64_t rtc_us_at(uint64_t ticks)
{
	return 0;
}

uint32_t vhpet_capabilities(const struct vhpet *h)
{
	return 0x80862201;
}

bool vm_write(struct vm *m, gpa_t to, const void *from, size_t bytes)
{
	if (to.v > config.memory_bytes || bytes > config.memory_bytes - to.v)
		return false;
	if (to.v >= MEMORY) { /* where much_memory() has no memory */
		beyond = to.v + bytes;
		return true;
	}
	memcpy(ram + to.v, from, bytes);
	return true;
}

static void set(unsigned at, uint64_t value, unsigned bytes)
{
	memcpy(kernel + at, &value, bytes);
}

static uint64_t in_ram(uint64_t at, unsigned bytes)
{
	uint64_t v = 0;

	memcpy(&v, ram + at, bytes);
	return v;
}

/* 3 setup sectors, then 36 sectors of kernel. */
static void fresh(void)
{
	free(ram);
	ram = calloc(1, MEMORY);
	config.memory_bytes = MEMORY;
	config.console = VM_CONSOLE_UART;
	for (unsigned i = 0; i < sizeof(kernel); i++)
		kernel[i] = (uint8_t)(i * 7);
	set(0x1f1, 3, 1);
	set(0x1fe, 0xaa55, 2);
	set(0x201, 0x66, 1);
	set(0x202, 0x53726448, 4);
	set(0x206, 0x20f, 2);
	set(0x22c, 0x7fffffff, 4);
	set(0x230, 0x200000, 4);
	set(0x234, 1, 1);
	set(0x236, 0x7f, 2);
	set(0x238, 2047, 4);
	set(0x258, 0x1000000, 8);
	set(0x260, 0x2000000, 4);
	file = (struct guest_file){ kernel, sizeof(kernel) };
}

static err_t load(struct guest_file initrd, const char *cmdline)
{
	return bzimage_load(&vm, file, initrd, cmdline, GPA(0xe0000), &start, &why);
}

TEST(whole)
{
	static uint8_t initrd[5000];

	fresh();
	memset(initrd, 0x77, sizeof(initrd));
	EXPECT(bzimage_is(file));
	EXPECT_EQ(load((struct guest_file){ initrd, sizeof(initrd) }, "console=ttyS0 x"), OK);
	EXPECT_EQ(start.entry, 0x1000200);
	EXPECT(!memcmp(ram + 0x1000000, kernel + 4 * 512, 36 * 512));
	uint64_t zero = start.boot_params.v;

	EXPECT(!memcmp(ram + zero + 0x202, "HdrS", 4));
	EXPECT_EQ(in_ram(zero + 0x070, 8), 0xe0000);
	EXPECT_EQ(in_ram(zero + 0x210, 1), 0xff);
	EXPECT_EQ(in_ram(zero + 0x218, 4), MEMORY - 0x2000);
	EXPECT_EQ(in_ram(zero + 0x21c, 4), 5000);
	EXPECT_EQ(ram[MEMORY - 0x2000 + 4999], 0x77);
	EXPECT(!strcmp((char *)ram + in_ram(zero + 0x228, 4), "console=ttyS0 x"));
	/* e820: low memory, tables, the rest, ECAM. */
	EXPECT_EQ(in_ram(zero + 0x1e8, 1), 4);
	EXPECT_EQ(in_ram(zero + 0x2d0, 8), 0);
	EXPECT_EQ(in_ram(zero + 0x2d8, 8), 0xa0000);
	EXPECT_EQ(in_ram(zero + 0x2e0, 4), 1);
	EXPECT_EQ(in_ram(zero + 0x2f4, 4), 2);
	EXPECT_EQ(in_ram(zero + 0x2f8, 8), 0x100000);
	EXPECT_EQ(in_ram(zero + 0x300, 8), MEMORY - 0x100000);
	EXPECT_EQ(in_ram(zero + 0x30c, 8), 0xe0000000);
	/* One to one: 3 GiB and something. */
	uint64_t pml4 = start.tables.v, pdpt = in_ram(pml4, 8),
		 pd = in_ram((pdpt & ~0xfffull) + 24, 8);

	EXPECT_EQ(pdpt & 0xfff, 3);
	EXPECT_EQ(in_ram((pd & ~0xfffull) + 8, 8), 0xc0200083);
	EXPECT_EQ(in_ram(start.gdt.v + 16, 8), 0x00af9b000000ffff);
	EXPECT_EQ(start.gdt_limit, 31);
}

/* The initrd stays below 2 GiB, whatever the kernel would take. */
TEST(much_memory)
{
	static uint8_t initrd[5000];
	uint64_t zero;

	fresh();
	set(0x22c, 0xffffffff, 4);
	config.memory_bytes = 5 * GIB;
	EXPECT_EQ(load((struct guest_file){ initrd, sizeof(initrd) }, ""), OK);
	zero = start.boot_params.v;
	EXPECT_EQ(in_ram(zero + 0x218, 4), 0x7fffe000);
	EXPECT_EQ(beyond, 0x7fffe000 + 5000);
	EXPECT_EQ(in_ram(zero + 0x1e8, 1), 5);
	EXPECT_EQ(in_ram(zero + 0x300, 8), 0x7ff00000);
	EXPECT_EQ(in_ram(zero + 0x320, 8), 0x100000000);
	EXPECT_EQ(in_ram(zero + 0x328, 8), 3 * GIB);
	EXPECT_EQ(in_ram(zero + 0x330, 4), 1);
	set(0x258, 0x100000000, 8);
	set(0x234, 0, 1);
	EXPECT(load((struct guest_file){ NULL, 0 }, "") && strstr(why, "memory"));
}

/* One thing wrong at a time; what is said names the file. */
static void refused(const char *about)
{
	err_t err = load((struct guest_file){ NULL, 0 }, "quiet");

	if (!err || !strstr(why, about))
		printf("%s: %s\n", about, err ? why : "taken");
	EXPECT(err && strstr(why, about));
	fresh();
}

TEST(refused_kernels)
{
	fresh();
	set(0x202, 0, 4);
	refused("not a Linux bzImage");
	set(0x206, 0x20b, 2);
	refused("64-bit");
	set(0x236, 0, 2);
	refused("64-bit");
	set(0x1f1, 0xff, 1);
	refused("cut off");
	file.bytes = 0x1fff;
	set(0x1f1, 15, 1);
	refused("cut off");
	file.bytes = 0x263;
	refused("not a Linux bzImage");
	set(0x258, 0x1000, 8);
	refused("address");
	set(0x258, 0xfffffffffffff000, 8);
	set(0x234, 0, 1);
	refused("memory");
	set(0x260, 0xffffffff, 4);
	refused("memory");
	set(0x238, 4, 4);
	refused("cmdline");
	/* Where memory ends below the address that it likes, a relocatable one lies lower. */
	config.memory_bytes = 16 * MIB - 4096;
	set(0x260, 0x100000, 4);
	EXPECT_EQ(load((struct guest_file){ NULL, 0 }, ""), OK);
	EXPECT_EQ(start.entry, 0x200200);
	set(0x230, 3, 4);
	refused("memory");
}

TEST(initrd_in_the_way)
{
	struct guest_file huge = { ram, MEMORY - 0x1000000 - 0x2000000 + 1 };
	uint8_t *bytes = calloc(1, huge.bytes);

	fresh();
	huge.data = bytes;
	EXPECT(load(huge, "") != OK && strstr(why, "initrd"));
	huge.bytes--;
	EXPECT_EQ(load(huge, ""), OK);
	huge.bytes = ~0ull;
	EXPECT(load(huge, "") != OK);
	huge.bytes = 4096;
	set(0x22c, 0xfff, 4); /* only below the kernel */
	EXPECT(load(huge, "") != OK);
	free(bytes);
}

/* Whatever a header says, nothing is read beyond the file nor written beyond memory (ASan). */
TEST(random_headers)
{
	uint32_t seed = 1;

	for (unsigned n = 0; n < 3000; n++) {
		fresh();
		for (unsigned i = 0; i < 6; i++) {
			seed = seed * 1103515245 + 12345;
			kernel[0x1f1 + (seed >> 8) % 0x80] = (uint8_t)(seed >> 24);
		}
		set(0x202, 0x53726448, 4);
		set(0x1fe, 0xaa55, 2);
		size_t bytes = 0x264 + (seed >> 4) % (sizeof(kernel) - 0x264);
		uint8_t *exact = malloc(bytes);

		memcpy(exact, kernel, bytes);
		file = (struct guest_file){ exact, bytes };
		if (load((struct guest_file){ exact, bytes }, "quiet") == OK)
			EXPECT(start.entry < MEMORY);
		free(exact);
	}
}

static unsigned sum(uint64_t at, unsigned bytes)
{
	uint8_t s = 0;

	while (bytes--)
		s += ram[at++];
	return s;
}

TEST(acpi)
{
	gpa_t rsdp;

	fresh();
	EXPECT_EQ(guest_acpi_place(&vm, &rsdp), OK);
	EXPECT(!memcmp(ram + rsdp.v, "RSD PTR ", 8));
	EXPECT_EQ(sum(rsdp.v, 20), 0);
	EXPECT_EQ(sum(rsdp.v, 36), 0);
	uint64_t xsdt = in_ram(rsdp.v + 24, 8);

	EXPECT_EQ(in_ram(xsdt + 4, 4), 36 + 4 * 8);
	EXPECT_EQ(sum(xsdt, 68), 0);
	for (unsigned i = 0; i < 4; i++) {
		uint64_t at = in_ram(xsdt + 36 + 8 * i, 8);

		EXPECT_EQ(sum(at, (unsigned)in_ram(at + 4, 4)), 0);
		if (!memcmp(ram + at, "FACP", 4)) {
			uint64_t dsdt = in_ram(at + 140, 8);

			EXPECT(in_ram(at + 112, 4) & 1 << 20); /* hardware-reduced */
			EXPECT_EQ(in_ram(at + 116 + 4, 8), 0xcf9);
			EXPECT_EQ(in_ram(at + 244 + 4, 8), 0x600);
			EXPECT_EQ(sum(dsdt, 52), 0);
			EXPECT_EQ(ram[dsdt + 43], 1); /* there is a console */
			EXPECT_EQ(ram[dsdt + 51], 0); /* and no clock */
		} else if (!memcmp(ram + at, "APIC", 4)) {
			EXPECT_EQ(in_ram(at + 4, 4), 44 + 2 * 8 + 12);
			EXPECT_EQ(in_ram(at + 44 + 8, 4), 0x01010800); /* vCPU 1 */
			EXPECT_EQ(in_ram(at + 60 + 4, 4), 0xfec00000);
		} else if (!memcmp(ram + at, "SSDT", 4)) {
			EXPECT_EQ(in_ram(at + 4, 4), 36 + 2 * 10);
			EXPECT(!memcmp(ram + at + 36,
				"C000_UID\x0a\x00"
				"C001_UID\x0a\x01",
				20));
		} else {
			EXPECT(!memcmp(ram + at, "MCFG", 4));
			EXPECT_EQ(in_ram(at + 44, 8), 0xe0000000);
		}
	}
	config.console = VM_CONSOLE_NONE;
	EXPECT_EQ(guest_acpi_place(&vm, &rsdp), OK);
	EXPECT_EQ(ram[0xe0030 + 43], 0);
	config.memory_bytes = 0xe0000;
	EXPECT(guest_acpi_place(&vm, &rsdp) != OK);
	config.memory_bytes = MEMORY;
}

/* Where the guest finds a table; 0: nowhere. */
static uint64_t table(const char *signature)
{
	gpa_t rsdp;

	EXPECT_EQ(guest_acpi_place(&vm, &rsdp), OK);
	uint64_t xsdt = in_ram(rsdp.v + 24, 8);

	EXPECT_EQ(sum(xsdt, (unsigned)in_ram(xsdt + 4, 4)), 0);
	for (uint64_t i = 36; i < in_ram(xsdt + 4, 4); i += 8) {
		uint64_t at = in_ram(xsdt + i, 8);

		EXPECT_EQ(sum(at, (unsigned)in_ram(at + 4, 4)), 0);
		if (!memcmp(ram + at, signature, 4))
			return at;
	}
	return 0;
}

TEST(acpi_without_an_hpet)
{
	fresh();
	uint64_t fadt = table("FACP");

	EXPECT_EQ(in_ram(fadt + 112, 4), 0x100435);
	EXPECT_EQ(in_ram(fadt + 46, 2), 0);
	EXPECT_EQ(in_ram(fadt + 56, 4), 0);
	EXPECT_EQ(in_ram(fadt + 64, 4), 0);
	EXPECT_EQ(in_ram(fadt + 152, 8), 0);
	EXPECT_EQ(table("HPET"), 0);
}

/* Linux looks for an HPET only where hardware is not reduced: then PM1 blocks must be there. */
TEST(acpi_with_an_hpet)
{
	fresh();
	vm.hpet.device.vm = &vm;
	uint64_t fadt = table("FACP");

	EXPECT_EQ(in_ram(fadt + 112, 4), 0x435); /* neither reduced nor fixed buttons */
	EXPECT_EQ(in_ram(fadt + 46, 2), 9);
	EXPECT_EQ(in_ram(fadt + 48, 4), 0); /* no SMI port: ACPI is on */
	EXPECT_EQ(in_ram(fadt + 56, 4), 0x604);
	EXPECT_EQ(in_ram(fadt + 64, 4), 0x608);
	EXPECT_EQ(in_ram(fadt + 88, 2), 0x0204);
	EXPECT_EQ(in_ram(fadt + 96, 4), 0xffffffff); /* neither C2 nor C3 */
	EXPECT_EQ(in_ram(fadt + 148, 4), 0x02002001);
	EXPECT_EQ(in_ram(fadt + 152, 8), 0x604);
	EXPECT_EQ(in_ram(fadt + 172, 4), 0x02001001);
	EXPECT_EQ(in_ram(fadt + 176, 8), 0x608);
	uint64_t hpet = table("HPET");

	EXPECT(hpet);
	EXPECT_EQ(in_ram(hpet + 4, 4), 56);
	EXPECT_EQ(in_ram(hpet + 36, 4), 0x80862201);
	EXPECT_EQ(in_ram(hpet + 40, 4), 0);
	EXPECT_EQ(in_ram(hpet + 44, 8), 0xfed00000);
	EXPECT_EQ(in_ram(hpet + 52, 4), 0);
	vm.hpet.device.vm = NULL;
}
