// SPDX-License-Identifier: MIT
#include "guest/elf.h"
#include "base/lib.h"

#define CLASS_AT      4
#define CLASS_32      1
#define CLASS_64      2
#define DATA_AT       5
#define LITTLE_ENDIAN 1
#define TYPE_AT       16
#define TYPE_EXEC     2
#define MACHINE_AT    18
#define MACHINE_386   3
#define MACHINE_AMD64 62
#define SEGMENT_LOAD  1
#define SEGMENT_TYPE  0 /* offset of the type in a program header */

/* Where the two classes have what, and how wide it is. Of both headers: 2-byte fields are the sizes
 * and counts, 4-byte ones the types. */
struct layout {
	unsigned header_bytes, segment_bytes, word_bytes;
	unsigned entry, table, entry_bytes, count;
	unsigned offset, virtual, physical, file_bytes, memory_bytes;
};

static const struct layout layouts[] = {
	[CLASS_32] = { 52, 32, 4, 24, 28, 42, 44, 4, 8, 12, 16, 20 },
	[CLASS_64] = { 64, 56, 8, 24, 32, 54, 56, 8, 16, 24, 32, 40 },
};

struct reader {
	struct guest_file file;
	const struct layout *layout;
	uint64_t table;
	uint64_t entry_bytes, count;
};

bool elf_is(struct guest_file file)
{
	static const uint8_t magic[] = { 0x7f, 'E', 'L', 'F' };

	return file.bytes >= sizeof(magic) && memcmp(file.data, magic, sizeof(magic)) == 0;
}

static uint64_t field(struct guest_file file, uint64_t at, unsigned bytes)
{
	uint64_t value = 0;

	memcpy(&value, file.data + at, bytes);
	return value;
}

static err_t read_header(struct reader *r, const char **why)
{
	const struct guest_file f = r->file;

	*why = "kernel: its ELF header is cut off";
	if (f.bytes < layouts[CLASS_64].header_bytes)
		return ERR_INVALID;
	*why = "kernel: an ELF file, but none for x86";
	if ((f.data[CLASS_AT] != CLASS_32 && f.data[CLASS_AT] != CLASS_64) ||
		f.data[DATA_AT] != LITTLE_ENDIAN ||
		(field(f, MACHINE_AT, 2) != MACHINE_386 &&
			field(f, MACHINE_AT, 2) != MACHINE_AMD64))
		return ERR_INVALID;
	*why = "kernel: an ELF file, but not an executable with fixed addresses";
	if (field(f, TYPE_AT, 2) != TYPE_EXEC)
		return ERR_INVALID;
	r->layout = &layouts[f.data[CLASS_AT]];
	r->table = field(f, r->layout->table, r->layout->word_bytes);
	r->entry_bytes = field(f, r->layout->entry_bytes, 2);
	r->count = field(f, r->layout->count, 2);
	*why = "kernel: its ELF program headers are cut off, or lie outside the file";
	if (r->entry_bytes < r->layout->segment_bytes || r->table > f.bytes ||
		r->count * r->entry_bytes > f.bytes - r->table)
		return ERR_INVALID;
	return OK;
}

static uint64_t in_segment(const struct reader *r, uint64_t n, unsigned offset)
{
	return field(r->file, r->table + n * r->entry_bytes + offset, r->layout->word_bytes);
}

static bool loadable(const struct reader *r, uint64_t n)
{
	return field(r->file, r->table + n * r->entry_bytes + SEGMENT_TYPE, 4) == SEGMENT_LOAD &&
	       in_segment(r, n, r->layout->memory_bytes);
}

/* The entry is a virtual address, and paging is off. Kernels that are linked high give a physical
 * one as well. */
static uint64_t physical_entry(const struct reader *r)
{
	uint64_t entry = field(r->file, r->layout->entry, r->layout->word_bytes);

	for (uint64_t n = 0; n < r->count; n++) {
		if (!loadable(r, n))
			continue;
		uint64_t inside = entry - in_segment(r, n, r->layout->virtual);

		if (inside < in_segment(r, n, r->layout->memory_bytes))
			return in_segment(r, n, r->layout->physical) + inside;
	}
	return entry;
}

err_t elf_read(struct image *image, const char **why)
{
	struct reader r = { .file = image->file };
	err_t err = read_header(&r, why);

	for (uint64_t n = 0; n < r.count && !err; n++) {
		if (!loadable(&r, n))
			continue;
		err = image_add(image,
			(struct segment){ in_segment(&r, n, r.layout->physical),
				in_segment(&r, n, r.layout->memory_bytes),
				in_segment(&r, n, r.layout->offset),
				in_segment(&r, n, r.layout->file_bytes) },
			why);
	}
	if (err)
		return err;
	uint64_t entry = physical_entry(&r);

	*why = "kernel: its entry isn't inside a segment";
	image->entry = (uint32_t)entry;
	return image_has(image, entry) ? OK : ERR_INVALID;
}
