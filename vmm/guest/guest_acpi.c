// SPDX-License-Identifier: MIT
/* Layouts: ACPI Specification 6.5, "ACPI Software Programming Model". */
#include "guest/guest_acpi.h"
#include "avic/regs.h"
#include "base/bits.h"
#include "base/check.h"
#include "base/lib.h"
#include "drivers/rtc.h"
#include "guest/platform.h"
#include "vm.h"
#include <hw/cpu.h>

extern const uint8_t guest_dsdt[], guest_dsdt_end[];           /* dsdt.asl */
extern const uint8_t guest_processor[], guest_processor_end[]; /* processor.asl */

_Static_assert(PLATFORM_PCI_BASE == VPCI_LOW_BASE && PLATFORM_PCI_BYTES == VPCI_LOW_BYTES &&
		       PLATFORM_PCI_LAST == VPCI_LOW_BASE + VPCI_LOW_BYTES - 1,
	"platform.h and vpci.h");
_Static_assert(PLATFORM_PCI_HIGH_BASE == VPCI_HIGH_BASE &&
		       PLATFORM_PCI_HIGH_BYTES == VPCI_HIGH_BYTES &&
		       PLATFORM_PCI_HIGH_LAST == VPCI_HIGH_BASE + VPCI_HIGH_BYTES - 1,
	"platform.h and vpci.h");
_Static_assert(PLATFORM_PCI_IO_BASE == VPCI_IO_BASE && PLATFORM_PCI_IO_BYTES == VPCI_IO_BYTES &&
		       PLATFORM_PCI_IO_LAST == VPCI_IO_BASE + VPCI_IO_BYTES - 1,
	"platform.h and vpci.h");
_Static_assert(PLATFORM_HOLE <= VPCI_LOW_BASE &&
		       PLATFORM_HOLE_END + CONFIG_MEMORY_MOST - PLATFORM_HOLE <= VPCI_HIGH_BASE,
	"RAM and the windows");
_Static_assert(PLATFORM_ECAM == VPCI_ECAM_BASE && PLATFORM_ECAM_BYTES == VPCI_ECAM_BYTES,
	"platform.h and vpci.h");

_Static_assert(PLATFORM_INTX_FIRST == 16 && PLATFORM_INTX_PINS == 8, "dsdt.asl, _PRT");

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt, length;
	uint64_t xsdt;
	uint8_t extended_checksum, reserved[3];
} __attribute__((packed));
#define RSDP_V1_BYTES 20

struct header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[6], oem_table[8];
	uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));
_Static_assert(sizeof(struct header) == 36, "ACPI 6.5, DESCRIPTION_HEADER");

/* Generic address structure. */
struct address {
	uint8_t space, bits, offset, access;
	uint64_t at;
} __attribute__((packed));
#define SPACE_IO    1
#define ACCESS_BYTE 1
#define ACCESS_WORD 2

struct fadt {
	struct header h;
	/* Of machines with fixed hardware. */
	uint8_t unused[10];
	uint16_t sci;
	uint8_t unused_2[8];
	uint32_t pm1_event, unused_3, pm1_control;
	uint8_t unused_4[20];
	uint8_t pm1_event_bytes, pm1_control_bytes;
	uint8_t unused_5[6];
	uint16_t c2_latency, c3_latency;
	uint8_t unused_6[9];
	uint16_t boot_arch;
	uint8_t reserved;
	uint32_t flags;
	struct address reset;
	uint8_t reset_value;
	uint16_t arm_boot_arch;
	uint8_t minor_version;
	uint64_t facs, dsdt;
	struct address x_pm1_event, unused_7, x_pm1_control, unused_8[5];
	struct address sleep_control, sleep_status;
	uint64_t hypervisor_vendor;
} __attribute__((packed));
_Static_assert(offsetof(struct fadt, sci) == 46, "ACPI 6.5, FADT");
_Static_assert(offsetof(struct fadt, pm1_event) == 56, "ACPI 6.5, FADT");
_Static_assert(offsetof(struct fadt, pm1_event_bytes) == 88, "ACPI 6.5, FADT");
_Static_assert(offsetof(struct fadt, c2_latency) == 96, "ACPI 6.5, FADT");
_Static_assert(offsetof(struct fadt, boot_arch) == 109, "ACPI 6.5, FADT");
_Static_assert(offsetof(struct fadt, x_pm1_event) == 148, "ACPI 6.5, FADT");
_Static_assert(offsetof(struct fadt, reset) == 116, "ACPI 6.5, FADT");
_Static_assert(offsetof(struct fadt, dsdt) == 140, "ACPI 6.5, FADT");
_Static_assert(sizeof(struct fadt) == 276, "ACPI 6.5, FADT");

/* No VGA; no other legacy devices: the bits that would say so are 0. */
#define BOOT_ARCH_NO_VGA  BIT(2)
#define BOOT_ARCH_NO_CMOS BIT(5)

#define FLAG_WBINVD     BIT(0)
#define FLAG_PROC_C1    BIT(2)
#define FLAG_PWR_BUTTON BIT(4) /* none of the fixed kind */
#define FLAG_SLP_BUTTON BIT(5)
#define FLAG_RESET      BIT(10)
#define FLAG_HW_REDUCED BIT(20)

#define NO_SUCH_STATE 0xffffu /* latency of C2 and C3, in us */

struct madt {
	struct header h;
	uint32_t local_apic, flags;
} __attribute__((packed));

struct madt_local {
	uint8_t type, length, uid, id;
	uint32_t flags;
} __attribute__((packed));

struct madt_x2apic {
	uint8_t type, length;
	uint16_t reserved;
	uint32_t id, flags, uid;
} __attribute__((packed));

struct madt_ioapic {
	uint8_t type, length, id, reserved;
	uint32_t address, first_gsi;
} __attribute__((packed));

enum { MADT_LOCAL = 0, MADT_IOAPIC = 1, MADT_X2APIC = 9 };
#define MADT_ENABLED     1
#define MADT_LOCAL_COUNT 255 /* larger IDs only as x2APIC entries */

struct mcfg {
	struct header h;
	uint8_t reserved[8];
	uint64_t base;
	uint16_t segment;
	uint8_t first_bus, last_bus;
	uint32_t reserved_2;
} __attribute__((packed));

/* Tables one after the other, in the guest's memory. */
struct writer {
	struct vm *vm;
	uint64_t at;
	uint64_t table[5];
	unsigned tables;
	bool good;
};

static uint8_t checksum(const void *data, size_t bytes)
{
	const uint8_t *p = data;
	uint8_t sum = 0;

	while (bytes--)
		sum += *p++;
	return (uint8_t)-sum;
}

static struct header header(const char *signature, uint8_t revision)
{
	struct header h = {
		.revision = revision,
		.oem = "RVEIL",
		.oem_revision = 1,
		.creator_revision = 1,
	};

	memcpy(h.signature, signature, 4);
	memcpy(h.oem_table, "REVEILLE", 8);
	memcpy(&h.creator, "RVLL", 4);
	return h;
}

/* table begins with a struct header; returns where it lies in the guest. */
static uint64_t put(struct writer *w, void *table, size_t bytes)
{
	struct header *h = table;
	uint64_t at = w->at;

	h->length = (uint32_t)bytes;
	h->checksum = 0;
	h->checksum = checksum(table, bytes);
	w->good &= at + bytes <= PLATFORM_RESET_VECTOR && vm_write(w->vm, GPA(at), table, bytes);
	w->at = ALIGN_UP(at + bytes, 16);
	return at;
}

static void list(struct writer *w, uint64_t at)
{
	CHECK(w->tables < ARRAY_COUNT(w->table));
	w->table[w->tables++] = at;
}

/* Where a name, of four letters, stands in AML of our own, which has it. */
static uint8_t *find(uint8_t *aml, size_t bytes, const char *name)
{
	for (size_t i = 0; i + 4 <= bytes; i++)
		if (memcmp(aml + i, name, 4) == 0)
			return aml + i;
	CHECK(false);
	return NULL;
}

/* Of a Name () whose value is a byte, AAh in the source. */
static void set_name(uint8_t *aml, size_t bytes, const char *name, uint8_t value)
{
	uint8_t *at = find(aml, bytes, name);

	CHECK(at[4] == 0x0a && at[5] == 0xaa);
	at[5] = value;
}

static bool has_rtc(void)
{
	return rtc_us_at(cpu_ticks()) != 0;
}

/* Names in it that say what there is (dsdt.asl): UART, CMOS. */
static uint64_t put_dsdt(struct writer *w)
{
	uint8_t copy[1024];
	size_t bytes = (uintptr_t)guest_dsdt_end - (uintptr_t)guest_dsdt;

	CHECK(bytes <= sizeof(copy));
	memcpy(copy, guest_dsdt, bytes);
	set_name(copy, bytes, "UART", w->vm->config->console == VM_CONSOLE_UART);
	set_name(copy, bytes, "CMOS", has_rtc());
	return put(w, copy, bytes);
}

#define PROCESSOR_BYTES 128 /* AML of one, at most */

/* processor.asl, without its header, as often as there are vCPUs: C000, C001 ... */
static void put_processors(struct writer *w)
{
	static const char digits[] = "0123456789ABCDEF";
	static uint8_t table[sizeof(struct header) + CONFIG_VCPUS * PROCESSOR_BYTES];
	const uint8_t *one = guest_processor + sizeof(struct header);
	size_t bytes = (uintptr_t)guest_processor_end - (uintptr_t)one;
	const struct header h = header("SSDT", 2);
	uint8_t *to = table + sizeof(h);

	_Static_assert(CONFIG_VCPUS <= 256, "two digits, and _UID in a byte");
	CHECK(bytes <= PROCESSOR_BYTES);
	memcpy(table, &h, sizeof(h));
	for (uint32_t i = 0; i < w->vm->vcpu_count; i++, to += bytes) {
		const uint8_t name[4] = { 'C', '0', (uint8_t)digits[i >> 4],
			(uint8_t)digits[i & 15] };

		memcpy(to, one, bytes);
		memcpy(find(to, bytes, "CPUX"), name, sizeof(name));
		set_name(to, bytes, "_UID", (uint8_t)i);
	}
	list(w, put(w, table, (size_t)(to - table)));
}

static struct address io_byte(uint16_t port)
{
	return (struct address){ SPACE_IO, 8, 0, ACCESS_BYTE, port };
}

/* Linux takes a hardware-reduced machine's word that it has no HPET. So one that has it has the PM1
 * blocks, too, which never raise an event; no SMI command: the machine is in ACPI mode already. */
static void fixed_hardware(struct fadt *t)
{
	t->flags &= ~(uint32_t)FLAG_HW_REDUCED;
	t->sci = PLATFORM_SCI;
	t->pm1_event = PLATFORM_PM1_EVENT;
	t->pm1_event_bytes = 4;
	t->x_pm1_event = (struct address){ SPACE_IO, 32, 0, ACCESS_WORD, PLATFORM_PM1_EVENT };
	t->pm1_control = PLATFORM_PM1_CONTROL;
	t->pm1_control_bytes = 2;
	t->x_pm1_control = (struct address){ SPACE_IO, 16, 0, ACCESS_WORD, PLATFORM_PM1_CONTROL };
	t->c2_latency = t->c3_latency = NO_SUCH_STATE;
}

static void put_fadt(struct writer *w, uint64_t dsdt)
{
	struct fadt t = {
		.h = header("FACP", 6),
		.boot_arch = BOOT_ARCH_NO_VGA | (has_rtc() ? 0 : BOOT_ARCH_NO_CMOS),
		.flags = FLAG_WBINVD | FLAG_PROC_C1 | FLAG_PWR_BUTTON | FLAG_SLP_BUTTON |
			 FLAG_RESET | FLAG_HW_REDUCED,
		.reset = io_byte(PLATFORM_RESET),
		.reset_value = PLATFORM_RESET_VALUE,
		.minor_version = 5,
		.dsdt = dsdt,
		.sleep_control = io_byte(PLATFORM_SLEEP_CONTROL),
		.sleep_status = io_byte(PLATFORM_SLEEP_STATUS),
	};

	if (w->vm->hpet.device.vm)
		fixed_hardware(&t);
	memcpy(&t.hypervisor_vendor, "Reveille", 8);
	list(w, put(w, &t, sizeof(t)));
}

static size_t put_processor(uint8_t *to, uint32_t id)
{
	if (id < MADT_LOCAL_COUNT) {
		const struct madt_local e = { MADT_LOCAL, sizeof(e), (uint8_t)id, (uint8_t)id,
			MADT_ENABLED };

		memcpy(to, &e, sizeof(e));
		return sizeof(e);
	}
	const struct madt_x2apic e = { MADT_X2APIC, sizeof(e), 0, id, MADT_ENABLED, id };

	memcpy(to, &e, sizeof(e));
	return sizeof(e);
}

/* ISA interrupts are wired one to one, and a machine without legacy devices has no others. */
static void put_madt(struct writer *w)
{
	uint8_t buffer[sizeof(struct madt) + sizeof(struct madt_ioapic) +
		       CONFIG_VCPUS * sizeof(struct madt_x2apic)];
	struct madt t = { .h = header("APIC", 5), .local_apic = (uint32_t)GUEST_APIC_BASE };
	const struct madt_ioapic io = { MADT_IOAPIC, sizeof(io), PLATFORM_IOAPIC_ID, 0,
		PLATFORM_IOAPIC, 0 };
	size_t bytes = sizeof(t);

	memcpy(buffer, &t, sizeof(t));
	for (uint32_t i = 0; i < w->vm->vcpu_count; i++)
		bytes += put_processor(buffer + bytes, i);
	memcpy(buffer + bytes, &io, sizeof(io));
	list(w, put(w, buffer, bytes + sizeof(io)));
}

static void put_mcfg(struct writer *w)
{
	struct mcfg t = { .h = header("MCFG", 1), .base = PLATFORM_ECAM };

	list(w, put(w, &t, sizeof(t)));
}

/* IA-PC HPET Specification 1.0a, "The ACPI 2.0 HPET Description Table". */
static void put_hpet(struct writer *w)
{
	struct {
		struct header h;
		uint32_t block;
		struct address base;
		uint8_t number;
		uint16_t least_ticks;
		uint8_t protection;
	} __attribute__((packed)) t = { .h = header("HPET", 1) };

	_Static_assert(sizeof(t) == 56, "HPET description table");
	if (!w->vm->hpet.device.vm)
		return;
	t.block = vhpet_capabilities(&w->vm->hpet);
	t.base.at = PLATFORM_HPET;
	list(w, put(w, &t, sizeof(t)));
}

static uint64_t put_xsdt(struct writer *w)
{
	struct {
		struct header h;
		uint64_t table[ARRAY_COUNT(w->table)];
	} __attribute__((packed)) t = { .h = header("XSDT", 1) };

	memcpy(t.table, w->table, sizeof(t.table));
	return put(w, &t, sizeof(t.h) + w->tables * sizeof(t.table[0]));
}

err_t guest_acpi_place(struct vm *vm, gpa_t *rsdp)
{
	struct rsdp r = { .oem = "RVEIL", .revision = 2, .length = sizeof(r) };
	struct writer w = { .vm = vm, .at = PLATFORM_ACPI + ALIGN_UP(sizeof(r), 16), .good = true };

	put_fadt(&w, put_dsdt(&w));
	put_madt(&w);
	put_processors(&w);
	put_mcfg(&w);
	put_hpet(&w);
	r.xsdt = put_xsdt(&w);
	memcpy(r.signature, "RSD PTR ", 8);
	r.checksum = checksum(&r, RSDP_V1_BYTES);
	r.extended_checksum = checksum(&r, sizeof(r));
	*rsdp = GPA(PLATFORM_ACPI);
	return w.good && vm_write(vm, *rsdp, &r, sizeof(r)) ? OK : ERR_INVALID;
}
