/* SPDX-License-Identifier: MIT */
/*
 * One function's reset, in steps that never wait: whoever calls has other guests to serve.
 *
 *   QUIESCE --assert--> HOLD --release--> SETTLE --> done
 *                         (a bus or a power state is held; FLR settles at once)
 *
 * Only that function may be touched, so a bus is reset only where nothing else is on it.
 */
#include "clock.h"
#include "pci.h"
#include "pci_regs.h"
#include <hw/cpu.h>

#define PENDING_US 100000  /* then it is reset although a transaction is pending */
#define FLR_US     100000  /* PCI Express Base 5.0, "Function Level Reset (FLR)" */
#define BUS_US     2000    /* PCI Express Base 5.0, "Conventional Reset": 1 ms or more */
#define PM_US      10000   /* PCI Power Management 1.2, "State Transition": D3hot, both ways */
#define BACK_US    1000000 /* until it must answer */

/* The bridge with nothing else behind it; NULL: none. */
static const struct pci_device *bridge_alone(const struct pci_device *d)
{
	const struct pci_device *bridge = NULL;
	uint32_t bus = d->id >> 8;

	for (uint32_t i = 0; i < pci_count(); i++) {
		const struct pci_device *other = pci_by_index(i);

		if (other != d && (uint32_t)other->id >> 8 == bus)
			return NULL;
		if ((other->header_type & 0x7f) == PCI_HEADER_BRIDGE &&
			pci_read(other->id, PCI_SECONDARY_BUS, 1) == bus &&
			pci_read(other->id, PCI_SUBORDINATE_BUS, 1) == bus)
			bridge = other;
	}
	return bridge;
}

static bool power_resets(const struct pci_device *d)
{
	uint16_t pm = pci_find_cap(d->id, CAP_PM);

	return pm && !(pci_read(d->id, (uint16_t)(pm + PM_CONTROL), 2) & PM_NO_SOFT_RESET);
}

static enum pci_reset_way choose(const struct pci_device *d)
{
	uint16_t pcie = pci_find_cap(d->id, CAP_PCIE), af = pci_find_cap(d->id, CAP_AF);

	if (pcie && pci_read(d->id, (uint16_t)(pcie + PCIE_DEVCAP), 4) & DEVCAP_FLR)
		return PCI_RESET_FLR;
	if (af && pci_read(d->id, (uint16_t)(af + AF_CAP), 1) & AF_CAP_FLR)
		return PCI_RESET_AF;
	if (d->id >> 8 && bridge_alone(d))
		return PCI_RESET_BUS;
	return power_resets(d) ? PCI_RESET_POWER : PCI_RESET_NONE;
}

const char *pci_reset_name(enum pci_reset_way way)
{
	static const char *const names[] = { "none", "FLR", "FLR (AF)", "secondary bus reset",
		"D3hot and back" };

	return names[way];
}

void pci_reset_begin(const struct pci_device *d, struct pci_reset *r)
{
	*r = (struct pci_reset){ .way = choose(d), .stage = PCI_RESET_QUIESCE };
	pci_disable_dma(d->id);
	r->deadline = cpu_ticks() + clock_us_to_ticks(PENDING_US);
}

static bool pending(const struct pci_device *d, enum pci_reset_way way)
{
	uint16_t af = pci_find_cap(d->id, CAP_AF);

	if (way == PCI_RESET_AF)
		return pci_read(d->id, (uint16_t)(af + AF_STATUS), 1) & AF_STATUS_PENDING;
	return d->cap_pcie &&
	       pci_read(d->id, (uint16_t)(d->cap_pcie + PCIE_DEVSTA), 2) & DEVSTA_PENDING;
}

static void set_power(const struct pci_device *d, uint32_t state)
{
	uint16_t control = (uint16_t)(pci_find_cap(d->id, CAP_PM) + PM_CONTROL);

	pci_write(d->id, control, 2, (pci_read(d->id, control, 2) & ~PM_STATE) | state);
}

static void bus_reset(const struct pci_device *d, uint32_t on)
{
	const struct pci_device *bridge = bridge_alone(d);

	if (bridge)
		pci_write(bridge->id, PCI_BRIDGE_CONTROL, 2,
			(pci_read(bridge->id, PCI_BRIDGE_CONTROL, 2) & ~BRIDGE_RESET) | on);
}

static void next(struct pci_reset *r, enum pci_reset_stage stage, uint64_t after_us)
{
	uint64_t now = cpu_ticks();

	r->stage = stage;
	r->due = now + clock_us_to_ticks(after_us);
	r->deadline = now + clock_us_to_ticks(BACK_US);
}

static void assert_reset(const struct pci_device *d, struct pci_reset *r)
{
	uint16_t at;

	switch (r->way) {
	case PCI_RESET_FLR:
		at = (uint16_t)(pci_find_cap(d->id, CAP_PCIE) + PCIE_DEVCTL);
		pci_write(d->id, at, 2, pci_read(d->id, at, 2) | DEVCTL_FLR);
		next(r, PCI_RESET_SETTLE, FLR_US);
		break;
	case PCI_RESET_AF:
		at = (uint16_t)(pci_find_cap(d->id, CAP_AF) + AF_CONTROL);
		pci_write(d->id, at, 1, AF_CONTROL_FLR);
		next(r, PCI_RESET_SETTLE, FLR_US);
		break;
	case PCI_RESET_BUS:
		bus_reset(d, BRIDGE_RESET);
		next(r, PCI_RESET_HOLD, BUS_US);
		break;
	default:
		set_power(d, PM_STATE);
		next(r, PCI_RESET_HOLD, PM_US);
	}
}

static void release(const struct pci_device *d, struct pci_reset *r)
{
	if (r->way == PCI_RESET_BUS) {
		bus_reset(d, 0);
		next(r, PCI_RESET_SETTLE, FLR_US);
	} else {
		set_power(d, 0);
		next(r, PCI_RESET_SETTLE, PM_US);
	}
}

/* What firmware gave out, and not what the function had just before: it may have lost it by itself.
 * The command register stays reset: no decoding, no DMA, until pci_enable(). */
static void restore(const struct pci_device *d)
{
	for (unsigned i = 0; i < PCI_BARS; i++) {
		const struct pci_bar *bar = &d->bar[i];
		uint16_t at = (uint16_t)(PCI_BAR0 + 4 * i);

		if (bar->bytes)
			pci_write(d->id, at, 4, (uint32_t)bar->base);
		if (bar->wide)
			pci_write(d->id, (uint16_t)(at + 4), 4, (uint32_t)(bar->base >> 32));
	}
	/* The largest payload is the hierarchy's, not the function's. */
	if (d->cap_pcie)
		pci_write(d->id, (uint16_t)(d->cap_pcie + PCIE_DEVCTL), 2,
			d->device_control & ~DEVCTL_FLR);
}

err_t pci_reset_step(const struct pci_device *d, struct pci_reset *r)
{
	uint64_t now = cpu_ticks();

	if (r->way == PCI_RESET_NONE)
		return ERR_UNFIT;
	if (now < r->due)
		return ERR_BUSY;
	if (r->stage == PCI_RESET_QUIESCE) {
		if (!pending(d, r->way) || now >= r->deadline)
			assert_reset(d, r);
		return ERR_BUSY;
	}
	if (r->stage == PCI_RESET_HOLD) {
		release(d, r);
		return ERR_BUSY;
	}
	/* Not the vendor, which reads as ones from a virtual function anyway. */
	if (pci_read(d->id, PCI_CLASS, 4) == ~0u)
		return now < r->deadline ? ERR_BUSY : ERR_TIMEOUT;
	restore(d);
	return pci_acs_on(d) ? OK : ERR_TIMEOUT;
}

err_t pci_reset(const struct pci_device *d, struct pci_reset *r)
{
	err_t err;

	pci_reset_begin(d, r);
	do {
		cpu_pause();
		err = pci_reset_step(d, r);
	} while (err == ERR_BUSY);
	return err;
}
