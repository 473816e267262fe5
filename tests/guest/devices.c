/* SPDX-License-Identifier: MIT */
#include "devices.h"
#include "guest.h"

/* Intel 82576 GbE Controller datasheet, "Interrupt Registers". */
enum igb_register {
	IGB_GPIE = 0x1514,
	IGB_EICS = 0x1520,
	IGB_EIMS = 0x1524,
	IGB_EIMC = 0x1528,
	IGB_EIAC = 0x152c,
	IGB_EITR = 0x1680,
};

#define IGB_GPIE_NSICR         (1u << 0)
#define IGB_GPIE_MULTIPLE_MSIX (1u << 4)
#define IGB_GPIE_PBA           (1u << 31)
#define IGB_ALL                ((1u << IGB_MESSAGES) - 1)

/* QEMU's docs/specs/edu. */
enum edu_register {
	EDU_RAISE = 0x60,
	EDU_ACK = 0x64,
	EDU_DMA_SOURCE = 0x80,
	EDU_DMA_TARGET = 0x88,
	EDU_DMA_COUNT = 0x90,
	EDU_DMA_COMMAND = 0x98,
};

#define EDU_BUFFER    0x40000
#define EDU_DMA_START 1
#define EDU_DMA_OUT   2
#define EDU_DMA_RAISE 4
#define EDU_IRQ_FACT  1
#define EDU_IRQ_ANY   0xffffffffu

static int device_find(uint32_t id, unsigned n)
{
	const struct guest_info *info = guest_info();

	for (uint32_t i = 0; i < info->device_count && i < GUEST_INFO_DEVICES; i++) {
		uint32_t have = info->device[i].vendor | (uint32_t)info->device[i].device << 16;

		if (have == id && n-- == 0)
			return (int)i;
	}
	return DEVICE_MISSING;
}

int igb_find(unsigned n)
{
	return device_find(IGB_ID, n);
}

int edu_find(unsigned n)
{
	return device_find(EDU_ID, n);
}

static volatile void *device_register(int device, uint32_t offset)
{
	return (volatile void *)(uintptr_t)(guest_info()->device[device].bar[0].gpa + offset);
}

static void igb_write(int device, enum igb_register r, uint32_t value)
{
	*(volatile uint32_t *)device_register(device, r) = value;
}

void igb_init(int device)
{
	igb_write(device, IGB_EIMC, 0xffffffffu);
	/* Before EIAC: some models take EIAC only in MSI-X mode. */
	igb_write(device, IGB_GPIE, IGB_GPIE_NSICR | IGB_GPIE_MULTIPLE_MSIX | IGB_GPIE_PBA);
	for (uint32_t n = 0; n < IGB_MESSAGES; n++)
		igb_write(device, (enum igb_register)(IGB_EITR + 4 * n), 0);
	igb_write(device, IGB_EIAC, IGB_ALL);
	igb_write(device, IGB_EIMS, IGB_ALL);
}

void igb_fire(int device, uint32_t messages)
{
	igb_write(device, IGB_EICS, messages);
}

static void edu_write(int device, enum edu_register r, uint32_t value)
{
	*(volatile uint32_t *)device_register(device, r) = value;
}

static void edu_write64(int device, enum edu_register r, uint64_t value)
{
	*(volatile uint64_t *)device_register(device, r) = value;
}

void edu_fire(int device)
{
	edu_write(device, EDU_RAISE, EDU_IRQ_FACT);
}

void edu_ack(int device)
{
	edu_write(device, EDU_ACK, EDU_IRQ_ANY);
}

void edu_copy_in(int device, uint64_t from_gpa, uint32_t bytes)
{
	edu_write64(device, EDU_DMA_SOURCE, from_gpa);
	edu_write64(device, EDU_DMA_TARGET, EDU_BUFFER);
	edu_write64(device, EDU_DMA_COUNT, bytes);
	edu_write64(device, EDU_DMA_COMMAND, EDU_DMA_START | EDU_DMA_RAISE);
}

void edu_copy_out(int device, uint64_t to_gpa, uint32_t bytes)
{
	edu_write64(device, EDU_DMA_SOURCE, EDU_BUFFER);
	edu_write64(device, EDU_DMA_TARGET, to_gpa);
	edu_write64(device, EDU_DMA_COUNT, bytes);
	edu_write64(device, EDU_DMA_COMMAND, EDU_DMA_START | EDU_DMA_OUT | EDU_DMA_RAISE);
}

bool device_route(int device, uint32_t message, uint32_t vcpu, uint8_t vector)
{
	return hypercall(HC_ROUTE, (uint64_t)device, message, vcpu, vector) == 0;
}
