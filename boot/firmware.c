/* SPDX-License-Identifier: MIT */
#include "boot.h"
#include "base/lib.h"

#define MAP_PAGES 16 /* over a thousand descriptors */

static EFI_HANDLE self;
static EFI_SYSTEM_TABLE *system;
static EFI_BOOT_SERVICES *services;

void firmware_init(EFI_HANDLE image, EFI_SYSTEM_TABLE *st)
{
	self = image;
	system = st;
	services = st->BootServices;
	/* The boot manager's five minutes would run out while we wait for a key. */
	services->SetWatchdogTimer(0, 0, 0, NULL);
}

uint64_t firmware_pages(uint64_t count, uint64_t limit)
{
	EFI_PHYSICAL_ADDRESS at = limit - 1;

	if (services->AllocatePages(AllocateMaxAddress, EfiLoaderData, count, &at) != EFI_SUCCESS)
		return 0;
	memset((void *)at, 0, count * PAGE_BYTES);
	return at;
}

uint64_t firmware_rsdp(void)
{
	static const EFI_GUID acpi2 = ACPI_20_TABLE_GUID, acpi1 = ACPI_TABLE_GUID;
	uint64_t found = 0;

	for (UINTN i = 0; i < system->NumberOfTableEntries; i++) {
		EFI_CONFIGURATION_TABLE *t = &system->ConfigurationTable[i];

		if (memcmp(&t->VendorGuid, &acpi2, sizeof(acpi2)) == 0)
			return (uint64_t)t->VendorTable;
		if (memcmp(&t->VendorGuid, &acpi1, sizeof(acpi1)) == 0)
			found = (uint64_t)t->VendorTable;
	}
	return found;
}

void firmware_framebuffer(struct boot_framebuffer *fb)
{
	static EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
	EFI_GRAPHICS_OUTPUT_PROTOCOL *gop;

	if (services->LocateProtocol(&guid, NULL, (void **)&gop) != EFI_SUCCESS || !gop->Mode ||
		!gop->Mode->Info)
		return;
	/* The mode that the firmware left: a change may well leave a monitor dark. */
	const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode = gop->Mode->Info;

	if (mode->PixelFormat != PixelRedGreenBlueReserved8BitPerColor &&
		mode->PixelFormat != PixelBlueGreenRedReserved8BitPerColor)
		return;
	fb->base = gop->Mode->FrameBufferBase;
	fb->width = mode->HorizontalResolution;
	fb->height = mode->VerticalResolution;
	fb->pitch_bytes = mode->PixelsPerScanLine * 4;
	fb->bgr = mode->PixelFormat == PixelBlueGreenRedReserved8BitPerColor;
}

/* Opened, or NULL: *why says what failed. */
static EFI_FILE_PROTOCOL *open_file(const CHAR16 *path, uint64_t mode, const char **why)
{
	static EFI_GUID loaded_guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
	static EFI_GUID volume_guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
	EFI_LOADED_IMAGE *loaded;
	EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *volume;
	EFI_FILE_PROTOCOL *root, *file;

	*why = "is on a volume that can't be read";
	if (services->HandleProtocol(self, &loaded_guid, (void **)&loaded) != EFI_SUCCESS ||
		services->HandleProtocol(loaded->DeviceHandle, &volume_guid, (void **)&volume) !=
			EFI_SUCCESS ||
		volume->OpenVolume(volume, &root) != EFI_SUCCESS)
		return NULL;
	*why = mode & EFI_FILE_MODE_CREATE ? "it can't be made" : "is missing";
	if (root->Open(root, &file, (CHAR16 *)path, mode, 0) != EFI_SUCCESS)
		file = NULL;
	root->Close(root);
	return file;
}

static bool size_of(EFI_FILE_PROTOCOL *file, uint64_t *bytes, const char **why)
{
	static EFI_GUID info_guid = EFI_FILE_INFO_ID;
	static uint8_t buffer[512] __attribute__((aligned(8)));
	EFI_FILE_INFO *info = (EFI_FILE_INFO *)buffer;
	UINTN size = sizeof(buffer);

	*why = "can't be read";
	if (file->GetInfo(file, &info_guid, &size, info) != EFI_SUCCESS)
		return false;
	*why = "is a folder";
	*bytes = info->FileSize;
	return !(info->Attribute & EFI_FILE_DIRECTORY);
}

bool firmware_file_size(const CHAR16 *path, uint64_t *bytes, const char **why)
{
	EFI_FILE_PROTOCOL *file = open_file(path, EFI_FILE_MODE_READ, why);

	if (!file)
		return false;
	bool good = size_of(file, bytes, why);

	file->Close(file);
	return good;
}

/* A page more than needed, so that text has an end. */
static void *read_all(EFI_FILE_PROTOCOL *file, uint64_t *bytes, const char **why)
{
	uint64_t length;

	if (!size_of(file, &length, why))
		return NULL;
	void *to = (void *)firmware_pages(length / PAGE_BYTES + 1, UINT64_MAX);

	if (!to) {
		*why = "is too large for the free memory";
		return NULL;
	}
	*why = "can't be read";
	for (uint64_t at = 0; at < length;) {
		UINTN size = length - at;

		if (file->Read(file, &size, (uint8_t *)to + at) != EFI_SUCCESS || size == 0)
			return NULL;
		at += size;
	}
	*bytes = length;
	return to;
}

void *firmware_read_file(const CHAR16 *path, uint64_t *bytes, const char **why)
{
	EFI_FILE_PROTOCOL *file = open_file(path, EFI_FILE_MODE_READ, why);

	if (!file)
		return NULL;
	void *data = read_all(file, bytes, why);

	file->Close(file);
	return data;
}

bool firmware_write_file(const CHAR16 *path, const void *data, uint64_t bytes, const char **why)
{
	const uint64_t mode = EFI_FILE_MODE_READ | EFI_FILE_MODE_WRITE;
	EFI_FILE_PROTOCOL *file = open_file(path, mode, why);
	UINTN size = bytes;

	/* An old one may be longer. Delete() closes. */
	if (file)
		file->Delete(file);
	file = open_file(path, mode | EFI_FILE_MODE_CREATE, why);
	if (!file)
		return false;
	*why = "the volume is full or can't be written";
	bool good = file->Write(file, &size, (void *)data) == EFI_SUCCESS && size == bytes;

	/* Close() is what brings it onto the disk. */
	return file->Close(file) == EFI_SUCCESS && good;
}

static enum boot_mem_type type_of(const EFI_MEMORY_DESCRIPTOR *d)
{
	switch (d->Type) {
	case EfiConventionalMemory:
	case EfiBootServicesCode:
	case EfiBootServicesData:
		/* RAM that can't be cached is none for us. */
		return d->Attribute & EFI_MEMORY_WB ? BOOT_MEM_FREE : BOOT_MEM_FIRMWARE;
	case EfiLoaderCode:
	case EfiLoaderData:
		return BOOT_MEM_VMM;
	case EfiACPIReclaimMemory:
		return BOOT_MEM_ACPI;
	default:
		return BOOT_MEM_FIRMWARE;
	}
}

/* Keeps info->mem sorted, and joins neighbours of one type. When it is full, the rest isn't
 * described, so that nobody uses it. */
static void add_region(struct boot_info *info, struct boot_mem r)
{
	uint32_t i = info->mem_count;

	while (i > 0 && info->mem[i - 1].base > r.base)
		i--;
	struct boot_mem *before = i > 0 ? &info->mem[i - 1] : NULL;
	struct boot_mem *after = i < info->mem_count ? &info->mem[i] : NULL;

	if (before && before->type == r.type && before->base + before->bytes == r.base) {
		before->bytes += r.bytes;
		return;
	}
	if (after && after->type == r.type && r.base + r.bytes == after->base) {
		after->base = r.base;
		after->bytes += r.bytes;
		return;
	}
	if (info->mem_count == BOOT_MEM_REGIONS)
		return;
	memmove(&info->mem[i + 1], &info->mem[i], (info->mem_count - i) * sizeof(r));
	info->mem[i] = r;
	info->mem_count++;
}

EFI_STATUS firmware_leave(struct boot_info *info)
{
	uint8_t *map = (uint8_t *)firmware_pages(MAP_PAGES, UINT64_MAX);
	UINTN bytes, key, step = 0;
	UINT32 version;
	EFI_STATUS status = EFI_ABORTED;

	if (!map)
		return EFI_OUT_OF_RESOURCES;

	/* The first ExitBootServices() may change the map; after it only these two calls are
	 * allowed (UEFI 2.10, "EFI_BOOT_SERVICES.ExitBootServices()"). */
	for (int i = 0; i < 4 && status != EFI_SUCCESS; i++) {
		bytes = MAP_PAGES * PAGE_BYTES;
		status = services->GetMemoryMap(
			&bytes, (EFI_MEMORY_DESCRIPTOR *)map, &key, &step, &version);
		if (status != EFI_SUCCESS)
			return status;
		status = services->ExitBootServices(self, key);
	}
	if (status != EFI_SUCCESS)
		return status;
	for (UINTN at = 0; at + sizeof(EFI_MEMORY_DESCRIPTOR) <= bytes; at += step) {
		EFI_MEMORY_DESCRIPTOR *d = (EFI_MEMORY_DESCRIPTOR *)(map + at);

		add_region(info, (struct boot_mem){ d->PhysicalStart, d->NumberOfPages * PAGE_BYTES,
					 type_of(d) });
	}
	return EFI_SUCCESS;
}
