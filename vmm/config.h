/* SPDX-License-Identifier: MIT */
/*
 * \reveille\reveille.cfg: sections in brackets, "key = value" lines, # comments. All of it with
 * examples: docs/config.md.
 *
 *   [reveille]                       the machine
 *   log = info                       error | warn | info | debug
 *   console = com1, screen           com1 | com2 | com3 | com4, and screen; or none
 *   iommu = auto                     auto | required | off
 *   survey = print                   print | write: with no VM in the file
 *   galog-entries = 512              512..32768, a power of two; more than 8192 is taken as 8192
 *   gappi-own-vectors = 128          0..140 vectors a pCPU gives to blocked vCPUs of its own
 *   trace = off                      off | on | N records a pCPU (on: 4096): trace_ring.h
 *   cpus = 0                         how many pCPUs to use; 0 = all
 *   vfs = 2*8086:10c9#0              SR-IOV: turns virtual functions of a device on, N*DEVICE
 *   vf-service = yes                 no | yes: the host answers the drivers of virtual functions
 *
 *   [vm NAME]
 *   guest = builtin                  the guest inside the image; args = TEXT is handed to it
 *   kernel = FILE                    or a kernel: a file in the folder of reveille.cfg, or below
 *   initrd = FILE                    its initial RAM disk
 *   cmdline = TEXT                   its command line
 *   kernel-type = auto               auto | linux | multiboot | flat | flat-real
 *   load-at = 1M, entry = 0x100020   of flat images: where they go and begin
 *   console = uart                   uart | none: a 16550 at 3F8h whose text goes into the log
 *   restart = never                  never | on-reset | on-failure | always, each with those before
 *   memory = 64M                     K, M, G; a multiple of 2M; with pci = direct 2G at most
 *   cpus = 0, 1, any, 64*0           pCPU of each vCPU in turn; N*P stands for N times P; any: the
 *                                    one with the fewest vCPUs
 *   priority = 2, 1, 0, 64*2         of each vCPU, 0 (low) .. 7; one value serves all
 *   budget = 2ms/10ms, 0, 8*0        of each vCPU, so much time in each period, us or ms: 100us
 *                                    to 1s; 0: no limit; one value serves all
 *   apic = x2apic                    x2apic | xapic | auto
 *   delivery = auto                  emulated | posted | auto
 *   halt = auto                      native | galog | gappi | gappi-shared | auto
 *   devices = 00:03.0, 8086:10c9#0   bus:device.function, or vendor:device#index, or
 *                                    pci/00:1c.0/00.0: from a device of a root bus downwards
 *   intx = 00:05.0@21                the pin of a device without messages leads to this GSI of the
 *                                    machine; DEVICE@none: its driver does without
 *   pci = direct                     builtin: direct (BARs at host addresses, messages by
 *                                    hypercall) | virtual (a PCI bus, as every kernel has it)
 *   timer = apic                     apic | hpet: the machine's HPET is this guest's: comparators
 *                                    set without exits, their interrupts posted; one VM, with a
 *                                    PCI bus of its own
 *   rom = no                         yes: the devices' expansion ROMs are shown, as copies
 *   storm-limit = 200000             host interrupts a second that each of its devices may cause,
 *                                    100 to 10000000; 0: no bound
 *   control = yes                    the guest may ask for other modes (bench)
 */
#ifndef VMM_CONFIG_H
#define VMM_CONFIG_H

#include "base/err.h"
#include "base/types.h"

#define CONFIG_VMS             16
#define CONFIG_CPUS            64  /* pCPUs: CPU_MAX */
#define CONFIG_VCPUS           128 /* per VM */
#define CONFIG_DEVICES         32  /* per VM */
#define CONFIG_HOPS            8   /* bridges on the way to a device */
#define CONFIG_VFS             16  /* devices whose virtual functions are turned on */
#define CONFIG_CPU_ANY         255 /* in vm_config.pcpu until config_place() */
#define CONFIG_NAME            32
#define CONFIG_ARGS            128
#define CONFIG_CMDLINE         1024
#define CONFIG_PATH            64 /* BOOT_NAME_BYTES */
#define CONFIG_FILES           (2 * CONFIG_VMS)
#define CONFIG_PRIORITIES      8
#define CONFIG_MEMORY_MOST     (256 * GIB)
#define CONFIG_MEMORY_DIRECT   (2 * GIB) /* with pci = direct: BARs lie above */
#define CONFIG_STORM_LIMIT     200000    /* storm.h */
#define CONFIG_STORM_LIMIT_MIN 100
#define CONFIG_STORM_LIMIT_MAX 10000000

/* In which mode its APICs start. auto: xAPIC, and CPUID says that there is x2APIC mode. */
enum apic_mode { APIC_X2APIC, APIC_XAPIC, APIC_AUTO };
enum delivery_mode { DELIVERY_AUTO, DELIVERY_EMULATED, DELIVERY_POSTED };
/* What sets the guest's timer interrupts: its local APIC, or the machine's HPET too. */
enum guest_timer { TIMER_APIC, TIMER_HPET };
enum pci_mode { PCI_DIRECT, PCI_VIRTUAL };
enum halt_mode { HALT_AUTO, HALT_NATIVE, HALT_GALOG, HALT_GAPPI, HALT_GAPPI_SHARED };
/* auto: by the file's contents, Linux or multiboot. Flat images begin in protected mode without
 * paging, or in real mode. */
enum kernel_type { KERNEL_AUTO, KERNEL_LINUX, KERNEL_MULTIBOOT, KERNEL_FLAT, KERNEL_FLAT_REAL };
enum vm_console { VM_CONSOLE_UART, VM_CONSOLE_NONE };
/* What ends a VM and has it started anew: its own reset; also a fault (triple fault, an access to
 * what isn't its own, a device that had to be fenced); also its power-off. */
enum restart_policy { RESTART_NEVER, RESTART_ON_RESET, RESTART_ON_FAILURE, RESTART_ALWAYS };

/* A file beside reveille.cfg; path[0] == 0: none. Folders are parted by '/'; boot_info.files has it
 * under this name. */
struct config_file {
	char path[CONFIG_PATH];
	uint32_t line; /* of the config file, for messages */
};

/* A device by address, or the index-th of a vendor:device pair, or by the way to it: a device of a
 * root bus, and a device number and function behind each bridge. Ways stay when cards are added
 * elsewhere and firmware numbers the buses anew. */
enum device_naming { DEVICE_BY_ADDRESS, DEVICE_BY_ID, DEVICE_BY_PATH };
struct config_device {
	enum device_naming naming;
	devid_t bdf; /* by path: of its first device */
	uint16_t vendor, device;
	uint32_t index;
	uint8_t hop_count, hops[CONFIG_HOPS]; /* device << 3 | function */
	uint32_t line;                        /* of the config file, for messages */
};

/* Where the interrupt pin of one of the VM's devices leads: a global system interrupt, below
 * CONFIG_GSIS. */
#define CONFIG_GSIS     1024u
#define CONFIG_GSI_NONE (~0u)
struct config_intx {
	struct config_device device;
	uint32_t gsi;
};

/* Virtual functions of a device to be turned on. */
struct config_vfs {
	struct config_device pf;
	uint32_t count;
};

/* Where the host's log goes, besides memory. */
struct config_console {
	uint32_t com; /* 1 to 4: COM1 to COM4; 0: none */
	bool screen;
};

/* What a file without a VM asks for: the machine's features and a configuration to start from, on
 * the console, or in \reveille\survey.cfg too. */
enum survey_policy { SURVEY_PRINT, SURVEY_WRITE };

/* auto: used where there is one; required: Reveille stops without; off: left alone. */
enum iommu_policy { IOMMU_AUTO, IOMMU_REQUIRED, IOMMU_OFF };

struct vm_config {
	char name[CONFIG_NAME];
	bool builtin; /* the guest inside the image; otherwise there is a kernel */
	char args[CONFIG_ARGS];
	struct config_file kernel, initrd;
	char cmdline[CONFIG_CMDLINE];
	enum kernel_type kernel_type;
	uint32_t load_at, entry; /* of flat images: guest-physical */
	enum vm_console console;
	enum restart_policy restart;
	uint64_t memory_bytes;
	uint32_t vcpu_count;
	uint8_t pcpu[CONFIG_VCPUS];
	uint8_t priority[CONFIG_VCPUS];
	uint32_t budget_us[CONFIG_VCPUS], period_us[CONFIG_VCPUS]; /* 0: no limit */
	enum apic_mode apic;
	enum delivery_mode delivery;
	enum halt_mode halt;
	enum pci_mode pci;
	enum guest_timer timer;
	bool control, rom;
	uint32_t storm_limit; /* host interrupts a second by each of its devices; 0: no bound */
	uint32_t device_count;
	struct config_device devices[CONFIG_DEVICES];
	uint32_t intx_count;
	struct config_intx intx[CONFIG_DEVICES];
	uint32_t line; /* of its section header */
};

struct config {
	uint32_t log_level;
	struct config_console console;
	enum iommu_policy iommu;
	enum survey_policy survey;
	uint32_t galog_entries;
	uint32_t gappi_own_vectors;
	uint32_t trace_entries; /* a pCPU; 0: no trace */
	uint32_t cpu_count;     /* 0: all */
	bool vf_service;        /* drivers of virtual functions are answered */
	uint32_t vfs_count;
	struct config_vfs vfs[CONFIG_VFS];
	uint32_t vm_count;
	struct vm_config vms[CONFIG_VMS];
};

struct config_error {
	uint32_t line;
	char text[320]; /* what was wrong and what was expected */
};

/* Puts each vCPU of "any" pCPU on the one with the fewest so far: of all VMs, in the file's order.
 * A pCPU whose vCPU halts natively is taken last, because it is never given up. */
void config_place(struct config *config, uint32_t cpu_count);

#define CONFIG_DEVICE_TEXT 64
/* "00:03.0", "8086:10c9#0" or "pci/00:1c.0/00.0". */
void config_device_text(char text[CONFIG_DEVICE_TEXT], const struct config_device *d);

/* Parses text (need not be terminated). On ERR_INVALID *error says the line and why; the
 * caller adds the file's name. Used by boot/ (before it leaves the firmware), by the VMM and
 * by tests: no state, no hardware. */
err_t config_parse(
	struct config *config, const char *text, size_t bytes, struct config_error *error) MUST_USE;

#endif
