/* SPDX-License-Identifier: MIT */
/* The loader's parts. All run under boot services; efi_main.c has the order. */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include <efi.h>
#include "boot_info.h"

#define CONFIG_FILE_TEXT "\\reveille\\reveille.cfg"

/* efi_main.c; gnu-efi's start code calls it. */
EFI_STATUS efi_main(EFI_HANDLE handle, EFI_SYSTEM_TABLE *st);

/* console.c: text to the firmware's console, and to COM1 unless that console is there already. */
void console_init(EFI_SYSTEM_TABLE *st);
void console_write(const char *text);
void console_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Keys from before prompt was written don't count. */
void console_wait_for_key(const char *prompt);

/* firmware.c: what we ask of boot services. */
void firmware_init(EFI_HANDLE image, EFI_SYSTEM_TABLE *st);
/* Pages that survive ExitBootServices, zeroed, below limit; 0: none. */
uint64_t firmware_pages(uint64_t count, uint64_t limit);
uint64_t firmware_rsdp(void);
void firmware_framebuffer(struct boot_framebuffer *fb);
/* Bytes of a file on the volume that we were started from; false: *why says what failed. */
bool firmware_file_size(const CHAR16 *path, uint64_t *bytes, const char **why);
/* The whole file. NULL: *why says what failed. */
void *firmware_read_file(const CHAR16 *path, uint64_t *bytes, const char **why);
/* Makes or replaces a file there. */
bool firmware_write_file(const CHAR16 *path, const void *data, uint64_t bytes, const char **why);
/* Leaves boot services; fills the memory map. No console, no allocation after that. */
EFI_STATUS firmware_leave(struct boot_info *info);

/* config_load.c: reads and checks the configuration, and loads the files that it names; NULL:
 * already reported. */
struct config;
const struct config *config_load(struct boot_info *info);

/* survey.c: prints what the machine has; NULL, or why it can't. */
const char *survey_machine(const struct config *config, uint64_t rsdp);

/* elf.c: the VMM image. */
struct image {
	uint64_t physical, bytes, entry;
	const uint8_t *elf;
};
/* Places one of the images that vmm_image.asm carries, with trace hooks or without; NULL, or what
 * was wrong with it. */
const char *elf_load(struct image *image, bool traced);
/* Access that a page of the image wants: bit 1 writable, bit 0 executable (as in p_flags). */
uint32_t elf_page_flags(const struct image *image, uint64_t offset);

/* paging.c: page tables for the VMM. false: no memory. */
bool paging_build(struct boot_info *info, const struct image *image);

/* switch.asm: to the VMM's page tables and its entry; runs from a page that both tables map. */
_Noreturn void boot_switch(uint64_t cr3, uint64_t entry, uint64_t info) __attribute__((sysv_abi));

#endif
