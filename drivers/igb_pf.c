/* SPDX-License-Identifier: MIT */
/* Intel 82576EB Gigabit Ethernet Controller Datasheet rev 2.63, "Virtualization" (VMDq and SR-IOV,
 * "Mailbox"). What the messages say is no business of the hardware; it is agreed upon by the
 * drivers of both sides. */
#include "igb_pf.h"

#include "base/lib.h"
#include "clock.h"
#include "igb_mail.h"
#include "igb_regs.h"
#include <hw/cpu.h>
#include <hw/mem.h>
#include <hw/mmio.h>

#define VENDOR_INTEL 0x8086
#define DEVICE_82576 0x10c9
#define REGISTERS    0x20000
#define RESET_US     10000
#define PFS          4

#define POLL_IDLE_US  250000
#define POLL_TALK_US  10000
#define TALK_US       5000000 /* since the last message */
#define USUAL_LONGEST 1522

static struct igb_pf pfs[PFS];
static uint32_t pf_count;

static uint32_t get(const struct igb_pf *p, enum igb_reg r, uint32_t at)
{
	return mmio_read32(p->registers + (uint32_t)r + at);
}

static void set(const struct igb_pf *p, enum igb_reg r, uint32_t at, uint64_t value)
{
	mmio_write32(p->registers + (uint32_t)r + at, (uint32_t)value);
}

/* Pair n + 1: the first one is the physical function's own, which has no pool. Off while it
 * changes.
 */
static void set_address(const struct igb_pf *p, uint32_t n)
{
	const uint8_t *mac = p->vf[n].mac;
	uint32_t at = 8 * (n + 1);
	uint64_t high = mac[4] | (uint32_t)mac[5] << 8;

	set(p, IGB_RAH, at, 0);
	set(p, IGB_RAL, at,
		mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 | (uint32_t)mac[3] << 24);
	set(p, IGB_RAH, at, field_set(RAH_POOLS, high, 1u << n) | RAH_AV);
}

static void set_filters(const struct igb_pf *p, uint32_t n)
{
	const struct igb_vf *vf = &p->vf[n];

	set(p, IGB_VMOLR, 4 * n,
		field_set(VMOLR_LONGEST, 0, vf->longest) |
			(vf->longest > USUAL_LONGEST ? VMOLR_LPE : 0) |
			(vf->hash_count ? VMOLR_ROMPE : 0) | VMOLR_AUPE | VMOLR_BAM | VMOLR_STRCRC);
}

/* One table for all: what one asks for, others who asked for any may receive too. */
static void set_multicast(const struct igb_pf *p)
{
	uint32_t table[IGB_MTA_WORDS] = { 0 };

	for (uint32_t n = 0; n < p->vf_count; n++)
		for (uint32_t i = 0; i < p->vf[n].hash_count; i++)
			table[p->vf[n].hash[i] >> 5] |= 1u << (p->vf[n].hash[i] & 31);
	for (uint32_t i = 0; i < IGB_MTA_WORDS; i++)
		set(p, IGB_MTA, 4 * i, table[i]);
}

/* What the owner before had set is gone. Packets come and go again when the driver has told that it
 * is there. */
static void forget(struct igb_pf *p, uint32_t n)
{
	set(p, IGB_VFRE, 0, get(p, IGB_VFRE, 0) & ~(1u << n));
	set(p, IGB_VFTE, 0, get(p, IGB_VFTE, 0) & ~(1u << n));
	igb_mail_forget(&p->vf[n], USUAL_LONGEST);
	set_address(p, n);
	set_filters(p, n);
	set_multicast(p);
}

static void apply(struct igb_pf *p, uint32_t n, enum igb_change change)
{
	switch (change) {
	case IGB_RESET:
		forget(p, n);
		p->vf[n].ready = true;
		set(p, IGB_VFRE, 0, get(p, IGB_VFRE, 0) | 1u << n);
		set(p, IGB_VFTE, 0, get(p, IGB_VFTE, 0) | 1u << n);
		break;
	case IGB_ADDRESS:
		set_address(p, n);
		break;
	case IGB_MULTICAST:
		set_multicast(p);
		set_filters(p, n);
		break;
	case IGB_LONGEST:
		set_filters(p, n);
		break;
	case IGB_NOTHING:
		break;
	}
}

/* A copy: its owner may write into the mailbox meanwhile. */
static void answer(struct igb_pf *p, uint32_t n)
{
	uint32_t mail[IGB_MAIL_WORDS], at = IGB_MAIL_STRIDE * n;

	set(p, IGB_P2VMAILBOX, 4 * n, MAILBOX_PFU);
	if (!(get(p, IGB_P2VMAILBOX, 4 * n) & MAILBOX_PFU))
		return; /* the buffer is its driver's still: the next time */
	set(p, IGB_MBVFICR, 0, 1u << n);
	for (uint32_t i = 0; i < IGB_MAIL_WORDS; i++)
		mail[i] = get(p, IGB_VMBMEM, at + 4 * i);
	apply(p, n, igb_mail_read(p, n, mail));
	uint32_t words = igb_mail_answer(&p->vf[n], mail);

	for (uint32_t i = 0; i < words; i++)
		set(p, IGB_VMBMEM, at + 4 * i, mail[i]);
	set(p, IGB_P2VMAILBOX, 4 * n, MAILBOX_ACK | MAILBOX_STS);
}

/* True: somebody had something to say. */
static bool serve(struct igb_pf *p)
{
	uint32_t gone = get(p, IGB_VFLRE, 0), said = get(p, IGB_MBVFICR, 0);

	if (gone == ~0u || said == ~0u || !(gone | said))
		return false; /* all ones: the device has left */
	set(p, IGB_VFLRE, 0, gone);
	set(p, IGB_MBVFICR, 0, said & MBVFICR_ACKS);
	for (uint32_t n = 0; n < p->vf_count; n++) {
		if (gone & 1u << n)
			forget(p, n);
		if (said & 1u << n)
			answer(p, n);
	}
	return true;
}

uint32_t igb_pf_poll(uint64_t now)
{
	static uint64_t talks_until;

	for (uint32_t i = 0; i < pf_count; i++) {
		if (serve(&pfs[i]))
			talks_until = now + clock_us_to_ticks(TALK_US);
	}
	return !pf_count ? IGB_PF_NEVER : now < talks_until ? POLL_TALK_US : POLL_IDLE_US;
}

/* Everything off, then the device as after power-on. The link's partner is asked anew. */
static err_t reset(const struct igb_pf *p)
{
	set(p, IGB_IMC, 0, ~0u);
	set(p, IGB_EIMC, 0, ~0u);
	set(p, IGB_CTRL, 0, get(p, IGB_CTRL, 0) | CTRL_RST);
	clock_delay_us(RESET_US);
	if (get(p, IGB_CTRL, 0) & CTRL_RST)
		return ERR_TIMEOUT;
	set(p, IGB_IMC, 0, ~0u);
	set(p, IGB_EIMC, 0, ~0u);
	set(p, IGB_CTRL, 0, get(p, IGB_CTRL, 0) | CTRL_SLU);
	uint64_t mdic = field_set(MDIC_DATA, 0, PHY_AUTONEG | PHY_RESTART);

	mdic = field_set(MDIC_REG, field_set(MDIC_PHY, mdic, PHY_ADDRESS), PHY_CONTROL);
	set(p, IGB_MDIC, 0, field_set(MDIC_OP, mdic, MDIC_WRITE));
	clock_delay_us(RESET_US);
	return OK;
}

/* Sorting by pools. A queue whose owner gives it no buffers drops its packets: it must not hold up
 * the others' (QDE). Nobody sends with another's address. */
static void sort_to_pools(struct igb_pf *p)
{
	for (uint32_t i = 0; i < IGB_IVARS; i++)
		set(p, IGB_IVAR, 4 * i, 0);
	for (uint32_t i = 0; i < IGB_RA_PAIRS; i++)
		set(p, IGB_RAH, 8 * i, 0);
	set(p, IGB_QDE, 0, (1u << IGB_QUEUES) - 1);
	set(p, IGB_MRQC, 0, MRQC_VMDQ);
	set(p, IGB_VT_CTL, 0, VT_CTL_NO_DEFAULT | VT_CTL_REPLICATION);
	set(p, IGB_DTXSWC, 0, DTXSWC_LOOPBACK | DTXSWC_MAC_ANTI_SPOOF);
	for (uint32_t n = 0; n < p->vf_count; n++)
		forget(p, n);
	set(p, IGB_GPIE, 0, GPIE_NSICR | GPIE_MULTIPLE | GPIE_EIAME | GPIE_PBA);
	set(p, IGB_RCTL, 0, RCTL_EN | RCTL_BAM | RCTL_SECRC);
	set(p, IGB_TCTL, 0, get(p, IGB_TCTL, 0) | TCTL_EN);
	set(p, IGB_CTRL_EXT, 0, get(p, IGB_CTRL_EXT, 0) | CTRL_EXT_PFRSTD);
}

static const char *refuse(const struct pci_device *pf)
{
	const struct pci_bar *bar = &pf->bar[0];

	if (pf->vendor != VENDOR_INTEL || pf->device != DEVICE_82576)
		return "only an Intel 82576's are known";
	if (pf->vf_count == 0 || pf->vf_count > IGB_VFS)
		return "it has none, or more than it can have";
	if (bar->io || !bar->base || bar->bytes < REGISTERS)
		return "its registers have no address";
	return NULL;
}

err_t igb_pf_start(const struct pci_device *pf, const char **why)
{
	*why = refuse(pf);
	if (*why)
		return ERR_UNFIT;
	*why = "there are too many of its kind";
	if (pf_count == PFS)
		return ERR_NOMEM;
	struct igb_pf *p = &pfs[pf_count];

	*p = (struct igb_pf){ .registers = phys_to_virt(PHYS(pf->bar[0].base)),
		.vf_count = pf->vf_count };
	pci_enable_decoding(pf->id);
	*why = "it does not come out of its reset";
	err_t err = reset(p);

	if (err)
		return err;
	uint32_t low = get(p, IGB_RAL, 0), high = get(p, IGB_RAH, 0);
	const uint8_t mac[6] = { (uint8_t)low, (uint8_t)(low >> 8), (uint8_t)(low >> 16),
		(uint8_t)(low >> 24), (uint8_t)high, (uint8_t)(high >> 8) };

	igb_mail_addresses(p, mac);
	sort_to_pools(p);
	/* The shared receive path needs it; there is no queue that could use it, and the IOMMU
	 * would let nothing through. */
	pci_enable_dma(pf->id);
	pf_count++;
	return OK;
}
