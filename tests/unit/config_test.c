/* SPDX-License-Identifier: MIT */
/* sources: vmm/config.c vmm/config_machine.c vmm/config_vm.c vmm/config_check.c */
/* sources: vmm/config_values.c vmm/config_device.c vmm/config_place.c vmm/base/lib.c */
/* sources: vmm/config_budget.c */
#include "test.h"
#include "config.h"

static struct config c;
static struct config_error e;

static err_t parse(const char *text)
{
	return config_parse(&c, text, strlen(text), &e);
}

/* The text is refused in that line, and the message has both parts. */
static void refused(
	int at, const char *file, uint32_t line, const char *wrong, const char *expected)
{
	EXPECT_EQ(parse(file), ERR_INVALID);
	EXPECT_EQ(e.line, line);
	if (strstr(e.text, wrong) && strstr(e.text, expected))
		return;
	test_bad = true;
	printf("%s:%d: '%s'\n", __FILE__, at, e.text);
}

#define REFUSED(...) refused(__LINE__, __VA_ARGS__)

#define VM "[vm a]\nguest = builtin\ncpus = 0\n"

TEST(a_whole_file)
{
	EXPECT_EQ(parse("# first line\n"
			"[reveille]\n"
			"log = debug   # more\n"
			"galog-entries = 4096\n"
			"gappi-own-vectors=7\n"
			"cpus = 4\r\n"
			"\n"
			"  [vm bench_0-A]\n"
			"guest = builtin\n"
			"args = one two  3 \n"
			"memory = 128M\n"
			"cpus = 3, 1, 4*0\n"
			"priority = 7\n"
			"apic = xapic\n"
			"delivery = posted\n"
			"halt = gappi-shared\n"
			"devices = 00:03.0, 8086:10c9#2,ff:1f.7\n"
			"pci = virtual\n"
			"control = yes\n"
			"[vm b]\n"
			"\tcpus = 2\n"
			"guest = builtin"),
		OK);
	EXPECT_EQ(c.log_level, 3);
	EXPECT_EQ(c.galog_entries, 4096);
	EXPECT_EQ(c.gappi_own_vectors, 7);
	EXPECT_EQ(c.cpu_count, 4);
	EXPECT_EQ(c.vm_count, 2);
	const struct vm_config *a = &c.vms[0];
	EXPECT(!strcmp(a->name, "bench_0-A"));
	EXPECT(!strcmp(a->args, "one two  3"));
	EXPECT_EQ(a->line, 8);
	EXPECT_EQ(a->memory_bytes, 128 << 20);
	EXPECT_EQ(a->vcpu_count, 6);
	EXPECT_EQ(a->pcpu[0], 3);
	EXPECT_EQ(a->pcpu[1], 1);
	EXPECT_EQ(a->pcpu[5], 0);
	EXPECT_EQ(a->priority[0], 7);
	EXPECT_EQ(a->priority[5], 7);
	EXPECT_EQ(a->apic, APIC_XAPIC);
	EXPECT_EQ(a->delivery, DELIVERY_POSTED);
	EXPECT_EQ(a->halt, HALT_GAPPI_SHARED);
	EXPECT(a->control);
	EXPECT_EQ(a->pci, PCI_VIRTUAL);
	EXPECT_EQ(a->device_count, 3);
	EXPECT_EQ(a->devices[0].naming, DEVICE_BY_ADDRESS);
	EXPECT_EQ(a->devices[0].bdf, 0x18);
	EXPECT_EQ(a->devices[1].naming, DEVICE_BY_ID);
	EXPECT_EQ(a->devices[1].vendor, 0x8086);
	EXPECT_EQ(a->devices[1].device, 0x10c9);
	EXPECT_EQ(a->devices[1].index, 2);
	EXPECT_EQ(a->devices[1].line, 17);
	EXPECT_EQ(a->devices[2].bdf, 0xffff);
}

TEST(trace)
{
	EXPECT_EQ(parse("[reveille]\ntrace = on\n[vm a]\nguest = builtin\ncpus = 0\n"), OK);
	EXPECT_EQ(c.trace_entries, 4096);
	EXPECT_EQ(parse("[reveille]\ntrace = 1000\n[vm a]\nguest = builtin\ncpus = 0\n"), OK);
	EXPECT_EQ(c.trace_entries, 1000);
	EXPECT_EQ(parse("[reveille]\ntrace = off\n[vm a]\nguest = builtin\ncpus = 0\n"), OK);
	EXPECT_EQ(c.trace_entries, 0);
}

TEST(defaults)
{
	EXPECT_EQ(parse("[vm a]\nguest = builtin\ncpus = 0, 1\n"), OK);
	EXPECT_EQ(c.log_level, 2);
	EXPECT_EQ(c.galog_entries, 512);
	EXPECT_EQ(c.gappi_own_vectors, 128);
	EXPECT_EQ(c.trace_entries, 0);
	EXPECT_EQ(c.cpu_count, 0);
	EXPECT_EQ(c.vms[0].memory_bytes, 64 << 20);
	EXPECT_EQ(c.vms[0].apic, APIC_X2APIC);
	EXPECT_EQ(c.vms[0].delivery, DELIVERY_AUTO);
	EXPECT_EQ(c.vms[0].halt, HALT_AUTO);
	EXPECT_EQ(c.vms[0].priority[1], 0);
	EXPECT(!c.vms[0].control);
	EXPECT_EQ(c.vms[0].pci, PCI_DIRECT);
	EXPECT_EQ(c.vms[0].args[0], 0);
}

TEST(words)
{
	static const struct {
		const char *halt;
		enum halt_mode mode;
	} halts[] = { { "auto", HALT_AUTO }, { "native", HALT_NATIVE }, { "galog", HALT_GALOG },
		{ "gappi", HALT_GAPPI } };
	char text[200];

	for (unsigned i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), VM "halt = %s\ndelivery = emulated", halts[i].halt);
		EXPECT_EQ(parse(text), OK);
		EXPECT_EQ(c.vms[0].halt, halts[i].mode);
		EXPECT_EQ(c.vms[0].delivery, DELIVERY_EMULATED);
	}
	EXPECT_EQ(parse(VM "storm-limit = 0\n"), OK);
	EXPECT_EQ(c.vms[0].storm_limit, 0);
	EXPECT_EQ(parse(VM "storm-limit = 100\n"), OK);
	EXPECT_EQ(c.vms[0].storm_limit, 100);
	EXPECT_EQ(parse(VM "delivery = auto\ncontrol = no\napic = x2apic\n"), OK);
	EXPECT_EQ(c.vms[0].storm_limit, 200000);
}

TEST(byte_order_mark_and_line_ends)
{
	EXPECT_EQ(parse("\xef\xbb\xbf[vm a]\r\nguest = builtin\r\ncpus = 0\r\n"), OK);
	EXPECT(!strcmp(c.vms[0].name, "a"));
}

TEST(sections)
{
	REFUSED("[reveile]\n", 1, "unknown section", "expected [reveille] or [vm NAME]");
	REFUSED("[reveille\n", 1, "']' is missing", "expected [reveille]");
	REFUSED("[\n", 1, "']' is missing", "expected");
	REFUSED("[]\n", 1, "unknown section", "expected");
	REFUSED("\n[reveille]\n\n[reveille]\n", 4, "already", "expected it once");
	REFUSED(VM "[vm a]\n", 4, "[vm a] is there already, in line 1", "expected another name");
	REFUSED("[vm]\n", 1, "bad VM name ''", "expected letters");
	REFUSED("[vm a b]\n", 1, "bad VM name 'a b'", "31 at most");
	REFUSED("[vm 0123456789012345678901234567890x]", 1, "bad VM name", "31 at most");
	REFUSED("log = info\n", 1, "'log' is before the first section", "expected [reveille]");
}

TEST(seventeen_vms)
{
	char text[2000];
	size_t at = 0;

	for (int i = 0; i < 17; i++)
		at += (size_t)snprintf(
			text + at, sizeof(text) - at, "[vm v%d]\nguest=builtin\ncpus=0\n", i);
	REFUSED(text, 49, "too many VMs", "expected 16 at most");
}

TEST(keys)
{
	REFUSED("[reveille]\nlgo = info\n", 2, "unknown key 'lgo'",
		"expected log, console, iommu, survey");
	REFUSED("[reveille]\nmemory = 4M\n", 2, "unknown key 'memory'", "expected log");
	REFUSED(VM "log = info\n", 4, "unknown key 'log'", "expected guest, args");
	REFUSED(VM "cpus = 1\n", 4, "'cpus' is there already", "expected it once a section");
	REFUSED(VM "halt\n", 4, "'halt' is no setting", "expected key = value");
	REFUSED("[vm a]\ncpus = 0\n[vm b]", 1, "[vm a] has no guest",
		"kernel = FILE or guest = builtin");
	REFUSED("\n[vm a]\nguest = builtin\n", 2, "[vm a] has no 'cpus'", "expected cpus");
	REFUSED(VM "halt = gal\x01og", 4, "character 01h in column 11", "ASCII");
	REFUSED(VM "# \xc3\xa4", 4, "character c3h in column 3", "ASCII");
}

TEST(bad_values)
{
	REFUSED("[reveille]\nlog = loud\n", 2, "bad value 'loud' for 'log'",
		"expected error, warn");
	REFUSED("[reveille]\ngalog-entries = 500\n", 2, "'500'", "a power of two");
	REFUSED("[reveille]\ngalog-entries = 256\n", 2, "'256'", "512 to 32768");
	REFUSED("[reveille]\ngalog-entries = 65536\n", 2, "'65536'", "512 to 32768");
	REFUSED("[reveille]\ntrace = 127\n", 2, "bad value '127' for 'trace'", "128 to 1048576");
	REFUSED("[reveille]\ngappi-own-vectors = 141\n", 2, "'141'", "0 to 140");
	REFUSED("[reveille]\ncpus = 65\n", 2, "'65'", "1 to 64");
	REFUSED("[reveille]\ncpus =\n", 2, "bad value ''", "1 to 64");
	REFUSED("[vm a]\nguest = linux\n", 2, "'linux' for 'guest'", "expected builtin");
	REFUSED(VM "apic = x3apic\n", 4, "'x3apic'", "x2apic, xapic or auto");
	REFUSED(VM "delivery = mail\n", 4, "'mail'", "auto, emulated or posted");
	REFUSED(VM "halt = gapi\n", 4, "'gapi'", "gappi or gappi-shared");
	REFUSED(VM "pci = express\n", 4, "'express'", "direct or virtual");
	REFUSED("[vm a]\nkernel = k\npci = virtual\ncpus = 0\n", 3, "'pci'", "always");
	/* Another VM's is its own business. */
	EXPECT_EQ(parse(VM "pci = virtual\n[vm b]\nkernel = k\ncpus = 0\n"), OK);
	EXPECT_EQ(parse("[vm a]\nkernel = k\ncpus = 0\n"), OK);
	EXPECT_EQ(c.vms[0].pci, PCI_VIRTUAL);
	EXPECT_EQ(parse("[reveille]\nvfs = 2*8086:10c9#0, 7*00:03.0\n" VM), OK);
	EXPECT(c.vfs_count == 2 && c.vfs[0].count == 2 && c.vfs[1].count == 7);
	EXPECT_EQ(c.vfs[1].pf.bdf, 0x18);
	EXPECT(c.vf_service);
	EXPECT_EQ(parse("[reveille]\nvf-service = no\n" VM), OK);
	EXPECT(!c.vf_service);
	REFUSED("[reveille]\nvf-service = maybe\n" VM, 2, "'maybe'", "no or yes");
	REFUSED("[reveille]\nvfs = 8086:10c9#0\n" VM, 2, "'8086:10c9#0'", "N*DEVICE");
	REFUSED("[reveille]\nvfs = 0*00:03.0\n" VM, 2, "'0*00:03.0'", "N*DEVICE");
	REFUSED("[reveille]\nvfs = 1*00:03.0,\n" VM, 2, "comma", "N*DEVICE");
	REFUSED(VM "control = maybe\n", 4, "'maybe'", "no or yes");
	REFUSED(VM "control = ye\n", 4, "'ye'", "no or yes");
	REFUSED(VM "storm-limit = 99\n", 4, "'99'", "100 to 10000000, or 0");
	REFUSED(VM "storm-limit = 10000001\n", 4, "'10000001'", "100 to 10000000, or 0");
	REFUSED(VM "storm-limit = few\n", 4, "'few'", "host interrupts a second");
}

TEST(memory)
{
	EXPECT_EQ(parse(VM "memory = 4194304"), OK);
	EXPECT_EQ(c.vms[0].memory_bytes, 4194304);
	EXPECT_EQ(parse(VM "memory = 8192K"), OK);
	EXPECT_EQ(c.vms[0].memory_bytes, 8 << 20);
	EXPECT_EQ(parse(VM "memory = 256G\npci = virtual"), OK);
	EXPECT_EQ(c.vms[0].memory_bytes, 256ull << 30);
	/* BARs at host addresses lie from 2 GiB on. */
	EXPECT_EQ(parse(VM "memory = 2G"), OK);
	EXPECT_EQ(c.vms[0].memory_bytes, 2ull << 30);
	REFUSED(VM "memory = 2050M\nargs = x\n[vm b]", 4, "memory beyond 2G",
		"expected at most 2G, or pci = virtual");
	REFUSED(VM "memory = 2050M\npci = direct", 4, "memory beyond 2G", "pci = virtual");
	EXPECT_EQ(parse(VM "memory = 2050M\npci = virtual\n[vm b]\nkernel = k\ncpus = 0\n"
			   "memory = 256G"),
		OK);
	EXPECT_EQ(c.vms[0].memory_bytes, 2050ull << 20);
	EXPECT_EQ(c.vms[1].memory_bytes, 256ull << 30);
	REFUSED(VM "memory = 5M", 4, "'5M'", "a multiple of 2M");
	REFUSED(VM "memory = 2M", 4, "'2M'", "4M to 256G");
	REFUSED(VM "memory = 258G", 4, "'258G'", "4M to 256G");
	REFUSED(VM "memory = M", 4, "'M'", "like 64M");
	REFUSED(VM "memory = 64m", 4, "'64m'", "like 64M");
	REFUSED(VM "memory = -64M", 4, "'-64M'", "like 64M");
	REFUSED(VM "memory = 36893488147419103232", 4, "'36893488147419103232'", "like 64M");
	REFUSED(VM "memory = 18014398509481984K", 4, "bad value", "like 64M");
}

#define KERNEL "[vm l]\nkernel = debian/vmlinuz-6.1.0-28\ncpus = 0\n"

TEST(a_kernel)
{
	EXPECT_EQ(parse(KERNEL "initrd = initrd.img\ncmdline = console=ttyS0 quiet a=b # c\n"
			       "console = none\nrestart = on-failure\n"),
		OK);
	EXPECT(!c.vms[0].builtin);
	EXPECT(!strcmp(c.vms[0].kernel.path, "debian/vmlinuz-6.1.0-28"));
	EXPECT_EQ(c.vms[0].kernel.line, 2);
	EXPECT(!strcmp(c.vms[0].initrd.path, "initrd.img"));
	EXPECT_EQ(c.vms[0].initrd.line, 4);
	EXPECT(!strcmp(c.vms[0].cmdline, "console=ttyS0 quiet a=b"));
	EXPECT_EQ(c.vms[0].console, VM_CONSOLE_NONE);
	EXPECT_EQ(c.vms[0].restart, RESTART_ON_FAILURE);
	EXPECT_EQ(parse(KERNEL), OK);
	EXPECT_EQ(c.vms[0].initrd.path[0], 0);
	EXPECT_EQ(c.vms[0].cmdline[0], 0);
	EXPECT_EQ(c.vms[0].console, VM_CONSOLE_UART);
	EXPECT_EQ(c.vms[0].restart, RESTART_NEVER);
	EXPECT_EQ(parse(VM), OK);
	EXPECT(c.vms[0].builtin);
}

TEST(what_belongs_to_a_kernel)
{
	REFUSED(VM "kernel = k\n", 4, "a kernel and guest = builtin", "expected one of them");
	REFUSED(VM "initrd = i\n\n", 4, "'initrd' belongs to a kernel", "kernel = FILE");
	REFUSED(VM "cmdline =\n\n", 4, "'cmdline' belongs to a kernel", "expected args");
	REFUSED(KERNEL "args = x\n[vm b]\n", 4, "'args' belongs to guest = builtin",
		"expected cmdline");
	REFUSED(KERNEL "restart = sometimes\n", 4, "'sometimes' for 'restart'",
		"expected never, on-reset, on-failure or always");
	REFUSED(KERNEL "console = tty\n", 4, "'tty' for 'console'", "expected uart or none");
}

TEST(kernel_types)
{
	EXPECT_EQ(parse(KERNEL), OK);
	EXPECT_EQ(c.vms[0].kernel_type, KERNEL_AUTO);
	EXPECT_EQ(parse(KERNEL "kernel-type = linux\n"), OK);
	EXPECT_EQ(c.vms[0].kernel_type, KERNEL_LINUX);
	EXPECT_EQ(parse(KERNEL "kernel-type = multiboot\n"), OK);
	EXPECT_EQ(c.vms[0].kernel_type, KERNEL_MULTIBOOT);
	EXPECT_EQ(parse(KERNEL "kernel-type = flat\n"), OK);
	EXPECT_EQ(c.vms[0].kernel_type, KERNEL_FLAT);
	EXPECT_EQ(c.vms[0].load_at, 0x100000);
	EXPECT_EQ(c.vms[0].entry, 0x100000);
	EXPECT_EQ(parse(KERNEL "load-at = 2M\nentry = 0x20A010\nkernel-type = flat\n"), OK);
	EXPECT_EQ(c.vms[0].load_at, 0x200000);
	EXPECT_EQ(c.vms[0].entry, 0x20a010);
	EXPECT_EQ(parse(KERNEL "kernel-type = flat-real\n"), OK);
	EXPECT_EQ(c.vms[0].load_at, 0x7c00);
	EXPECT_EQ(c.vms[0].entry, 0x7c00);
	EXPECT_EQ(parse(KERNEL "kernel-type = flat-real\nload-at = 4096\n"), OK);
	EXPECT_EQ(c.vms[0].entry, 0x1000);
	REFUSED(KERNEL "kernel-type = elf\n", 4, "'elf' for 'kernel-type'",
		"expected auto, linux, multiboot, flat or flat-real");
	REFUSED(KERNEL "kernel-type = flat\nload-at = 4G\n", 5, "'4G' for 'load-at'", "below 4G");
	REFUSED(KERNEL "kernel-type = flat\nentry = 0x\n", 5, "'0x' for 'entry'", "like 0x7c00");
	REFUSED(KERNEL "entry = 0x7c00\n[vm b]", 4, "belong to flat images", "flat-real");
	REFUSED(KERNEL "load-at = 1M\n[vm b]", 4, "belong to flat images", "flat-real");
	REFUSED(KERNEL "kernel-type = flat-real\nentry = 1M\n", 5, "entry 100000", "below 1M");
	REFUSED(VM "kernel-type = flat\n\n", 4, "'kernel-type' belongs to a kernel",
		"kernel = FILE");
}

TEST(paths)
{
	static const char *const bad[] = { "", "/k", "k/", "a//k", "../k", "a/../k", ".", "a/./k",
		"k.", "a b", "a\\b", "c:k", "k*",
		"a234567890123456789012345678901234567890123456789012345678901234" };
	char text[200];

	for (unsigned i = 0; i < ARRAY_COUNT(bad); i++) {
		snprintf(text, sizeof(text), "[vm l]\nkernel = %s\n", bad[i]);
		REFUSED(text, 2, "for 'kernel'", "expected a file in the folder of reveille.cfg");
	}
	EXPECT_EQ(parse("[vm l]\ncpus = 0\nkernel = "
			".a/..b/a2345678901234567890123456789012345678901234567890123~+_"),
		OK);
	EXPECT_EQ(strlen(c.vms[0].kernel.path), 63);
}

TEST(a_long_command_line)
{
	char text[1200] = KERNEL "cmdline = ";
	size_t at = strlen(text);

	memset(text + at, 'x', 1023);
	EXPECT_EQ(parse(text), OK);
	EXPECT_EQ(strlen(c.vms[0].cmdline), 1023);
	text[at + 1023] = 'x';
	REFUSED(text, 4, "'cmdline' is 1024 characters long", "expected 1023 at most");
}

TEST(lists)
{
	EXPECT_EQ(parse("[vm a]\nguest=builtin\ncpus = 2 * 5 , 126*63"), OK);
	EXPECT_EQ(c.vms[0].vcpu_count, 128);
	EXPECT_EQ(c.vms[0].pcpu[1], 5);
	EXPECT_EQ(c.vms[0].pcpu[127], 63);
	REFUSED("[vm a]\ncpus = 64", 2, "'64' for 'cpus'", "CPU numbers 0 to 63");
	REFUSED("[vm a]\ncpus = 129*0", 2, "'129*0'", "128 at most");
	REFUSED("[vm a]\ncpus = 100*0, 29*1", 2, "bad value", "128 at most");
	REFUSED("[vm a]\ncpus = 0*1", 2, "'0*1'", "like");
	REFUSED("[vm a]\ncpus = 1,", 2, "'1,'", "like");
	REFUSED("[vm a]\ncpus = ,1", 2, "',1'", "like");
	REFUSED("[vm a]\ncpus = 0-3", 2, "'0-3'", "like");
	REFUSED("[vm a]\ncpus = 1*2*3", 2, "'1*2*3'", "like");
	REFUSED(VM "priority = 8", 4, "'8' for 'priority'", "0 (low) to 7");
	EXPECT_EQ(parse("[vm a]\npriority = 1, 2\nguest=builtin\ncpus = 0, 1"), OK);
	EXPECT_EQ(c.vms[0].priority[1], 2);
	REFUSED("[vm a]\npriority = 1, 2\nguest=builtin\ncpus = 0, 1, 2", 2,
		"2 priorities for 3 vCPUs", "one for each");
	REFUSED("[reveille]\ncpus = 2\n" VM "[vm b]\nguest=builtin\ncpus = 0, 2\n", 8,
		"vCPU 1 on CPU 2, but [reveille] has cpus = 2", "expected 0 to 1");
}

TEST(budgets)
{
	EXPECT_EQ(parse("[vm a]\nguest=builtin\ncpus = 4*0\nbudget = 2ms/10ms, 2*500us / 5ms, 0"),
		OK);
	EXPECT_EQ(c.vms[0].budget_us[0], 2000);
	EXPECT_EQ(c.vms[0].period_us[0], 10000);
	EXPECT_EQ(c.vms[0].budget_us[2], 500);
	EXPECT_EQ(c.vms[0].period_us[2], 5000);
	EXPECT_EQ(c.vms[0].budget_us[3], 0);
	EXPECT_EQ(parse("[vm a]\nguest=builtin\nbudget = 1s/1s\ncpus = 2*0"), ERR_INVALID);
	EXPECT_EQ(parse("[vm a]\nguest=builtin\nbudget = 1000ms/1000ms\ncpus = 3*0"), OK);
	EXPECT_EQ(c.vms[0].budget_us[2], 1000000);
	EXPECT_EQ(parse("[vm a]\nguest=builtin\ncpus = 2*0\n[vm b]\nguest=builtin\ncpus=0"), OK);
	EXPECT_EQ(c.vms[0].period_us[0] | c.vms[1].period_us[0], 0);
	REFUSED(VM "budget = 2ms", 4, "'2ms' for 'budget'", "like 2ms/10ms");
	REFUSED(VM "budget = 2/10", 4, "'2/10'", "like 2ms/10ms");
	REFUSED(VM "budget = 99us/1ms", 4, "'99us/1ms'", "100us or more");
	REFUSED(VM "budget = 2ms/1ms", 4, "'2ms/1ms'", "of a period");
	REFUSED(VM "budget = 1ms/1001ms", 4, "'1ms/1001ms'", "1s or less");
	REFUSED(VM "budget = 2ms/10ms,", 4, "'2ms/10ms,'", "like");
	REFUSED(VM "budget = 129*0", 4, "'129*0'", "128 at most");
	REFUSED(VM "budget = 0*1ms/2ms", 4, "'0*1ms/2ms'", "like");
	REFUSED("[vm a]\nbudget = 0, 0\nguest=builtin\ncpus = 3*0", 2, "2 budgets for 3 vCPUs",
		"one for each");
}

TEST(devices)
{
	REFUSED(VM "devices = 00:20.0", 4, "'00:20.0'", "bus:device.function");
	REFUSED(VM "devices = 00:03.8", 4, "'00:03.8'", "bus:device.function");
	REFUSED(VM "devices = 100:03.0", 4, "'100:03.0'", "bus:device.function");
	REFUSED(VM "devices = 8086:10c9", 4, "'8086:10c9'", "vendor:device#index");
	REFUSED(VM "devices = 18086:10c9#0", 4, "bad value", "vendor:device#index");
	REFUSED(VM "devices = 8086:10c9#256", 4, "bad value", "vendor:device#index");
	REFUSED(VM "devices = 8086:10c9#", 4, "bad value", "vendor:device#index");
	REFUSED(VM "devices = 0003", 4, "'0003'", "bus:device.function");
	REFUSED(VM "devices = 00:03.0,", 4, "ends with a comma", "expected another device");
	REFUSED(VM "devices =", 4, "bad value ''", "bus:device.function");
}

TEST(device_paths)
{
	char text[CONFIG_DEVICE_TEXT];

	EXPECT_EQ(parse(VM "devices = pci/00:1C.0/00.0/1f.7, pci/40:03.1, 00:03.1"), OK);
	const struct config_device *d = c.vms[0].devices;
	EXPECT_EQ(d[0].naming, DEVICE_BY_PATH);
	EXPECT_EQ(d[0].bdf, 0xe0);
	EXPECT_EQ(d[0].hop_count, 2);
	EXPECT_EQ(d[0].hops[0], 0);
	EXPECT_EQ(d[0].hops[1], 0xff);
	config_device_text(text, &d[0]);
	EXPECT(!strcmp(text, "pci/00:1c.0/00.0/1f.7"));
	EXPECT_EQ(d[1].hop_count, 0);
	config_device_text(text, &d[1]);
	EXPECT(!strcmp(text, "pci/40:03.1"));
	REFUSED(VM "devices = pci/00:1c.0/", 4, "'pci/00:1c.0/'", "a path like pci/");
	REFUSED(VM "devices = pci/1c.0", 4, "bad value", "a path like pci/");
	REFUSED(VM "devices = pci/00:1c.0/00:00.0", 4, "bad value", "a path like pci/");
	REFUSED(VM "devices = pci/00:1c.0/20.0", 4, "bad value", "a path like pci/");
	REFUSED(VM "devices = pci/00:1c.0//00.0", 4, "bad value", "a path like pci/");
	REFUSED(VM "devices = pci/", 4, "bad value", "a path like pci/");
	REFUSED(VM "devices = pc/00:1c.0", 4, "bad value", "a path like pci/");
	EXPECT_EQ(parse(VM "devices = pci/00:1.0/1.0/2.0/3.0/4.0/5.0/6.0/7.0/8.0"), OK);
	config_device_text(text, &c.vms[0].devices[0]);
	EXPECT(!strcmp(text, "pci/00:01.0/01.0/02.0/03.0/04.0/05.0/06.0/07.0/08.0"));
	REFUSED(VM "devices = pci/00:1.0/1.0/2.0/3.0/4.0/5.0/6.0/7.0/8.0/9.0", 4, "bad value",
		"a path like pci/");
	REFUSED(VM "devices = pci/00:1c.0/0.0, pci/00:1c.0/00.0", 4,
		"device pci/00:1c.0/00.0 belongs to [vm a] already", "each device once");
}

TEST(interrupt_pins)
{
	EXPECT_EQ(
		parse(VM "pci = virtual\nintx = 00:05.0@21, 8086:100e#0@none,pci/00:1c.0/00.0@0\n"),
		OK);
	EXPECT_EQ(c.vms[0].intx_count, 3);
	EXPECT_EQ(c.vms[0].intx[0].device.bdf, 0x28);
	EXPECT_EQ(c.vms[0].intx[0].gsi, 21);
	EXPECT_EQ(c.vms[0].intx[1].device.vendor, 0x8086);
	EXPECT_EQ(c.vms[0].intx[1].gsi, CONFIG_GSI_NONE);
	EXPECT_EQ(c.vms[0].intx[2].gsi, 0);
	REFUSED(VM "intx = 00:05.0\n", 4, "'00:05.0'", "DEVICE@GSI");
	REFUSED(VM "intx = 00:05.0@\n", 4, "'00:05.0@'", "DEVICE@GSI");
	REFUSED(VM "intx = 00:05.0@1024\n", 4, "1024", "DEVICE@GSI");
	REFUSED(VM "intx = nobody@4\n", 4, "nobody", "DEVICE@GSI");
	REFUSED(VM "pci = direct\nintx = 00:05.0@4\n", 5, "PCI bus", "pci = virtual");
}

TEST(consoles_and_iommu)
{
	static const struct {
		const char *value;
		uint32_t com;
		bool screen;
	} good[] = { { "com1, screen", 1, true }, { "com3", 3, false }, { "screen,com4", 4, true },
		{ "screen", 0, true }, { "none", 0, false } };
	char text[100];

	for (unsigned i = 0; i < ARRAY_COUNT(good); i++) {
		snprintf(text, sizeof(text), "[reveille]\nconsole = %s\n" VM, good[i].value);
		EXPECT_EQ(parse(text), OK);
		EXPECT_EQ(c.console.com, good[i].com);
		EXPECT_EQ(c.console.screen, good[i].screen);
	}
	EXPECT_EQ(parse(VM), OK);
	EXPECT_EQ(c.console.com, 1);
	EXPECT(c.console.screen);
	EXPECT_EQ(c.iommu, IOMMU_AUTO);
	EXPECT_EQ(parse("[reveille]\niommu = required\n" VM), OK);
	EXPECT_EQ(c.iommu, IOMMU_REQUIRED);
	REFUSED("[reveille]\nconsole = com1, com2\n", 2, "'com1, com2' for 'console'", "one of");
	REFUSED("[reveille]\nconsole = com5\n", 2, "'com5'", "or none");
	REFUSED("[reveille]\nconsole = screen, none\n", 2, "'screen, none'", "or none");
	REFUSED("[reveille]\nconsole = com1,\n", 2, "'com1,'", "or none");
	REFUSED("[reveille]\nconsole =\n", 2, "''", "or none");
	REFUSED("[reveille]\niommu = on\n", 2, "'on' for 'iommu'",
		"expected auto, required or off");
}

TEST(no_vm_is_a_survey)
{
	EXPECT_EQ(parse(""), OK);
	EXPECT_EQ(c.vm_count, 0);
	EXPECT_EQ(c.survey, SURVEY_PRINT);
	EXPECT_EQ(parse("[reveille]\nsurvey = write\n"), OK);
	EXPECT_EQ(c.survey, SURVEY_WRITE);
	REFUSED("[reveille]\nsurvey = yes\n", 2, "'yes' for 'survey'", "expected print or write");
}

TEST(any_cpu)
{
	EXPECT_EQ(parse("[reveille]\ncpus = 4\n"
			"[vm a]\nguest=builtin\ncpus = 0, 2*any\n"
			"[vm n]\nguest=builtin\ncpus = 3\nhalt = native\n"
			"[vm b]\nguest=builtin\ncpus = any, 1, 2*any\n"),
		OK);
	EXPECT_EQ(c.vms[0].pcpu[1], CONFIG_CPU_ANY);
	config_place(&c, 4);
	/* Given: 0, 3 (native, so last) and 1; then 2, 0 of equals, 1, 2, 0. */
	EXPECT_EQ(c.vms[0].pcpu[0], 0);
	EXPECT_EQ(c.vms[0].pcpu[1], 2);
	EXPECT_EQ(c.vms[0].pcpu[2], 0);
	EXPECT_EQ(c.vms[1].pcpu[0], 3);
	EXPECT_EQ(c.vms[2].pcpu[0], 1);
	EXPECT_EQ(c.vms[2].pcpu[1], 1);
	EXPECT_EQ(c.vms[2].pcpu[2], 2);
	EXPECT_EQ(c.vms[2].pcpu[3], 0);
	EXPECT_EQ(parse("[vm a]\nguest=builtin\ncpus = 3*any\n"), OK);
	config_place(&c, 1);
	EXPECT_EQ(c.vms[0].pcpu[0] | c.vms[0].pcpu[1] | c.vms[0].pcpu[2], 0);
	REFUSED("[vm a]\ncpus = any*2\n", 2, "'any*2'", "or any");
	REFUSED(VM "priority = any\n", 4, "'any' for 'priority'", "0 (low) to 7");
}

TEST(thirty_three_devices)
{
	char text[1000];
	size_t at = (size_t)snprintf(text, sizeof(text), VM "devices = 8086:10c9#0");

	for (int i = 1; i < 33; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, ", 8086:10c9#%d", i);
	REFUSED(text, 4, "too many devices", "expected 32 at most");
}

TEST(a_device_twice)
{
	REFUSED(VM "devices = 00:03.0, 00:03.0", 4, "device 00:03.0 belongs to [vm a] already",
		"expected each device once");
	REFUSED(VM "devices = 8086:10c9#1\n[vm b]\nguest=builtin\ncpus=0\ndevices = 8086:10C9#1\n",
		8, "device 8086:10c9#1 belongs to [vm a] already", "expected each device once");
	EXPECT_EQ(
		parse(VM "devices = 8086:10c9#1, 8086:10c9#0, 8086:10ca#1, 00:03.0, 00:03.1"), OK);
}

TEST(long_values)
{
	char text[400] = VM "args = ";

	memset(text + strlen(text), 'x', 127);
	EXPECT_EQ(parse(text), OK);
	EXPECT_EQ(strlen(c.vms[0].args), 127);
	text[strlen(text)] = 'x';
	REFUSED(text, 4, "128 characters long", "expected 127 at most");
	memset(strstr(text, "args"), 'y', 200);
	REFUSED(text, 4, "is no setting", "expected key = value");
	EXPECT(strlen(e.text) < sizeof(e.text));
}

TEST(timers)
{
	EXPECT_EQ(parse(VM), OK);
	EXPECT_EQ(c.vms[0].timer, TIMER_APIC);
	EXPECT_EQ(parse(VM "timer = apic\n"), OK);
	EXPECT_EQ(c.vms[0].timer, TIMER_APIC);
	EXPECT_EQ(parse(KERNEL "timer = hpet\n"), OK);
	EXPECT_EQ(c.vms[0].timer, TIMER_HPET);
	EXPECT_EQ(parse(VM "timer = hpet\npci = virtual\n"), OK);
	EXPECT_EQ(c.vms[0].timer, TIMER_HPET);
	EXPECT_EQ(parse(KERNEL "timer = hpet\n" VM "timer = apic\n"), OK);
	REFUSED(VM "timer = tsc\n", 4, "'tsc' for 'timer'", "expected apic or hpet");
	REFUSED(VM "pci = direct\ntimer = hpet\n", 5, "needs a guest with tables",
		"expected a kernel, or pci = virtual too");
	REFUSED(VM "timer = hpet\n[vm b]\n", 4, "needs a guest with tables", "pci = virtual");
	REFUSED(KERNEL "timer = hpet\n" VM "pci = virtual\ntimer = hpet\n", 9,
		"the HPET belongs to [vm l] already", "expected timer = hpet once");
	REFUSED(VM "timer = apic\ntimer = apic\n", 5, "'timer' is there already", "once");
}
