/* SPDX-License-Identifier: MIT */
/* From firmware to vmm_entry(). Until firmware_leave() every failure is a sentence on the console,
 * a key, and back to the firmware. */
#include "boot.h"
#include "base/lib.h"
#include "config.h"

#define LOW_LIMIT 0xa0000 /* video memory */

static EFI_STATUS give_up(const char *why)
{
	if (why)
		console_print("Reveille: %s\n", why);
	console_wait_for_key("Press any key to return to the firmware.\n");
	return EFI_ABORTED;
}

/* A page below 1 MiB for the APs, which start in real mode. Page 0 stays what it is. */
static uint64_t low_page(void)
{
	uint64_t page = firmware_pages(1, LOW_LIMIT);

	return page ? page : firmware_pages(1, LOW_LIMIT);
}

static const char *begin(struct boot_info **out)
{
	uint64_t pages = ALIGN_UP(sizeof(struct boot_info), PAGE_BYTES) / PAGE_BYTES;
	struct boot_info *info = (struct boot_info *)firmware_pages(pages, UINT64_MAX);

	*out = info;
	if (!info)
		return "no memory left by the firmware";
	info->magic = BOOT_INFO_MAGIC;
	info->low_page = low_page();
	if (!info->low_page)
		return "no free page below 1 MiB; it is needed to start the other CPUs";
	return NULL;
}

/* The configuration says which of the two images. */
static const char *place(struct boot_info *info, struct image *image)
{
	const char *why = elf_load(image, info->traced);

	if (why)
		return why;
	info->image_base = image->physical;
	info->image_bytes = image->bytes;
	info->rsdp = firmware_rsdp();
	firmware_framebuffer(&info->fb);
	if (!paging_build(info, image))
		return "no memory below 4 GiB for page tables";
	return NULL;
}

EFI_STATUS efi_main(EFI_HANDLE handle, EFI_SYSTEM_TABLE *st)
{
	struct boot_info *info;
	struct image image;

	console_init(st);
	firmware_init(handle, st);
	const char *why = begin(&info);

	if (why)
		return give_up(why);
	const struct config *config = config_load(info);

	if (!config)
		return give_up(NULL);
	if (!config->vm_count)
		return give_up(survey_machine(config, firmware_rsdp()));
	why = place(info, &image);
	if (why)
		return give_up(why);
	if (firmware_leave(info) != EFI_SUCCESS)
		return give_up("the firmware doesn't let go (ExitBootServices failed)");
	boot_switch(info->cr3, image.entry, (uint64_t)info);
}
