/* SPDX-License-Identifier: MIT */
/*
 * Every register by a load, a store, RDMSR and WRMSR of a real guest: how it ends, where RIP
 * is then, and what the page holds.
 */
#include "smoke.h"

#define AREA  "AVIC: a guest's register accesses"
#define TABLE "Virtual APIC Register Accesses"
#define GP    0x4du /* exit code of an intercepted #GP */

/* a allowed, c accelerated, t trap, f fault, g #GP, - not tried. Typed from the manual. */
struct row {
	unsigned first, last; /* offsets in the page; of an MSR, (number - 800h) << 4 */
	char read, write;
	const char *name;
};

static const struct row page_rows[] = {
	{ 0x000, 0x010, 'a', 'a', "000h to 010h, no register: memory" },
	{ 0x020, 0x020, 'a', 't', "020h APIC ID: read allowed, write trap" },
	{ 0x030, 0x030, 'a', 'f', "030h Version: read allowed, write fault" },
	{ 0x040, 0x070, 'a', 'a', "040h to 070h, no register: memory" },
	{ 0x080, 0x080, 'a', 'c', "080h TPR: read allowed, write accelerated" },
	{ 0x090, 0x090, 'f', 'f', "090h APR: faults" },
	{ 0x0a0, 0x0a0, 'a', 'f', "0A0h PPR: read allowed, write fault" },
	{ 0x0b0, 0x0b0, 'a', 'c', "0B0h EOI: read allowed, write accelerated" },
	{ 0x0c0, 0x0c0, 'a', 't', "0C0h Remote Read: read allowed, write trap" },
	{ 0x0d0, 0x0d0, 'a', 't', "0D0h LDR: read allowed, write trap" },
	{ 0x0e0, 0x0e0, 'a', 't', "0E0h DFR: read allowed, write trap" },
	{ 0x0f0, 0x0f0, 'a', 't', "0F0h SVR: read allowed, write trap" },
	{ 0x100, 0x170, 'a', 'f', "100h to 170h ISR: read allowed, write fault" },
	{ 0x180, 0x1f0, 'a', 'f', "180h to 1F0h TMR: read allowed, write fault" },
	{ 0x200, 0x270, 'a', 'f', "200h to 270h IRR: read allowed, write fault" },
	{ 0x280, 0x280, 'a', 't', "280h ESR: read allowed, write trap" },
	{ 0x290, 0x2f0, 'a', 'a', "290h to 2F0h, no register: memory" },
	{ 0x310, 0x310, 'a', 'a', "310h ICR high: allowed" },
	{ 0x320, 0x370, 'a', 't', "320h to 370h LVTs: read allowed, write trap" },
	{ 0x380, 0x380, 'a', 't', "380h Initial Count: read allowed, write trap" },
	{ 0x390, 0x390, 'f', 'f', "390h Current Count: faults" },
	{ 0x3a0, 0x3d0, 'a', 'a', "3A0h to 3D0h, no register: memory" },
	{ 0x3e0, 0x3e0, 'a', 't', "3E0h Divide: read allowed, write trap" },
	{ 0x3f0, 0x3f0, 'a', 'a', "3F0h, no register: memory" },
	{ 0x400, 0x420, 'f', 'f', "400h to 420h extended features: faults" },
	{ 0x430, 0x470, 'f', 'f', "430h to 470h reserved: faults" },
	{ 0x480, 0x4f0, 'f', 'f', "480h to 4F0h IER: faults" },
	{ 0x500, 0x530, 'f', 'f', "500h to 530h extended LVT: faults" },
	{ 0x540, 0xff0, 'f', 'f', "540h to FF0h reserved: faults" },
};

static const struct row msr_rows[] = {
	{ 0x000, 0x010, 'g', 'g', "800h, 801h: #GP" },
	{ 0x020, 0x030, 'a', 'g', "802h, 803h ID, Version: read allowed, write #GP" },
	{ 0x040, 0x070, 'g', 'g', "804h to 807h: #GP" },
	{ 0x080, 0x080, 'a', 'c', "808h TPR: read allowed, write accelerated" },
	{ 0x090, 0x090, 'f', 'g', "809h APR: read fault, write #GP" },
	{ 0x0a0, 0x0a0, 'a', 'g', "80Ah PPR: read allowed, write #GP" },
	{ 0x0b0, 0x0b0, 'g', 'c', "80Bh EOI: read #GP, write accelerated" },
	{ 0x0c0, 0x0c0, 'g', 'g', "80Ch: #GP" },
	{ 0x0d0, 0x0d0, 'a', 'g', "80Dh LDR: read allowed, write #GP" },
	{ 0x0e0, 0x0e0, 'g', 'g', "80Eh: #GP" },
	{ 0x0f0, 0x0f0, 'a', 't', "80Fh SVR: read allowed, write trap" },
	{ 0x100, 0x270, 'a', 'g', "810h to 827h ISR, TMR, IRR: read allowed, write #GP" },
	{ 0x280, 0x280, 'a', 't', "828h ESR: read allowed, write trap" },
	{ 0x290, 0x2f0, 'g', 'g', "829h to 82Fh: #GP" },
	{ 0x310, 0x310, 'g', 'g', "831h: #GP" },
	{ 0x320, 0x370, 'a', 't', "832h to 837h LVTs: read allowed, write trap" },
	{ 0x380, 0x380, 'a', 't', "838h Initial Count: read allowed, write trap" },
	{ 0x390, 0x390, 'f', 'g', "839h Current Count: read fault, write #GP" },
	{ 0x3a0, 0x3d0, 'g', 'g', "83Ah to 83Dh: #GP" },
	{ 0x3e0, 0x3e0, 'a', 't', "83Eh Divide: read allowed, write trap" },
	{ 0x3f0, 0x3f0, 'g', '-', "83Fh SELF IPI: read #GP" },
	{ 0x400, 0x420, 'f', 'f', "840h to 842h extended features: faults" },
	{ 0x430, 0x470, 'g', 'g', "843h to 847h: #GP" },
	{ 0x480, 0x4f0, 'f', 'f', "848h to 84Fh IER: faults" },
	{ 0x500, 0x530, 'f', 'f', "850h to 853h extended LVT: faults" },
	{ 0x540, 0xff0, 'g', 'g', "854h to 8FFh: #GP" },
};

static struct vcpu *const a = &vcpus[0];

void g_load(void), g_loaded(void), g_store(void), g_stored(void);
void g_rdmsr(void), g_rdmsr_end(void), g_wrmsr(void), g_wrmsr_end(void);
__asm__("g_load: mov (%rsi), %eax\n g_loaded: vmmcall\n"
	"g_store: movl %edx, (%rsi)\n g_stored: vmmcall\n"
	"g_rdmsr: rdmsr\n g_rdmsr_end: vmmcall\n"
	"g_wrmsr: wrmsr\n g_wrmsr_end: vmmcall\n");

/* How one access ended; RIP tells a trap from a fault. */
static void ended(const struct row *r, unsigned offset, char how, uint64_t at, uint64_t behind)
{
	bool write = at == (uint64_t)g_store || at == (uint64_t)g_wrmsr;
	uint64_t want = how == 'g' ? GP : how == 't' || how == 'f' ? 0x402 : VMMCALL;
	uint64_t code = run(a);

	check(code == want, r->name);
	check(*field64(a, 0x578) == (how == 'f' || how == 'g' ? at : behind), r->name);
	if (code == 0x402 && want == code) {
		check(*field64(a, 0x78) == ((write ? 1ull << 32 : 0) | offset), r->name);
		check(*field64(a, 0x80) == 0, r->name);
		check(*field64(a, 0x88) >> 31 == 0, r->name);
	}
}

static uint32_t prepare(unsigned offset, void (*entry)(void))
{
	uint32_t pattern = offset == 0x80 ? 0x50 : 0x5a000000 + offset;

	setup(a, entry);
	a->gprs[1] = 0x800 + (offset >> 4);
	a->gprs[6] = APIC + offset;
	page_set(a, offset, pattern);
	if (offset == 0x80)
		*field64(a, 0x60) |= 5;
	return pattern;
}

static void one(const struct row *r, unsigned offset)
{
	void (*read)(void) = guest_x2 ? g_rdmsr : g_load;
	void (*write)(void) = guest_x2 ? g_wrmsr : g_store;
	uint32_t pattern = prepare(offset, read);

	ended(r, offset, r->read, (uint64_t)read, (uint64_t)(guest_x2 ? g_rdmsr_end : g_loaded));
	if (r->read == 'a' && offset != 0xa0)
		check((uint32_t)*field64(a, 0x5f8) == pattern, r->name);
	if (r->write == '-')
		return;
	pattern = prepare(offset, write);
	ended(r, offset, r->write, (uint64_t)write, (uint64_t)(guest_x2 ? g_wrmsr_end : g_stored));
	if (r->write == 'f' || r->write == 'g')
		check(page_get(a, offset) == pattern || offset == 0xa0, r->name);
	else if (offset != 0xb0)
		check(page_get(a, offset) == 0, r->name);
}

void registers(void)
{
	const struct row *rows = guest_x2 ? msr_rows : page_rows;
	unsigned count =
		guest_x2 ? sizeof(msr_rows) / sizeof(*rows) : sizeof(page_rows) / sizeof(*rows);

	CASE(TABLE, "a fault leaves RIP at the access and the page as it was, a trap comes behind "
		    "it with the value stored; EXITINFO1 has bit 32 and the offset");
	for (unsigned i = 0; i < count; i++) {
		/* The manual has no row for these. */
		bool silent = rows[i].write == 'a' && rows[i].first != 0x310;

		if (rows[i].read == 'g' || rows[i].write == 'g' || silent)
			ASSUMED(TABLE, rows[i].name);
		else
			CASE(TABLE, rows[i].name);
		for (unsigned offset = rows[i].first; offset <= rows[i].last; offset += 16)
			one(&rows[i], offset);
	}
}
