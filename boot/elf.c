/* SPDX-License-Identifier: MIT */
/* Our own build's ELF file: checked as far as a broken build could break it. */
#include "boot.h"
#include "base/lib.h"
#include <hw/mem.h>

#define PT_LOAD 1

struct elf_header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, ph_offset, sh_offset;
	uint32_t flags;
	uint16_t header_bytes, ph_bytes, ph_count, sh_bytes, sh_count, sh_names;
};

struct elf_segment {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, file_bytes, memory_bytes, align;
};

extern const uint8_t vmm_image[], vmm_image_traced[];
extern const uint64_t vmm_image_bytes, vmm_image_traced_bytes;

static const struct elf_header *header(const struct image *image)
{
	return (const struct elf_header *)image->elf;
}

static const struct elf_segment *segments(const struct image *image)
{
	return (const struct elf_segment *)(image->elf + header(image)->ph_offset);
}

/* Loadable segment i, or NULL. */
static const struct elf_segment *loadable(const struct image *image, unsigned i)
{
	const struct elf_segment *s = &segments(image)[i];

	return s->type == PT_LOAD && s->memory_bytes ? s : NULL;
}

static bool measure(struct image *image)
{
	for (unsigned i = 0; i < header(image)->ph_count; i++) {
		const struct elf_segment *s = loadable(image, i);

		if (!s)
			continue;
		if (s->vaddr < VMM_BASE || s->vaddr % PAGE_BYTES || s->file_bytes > s->memory_bytes)
			return false;
		uint64_t end = s->vaddr - VMM_BASE + s->memory_bytes;

		image->bytes = end > image->bytes ? end : image->bytes;
	}
	image->bytes = ALIGN_UP(image->bytes, PAGE_BYTES);
	return image->bytes != 0;
}

const char *elf_load(struct image *image, bool traced)
{
	uint64_t bytes = traced ? vmm_image_traced_bytes : vmm_image_bytes;

	image->elf = traced ? vmm_image_traced : vmm_image;
	image->bytes = 0;
	if (bytes < sizeof(struct elf_header) ||
		memcmp(image->elf,
			"\x7f"
			"ELF\x02\x01",
			6) != 0 ||
		!measure(image))
		return "the VMM image inside this file is damaged; expected a fresh build";
	image->entry = header(image)->entry;
	image->physical = firmware_pages(image->bytes / PAGE_BYTES, UINT64_MAX);
	if (!image->physical)
		return "no memory for the VMM image; expected a few MiB in one piece";
	for (unsigned i = 0; i < header(image)->ph_count; i++) {
		const struct elf_segment *s = loadable(image, i);

		if (s)
			memcpy((void *)(image->physical + s->vaddr - VMM_BASE),
				image->elf + s->offset, s->file_bytes);
	}
	return NULL;
}

uint32_t elf_page_flags(const struct image *image, uint64_t offset)
{
	for (unsigned i = 0; i < header(image)->ph_count; i++) {
		const struct elf_segment *s = loadable(image, i);

		if (s && VMM_BASE + offset >= s->vaddr &&
			VMM_BASE + offset < ALIGN_UP(s->vaddr + s->memory_bytes, PAGE_BYTES))
			return s->flags;
	}
	return 0;
}
