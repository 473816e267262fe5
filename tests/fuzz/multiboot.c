/* SPDX-License-Identifier: MIT */
/*
 * A multiboot kernel of any bytes; the header's magic and checksum are made right, so that the
 * fuzzer spends its time on the rest. clang -g -fsanitize=fuzzer,address,undefined -Itests/host
 * -Ivmm -I. tests/fuzz/multiboot.c vmm/guest/multiboot.c vmm/guest/image.c vmm/guest/elf.c
 * vmm/guest/memory_map.c vmm/base/lib.c. tests/unit/multiboot_test.c has a short run of the same
 * kind without libFuzzer.
 */
#include <stdlib.h>
#include <string.h>
#include "guest/multiboot.h"
#include "vm.h"

#define MEMORY     (4 * MIB)
#define HEADER_AT  0xc0u
#define FLAGS_KEPT 0x10003u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static struct vm_config config = { .memory_bytes = MEMORY };
static struct vm vm = { .config = &config };
static uint8_t ram[MEMORY];

bool vm_write(struct vm *m, gpa_t to, const void *from, size_t bytes)
{
	(void)m;
	if (to.v > MEMORY || bytes > MEMORY - to.v)
		abort(); /* checked before */
	memcpy(ram + to.v, from, bytes);
	return true;
}

static void fix_header(uint8_t *file)
{
	uint32_t word[3];

	memcpy(word, file + HEADER_AT, sizeof(word));
	word[0] = 0x1badb002;
	word[1] &= FLAGS_KEPT;
	word[2] = 0 - word[0] - word[1];
	memcpy(file + HEADER_AT, word, sizeof(word));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	uint8_t *file = malloc(bytes); /* of its own, so that one byte too far is found */
	struct image image = { .file = { file, bytes }, .memory_bytes = MEMORY };
	const char *why = NULL;
	gpa_t info;

	if (bytes)
		memcpy(file, data, bytes);
	if (bytes >= HEADER_AT + 12)
		fix_header(file);
	if (multiboot_read(&image, &why) == OK) {
		if (!image_has(&image, image.entry))
			abort();
		if (multiboot_place(&vm, &image, image.file, &info, &why) == OK &&
			image_has(&image, info.v))
			abort();
	}
	if (!why)
		abort();
	free(file);
	return 0;
}
