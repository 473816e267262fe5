// SPDX-License-Identifier: MIT
/* sources: vmm/guest/multiboot.c vmm/guest/image.c vmm/guest/elf.c vmm/guest/memory_map.c */
/* sources: vmm/base/lib.c */
/* Offsets are typed from the Multiboot Specification 0.6.96 and from the System V ABI. */
#include "guest/multiboot.h"
#include "vm.h"
#include "test.h"

#define MEMORY     (16 * MIB)
#define FILE_BYTES 0x3000u

static struct vm_config config = { .memory_bytes = MEMORY };
static struct vm vm = { .config = &config };
static uint8_t ram[MEMORY];
static uint8_t kernel[FILE_BYTES];
static struct image image;
static const char *why;

bool vm_write(struct vm *m, gpa_t to, const void *from, size_t bytes)
{
	if (to.v > config.memory_bytes || bytes > config.memory_bytes - to.v)
		return false;
	EXPECT(to.v + bytes <= sizeof(ram));
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

static void header(unsigned at, uint32_t flags)
{
	set(at, 0x1badb002, 4);
	set(at + 4, flags, 4);
	set(at + 8, 0 - (0x1badb002 + flags), 4);
}

static void fresh(void)
{
	for (unsigned i = 0; i < sizeof(kernel); i++)
		kernel[i] = (uint8_t)(i * 7 + i / 256);
	config.memory_bytes = MEMORY;
	strcpy(config.cmdline, "console=com1 x");
	strcpy(config.initrd.path, "mod/one");
	image = (struct image){ .file = { kernel, sizeof(kernel) }, .memory_bytes = MEMORY };
}

/* Two segments: 1000h bytes to 1 MiB and 234h of 2000h to 2 MiB; linked at C0000000h and above. */
static void elf(unsigned class)
{
	unsigned w = class == 2 ? 8 : 4, table = class == 2 ? 0x40 : 0x34;
	unsigned size = class == 2 ? 56 : 32;
	static const uint64_t segment[2][5] = {
		{ 0x1000, 0xc0100000, 0x100000, 0x1000, 0x1000 },
		{ 0x2000, 0xc0200000, 0x200000, 0x234, 0x2000 },
	};

	fresh();
	memset(kernel, 0, 0x200);
	memcpy(kernel, "\177ELF", 4);
	set(4, class, 1);
	set(5, 1, 1);
	set(16, 2, 2);
	set(18, class == 2 ? 62 : 3, 2);
	set(24, 0xc0100020, w);
	set(class == 2 ? 32 : 28, table, w);
	set(class == 2 ? 54 : 42, size, 2);
	set(class == 2 ? 56 : 44, 2, 2);
	for (unsigned i = 0; i < 2; i++) {
		set(table + i * size, 1, 4);
		for (unsigned f = 0; f < 5; f++)
			set(table + i * size + (class == 2 ? 8 : 4) + f * w, segment[i][f], w);
	}
	header(0x1ff4, 3); /* the last place that there is */
}

static void addresses(
	uint32_t address, uint32_t load, uint32_t load_end, uint32_t bss_end, uint32_t entry)
{
	fresh();
	header(0x40, 0x10003);
	set(0x4c, address, 4);
	set(0x50, load, 4);
	set(0x54, load_end, 4);
	set(0x58, bss_end, 4);
	set(0x5c, entry, 4);
}

static gpa_t place(struct guest_file initrd)
{
	gpa_t info = { 0 };

	memset(ram, 0, sizeof(ram));
	EXPECT_EQ(multiboot_read(&image, &why), OK);
	EXPECT_EQ(multiboot_place(&vm, &image, initrd, &info, &why), OK);
	return info;
}

static void loaded(unsigned class)
{
	static uint8_t initrd[5000];

	elf(class);
	memset(initrd, 0x77, sizeof(initrd));
	uint64_t info = place((struct guest_file){ initrd, sizeof(initrd) }).v;

	EXPECT_EQ(image.entry, 0x100020);
	EXPECT(!memcmp(ram + 0x100000, kernel + 0x1000, 0x1000));
	EXPECT(!memcmp(ram + 0x200000, kernel + 0x2000, 0x234));
	EXPECT_EQ(in_ram(0x200234, 8), 0);
	EXPECT_EQ(in_ram(info, 4), 0x24d);
	EXPECT_EQ(in_ram(info + 4, 4), 640);
	EXPECT_EQ(in_ram(info + 8, 4), 15 * 1024);
	EXPECT(!strcmp((char *)ram + in_ram(info + 16, 4), "console=com1 x"));
	EXPECT_EQ(in_ram(info + 20, 4), 1);
	uint64_t mod = in_ram(info + 24, 4);

	/* Behind the second segment. */
	EXPECT_EQ(in_ram(mod, 4), 0x202000);
	EXPECT_EQ(in_ram(mod + 4, 4), 0x202000 + 5000);
	EXPECT(!strcmp((char *)ram + in_ram(mod + 8, 4), "mod/one"));
	EXPECT_EQ(ram[0x202000 + 4999], 0x77);
	EXPECT_EQ(in_ram(info + 44, 4), 4 * 24);
	uint64_t map = in_ram(info + 48, 4);

	EXPECT_EQ(in_ram(map, 4), 20);
	EXPECT_EQ(in_ram(map + 4, 8), 0);
	EXPECT_EQ(in_ram(map + 12, 8), 0xa0000);
	EXPECT_EQ(in_ram(map + 20, 4), 1);
	EXPECT_EQ(in_ram(map + 24 + 20, 4), 2);
	EXPECT_EQ(in_ram(map + 48 + 4, 8), 0x100000);
	EXPECT_EQ(in_ram(map + 48 + 12, 8), 15 * MIB);
	EXPECT(!strcmp((char *)ram + in_ram(info + 64, 4), "Reveille"));
}

TEST(elf_of_both_classes)
{
	loaded(1);
	loaded(2);
}

/* A kernel that is linked high and names its entry as it is in memory. */
TEST(physical_entry)
{
	elf(1);
	set(24, 0x100123, 4);
	place((struct guest_file){ NULL, 0 });
	EXPECT_EQ(image.entry, 0x100123);
}

TEST(no_module)
{
	elf(1);
	uint64_t info = place((struct guest_file){ NULL, 0 }).v;

	EXPECT_EQ(in_ram(info + 20, 4), 0);
}

TEST(header_with_addresses)
{
	/* The header is at 40h of the file, and what is loaded begins at 20h. */
	addresses(0x300020, 0x300000, 0x300400, 0x380000, 0x300010);
	uint64_t info = place((struct guest_file){ NULL, 0 }).v;

	EXPECT(!memcmp(ram + 0x300000, kernel + 0x20, 0x400));
	EXPECT_EQ(in_ram(0x300400, 8), 0);
	EXPECT_EQ(image.entry, 0x300010);
	EXPECT(info >= 0x1000 && info < 0xa0000);
	/* No ends: the whole file, and nothing behind it. */
	addresses(0x300040, 0x300000, 0, 0, 0x302fff);
	place((struct guest_file){ NULL, 0 });
	EXPECT_EQ(ram[0x302fff], kernel[0x2fff]);
}

/* What the kernel is told lies where it isn't, low memory full or not; the module behind both. */
TEST(nothing_lies_on_the_kernel)
{
	static const uint8_t initrd[] = "module";

	addresses(0x1040, 0x1000, 0x3000, 0x9fc00, 0x1000);
	uint64_t info = place((struct guest_file){ initrd, sizeof(initrd) }).v;

	EXPECT_EQ(info, 0x100000);
	EXPECT_EQ(in_ram(in_ram(info + 24, 4), 4), 0x101000);
	EXPECT_EQ(ram[0x2fff], kernel[0x1fff]);
}

static void refused(const char *about)
{
	err_t err = multiboot_read(&image, &why);

	if (!err || !strstr(why, about))
		printf("%s: %s\n", about, err ? why : "taken");
	EXPECT(err && strstr(why, about));
}

TEST(refused_headers)
{
	fresh();
	refused("neither");
	header(0x2000, 3); /* 4 bytes too far */
	refused("neither");
	set(0x100, 0xe85250d6, 4);
	refused("Multiboot 2");
	header(0x42, 3); /* not aligned */
	refused("Multiboot 2");
	header(0x80, 3);
	set(0x88, 5, 4);
	refused("checksum");
	elf(1);
	header(0x1ff4, 7);
	refused("video");
	header(0x1ff4, 0x13);
	refused("nobody knows");
	fresh();
	header(0x40, 3);
	refused("no ELF file");
	image.file.bytes = 0x4b;
	refused("neither");
	image.file.bytes = 0;
	refused("neither");
}

TEST(refused_addresses)
{
	addresses(0x300020, 0x300021, 0, 0, 0x300021);
	refused("contradict");
	addresses(0x300041, 0x300000, 0, 0, 0x300000); /* would begin before the file */
	refused("contradict");
	addresses(0x300040, 0x300000, 0x2fffff, 0, 0x300000);
	refused("contradict");
	addresses(0x300040, 0x300000, 0x301000, 0x300fff, 0x300000);
	refused("contradict");
	addresses(0x300040, 0x300000, 0x303001, 0, 0x300000);
	refused("cut off");
	addresses(0x300040, 0x300000, 0, 0, 0x303000);
	refused("entry");
	addresses(0x9f040, 0x9f000, 0, 0, 0x9f000); /* reaches over A0000h */
	refused("outside the VM's RAM");
	addresses(0xfff00040, 0xfff00000, 0, 0xffffffff, 0xfff00000);
	refused("outside the VM's RAM");
	addresses(0x300040, 0x300000, 0, 0x1000001, 0x300000);
	refused("outside the VM's RAM");
	image.file.bytes = 0x5f;
	refused("cut off");
}

/* One thing wrong at a time, in the first class. */
static void elf_refused(unsigned at, uint64_t value, unsigned bytes, const char *about)
{
	elf(1);
	set(at, value, bytes);
	refused(about);
}

TEST(refused_elf)
{
	elf_refused(4, 3, 1, "none for x86");
	elf_refused(5, 2, 1, "none for x86");
	elf_refused(18, 40, 2, "none for x86");
	elf_refused(16, 3, 2, "executable");
	elf_refused(28, 0xffffffff, 4, "program headers");
	elf_refused(28, FILE_BYTES - 63, 4, "program headers");
	elf_refused(42, 31, 2, "program headers");
	elf_refused(44, 0xffff, 2, "program headers");
	elf_refused(24, 0xc0101000, 4, "entry");
	elf_refused(24, 0x101000, 4, "entry");
	elf_refused(0x34 + 4, 0x2001, 4, "cut off");
	elf_refused(0x34 + 4, 0xffffffff, 4, "cut off");
	elf_refused(0x34 + 16, 0x1001, 4, "more bytes in the file than in memory");
	elf_refused(0x34 + 12, 0xffffff00, 4, "outside the VM's RAM");
	elf_refused(0x34 + 12, 0xfff00, 4, "outside the VM's RAM");
	elf_refused(0x34 + 20, 0xffffffff, 4, "outside the VM's RAM");
	elf_refused(0x34 + 12, 0x201fff, 4, "overlap");
	elf_refused(0x34 + 20, 0x100001, 4, "overlap");
	elf(2);
	set(0x40 + 24, 0xfffffffffffff000, 8);
	refused("outside the VM's RAM");
	elf(2);
	set(32, 0xffffffffffffffff, 8);
	refused("program headers");
	/* No segment at all, and so many that nobody has them. */
	elf_refused(44, 0, 2, "entry");
	elf(1);
	set(44, 40, 2);
	for (unsigned i = 0; i < 40; i++) {
		memset(kernel + 0x34 + 32 * i, 0, 32);
		set(0x34 + 32 * i, 1, 4);
		set(0x34 + 32 * i + 12, 0x100000 + 0x1000 * i, 4);
		set(0x34 + 32 * i + 20, 16, 4);
	}
	refused("32 segments");
}

/* All that is placed is low; the map has what lies above 4 GiB, the two sizes haven't. */
TEST(much_memory)
{
	static uint8_t initrd[5000];

	elf(1);
	image.memory_bytes = config.memory_bytes = 5 * GIB;
	uint64_t info = place((struct guest_file){ initrd, sizeof(initrd) }).v;

	EXPECT_EQ(in_ram(info + 4, 4), 640);
	EXPECT_EQ(in_ram(info + 8, 4), 0x1ffc00); /* KiB from 1 MiB to 2 GiB */
	EXPECT_EQ(in_ram(info + 44, 4), 5 * 24);
	uint64_t map = in_ram(info + 48, 4);

	EXPECT_EQ(in_ram(map + 2 * 24 + 12, 8), 0x7ff00000);
	EXPECT_EQ(in_ram(map + 4 * 24, 4), 20);
	EXPECT_EQ(in_ram(map + 4 * 24 + 4, 8), 0x100000000);
	EXPECT_EQ(in_ram(map + 4 * 24 + 12, 8), 3 * GIB);
	EXPECT_EQ(in_ram(map + 4 * 24 + 20, 4), 1);
	EXPECT_EQ(in_ram(in_ram(info + 64, 4), 8), 0x656c6c6965766552); /* what comes next */
	/* A segment above has no entry that 32 bits reach. */
	elf(2);
	image.memory_bytes = config.memory_bytes = 5 * GIB;
	set(0x40 + 24, 0x100000000, 8);
	EXPECT(multiboot_read(&image, &why) && strstr(why, "below 2G"));
}

TEST(too_small)
{
	static uint8_t initrd[2 * MIB];
	gpa_t info;

	elf(1);
	image.memory_bytes = config.memory_bytes = 4 * MIB;
	EXPECT_EQ(multiboot_read(&image, &why), OK);
	EXPECT(multiboot_place(
		&vm, &image, (struct guest_file){ initrd, sizeof(initrd) }, &info, &why));
	EXPECT(strstr(why, "initrd"));
	addresses(0x140, 0x100, 0x200, 0xa0000, 0x100);
	image.memory_bytes = config.memory_bytes = 0x100000;
	EXPECT_EQ(multiboot_read(&image, &why), OK);
	EXPECT(multiboot_place(&vm, &image, (struct guest_file){ NULL, 0 }, &info, &why));
	EXPECT(strstr(why, "memory"));
}

TEST(flat_images)
{
	fresh();
	EXPECT_EQ(image_flat(&image, 0x7c00, 0x7c10, &why), OK);
	EXPECT(image_write(&image, &vm));
	EXPECT_EQ(image.entry, 0x7c10);
	EXPECT(!memcmp(ram + 0x7c00, kernel, sizeof(kernel)));
	fresh();
	EXPECT(image_flat(&image, 0x100000, 0x103000, &why));
	EXPECT(strstr(why, "entry"));
	fresh();
	EXPECT(image_flat(&image, 0xffffff, 0xffffff, &why));
	EXPECT(strstr(why, "RAM"));
}

/* Nothing is written outside RAM, nor read outside the file (ASan), whatever the headers say. */
TEST(random_headers)
{
	uint32_t seed = 1, taken = 0;
	gpa_t info;

	for (unsigned round = 0; round < 20000; round++) {
		if (round & 1)
			elf(1 + (round >> 1 & 1));
		else
			addresses(0x300040, 0x300000, 0x301000, 0x302000, 0x300010);
		unsigned changes = 1 + round / 2 % 3;

		for (unsigned i = 0; i < changes; i++) {
			seed = seed * 1664525 + 1013904223;
			kernel[(seed >> 8) % 0xb4] ^= (uint8_t)(seed >> 24 | 1);
		}
		if (round % 7 == 0)
			image.file.bytes = (seed >> 4) % FILE_BYTES;
		uint8_t *exact = malloc(image.file.bytes);

		memcpy(exact, kernel, image.file.bytes);
		image.file.data = exact;
		if (!multiboot_read(&image, &why)) {
			taken++;
			EXPECT(image_has(&image, image.entry));
			if (!multiboot_place(
				    &vm, &image, (struct guest_file){ kernel, 100 }, &info, &why))
				EXPECT(!image_has(&image, info.v));
		} else {
			EXPECT(strstr(why, "kernel: ") || strstr(why, "memory: "));
		}
		free(exact);
	}
	EXPECT(taken > 1000 && taken < 19000);
}
