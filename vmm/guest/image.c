// SPDX-License-Identifier: MIT
#include "guest/image.h"
#include "base/lib.h"
#include "guest/memory_map.h"
#include "guest/platform.h"
#include "vm.h"

/* No sum overflows: all of both is in RAM. */
static bool meets(const struct segment *s, uint64_t at, uint64_t bytes)
{
	return at < s->at + s->memory_bytes && s->at < at + bytes;
}

err_t image_add(struct image *image, struct segment s, const char **why)
{
	const uint64_t there = image->file.bytes;

	*why = "kernel: more than 32 segments";
	if (image->count == IMAGE_SEGMENTS)
		return ERR_INVALID;
	*why = "kernel: the file is cut off, or a segment of it lies outside the file";
	if (s.file_at > there || s.file_bytes > there - s.file_at)
		return ERR_INVALID;
	*why = "kernel: a segment has more bytes in the file than in memory";
	if (s.file_bytes > s.memory_bytes)
		return ERR_INVALID;
	*why = "kernel: a segment lies outside the VM's RAM below 2G (memory too small?)";
	if (!memory_is_ram(image->memory_bytes, s.at, s.memory_bytes))
		return ERR_INVALID;
	*why = "kernel: two segments overlap in memory";
	for (uint32_t i = 0; i < image->count; i++)
		if (meets(&image->segments[i], s.at, s.memory_bytes))
			return ERR_INVALID;
	image->segments[image->count++] = s;
	return OK;
}

bool image_has(const struct image *image, uint64_t at)
{
	for (uint32_t i = 0; i < image->count; i++)
		if (at >= image->segments[i].at &&
			at - image->segments[i].at < image->segments[i].memory_bytes)
			return true;
	return false;
}

uint64_t image_end(const struct image *image)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < image->count; i++) {
		const struct segment *s = &image->segments[i];

		end = s->at + s->memory_bytes > end ? s->at + s->memory_bytes : end;
	}
	return end;
}

static const struct segment *in_the_way(const struct image *image, uint64_t at, uint64_t bytes)
{
	for (uint32_t i = 0; i < image->count; i++)
		if (meets(&image->segments[i], at, bytes))
			return &image->segments[i];
	return NULL;
}

/* Each turn goes up, past a segment or past the hole below 1 MiB. */
uint64_t image_gap(const struct image *image, uint64_t from, uint64_t bytes)
{
	uint64_t at = ALIGN_UP(from, PAGE_BYTES);

	for (;;) {
		if (!memory_is_ram(image->memory_bytes, at, bytes)) {
			if (at >= PLATFORM_HIGH_RAM)
				return IMAGE_NOWHERE;
			at = PLATFORM_HIGH_RAM;
			continue;
		}
		const struct segment *s = in_the_way(image, at, bytes);

		if (!s)
			return at;
		at = ALIGN_UP(s->at + s->memory_bytes, PAGE_BYTES);
	}
}

err_t image_flat(struct image *image, uint32_t load_at, uint32_t entry, const char **why)
{
	const uint64_t bytes = image->file.bytes;
	err_t err = image_add(image, (struct segment){ load_at, bytes, 0, bytes }, why);

	if (err)
		return err;
	*why = "entry: not inside the image";
	image->entry = entry;
	return image_has(image, entry) ? OK : ERR_INVALID;
}

bool image_write(const struct image *image, struct vm *vm)
{
	bool good = true;

	for (uint32_t i = 0; i < image->count; i++) {
		const struct segment *s = &image->segments[i];

		if (s->file_bytes)
			good &= vm_write(
				vm, GPA(s->at), image->file.data + s->file_at, s->file_bytes);
	}
	return good;
}
