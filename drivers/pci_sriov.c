/* SPDX-License-Identifier: MIT */
/* Turning virtual functions on: PCI Express Base 5.0, "Single Root I/O Virtualization and Sharing".
 */
#include "clock.h"
#include "pci.h"
#include "pci_access.h"
#include "pci_regs.h"

#define SETTLE_US 100000 /* from VF Enable to the first access; "VF Enable" */
#define PAGE_4KIB 1u

/* What a physical function says about its virtual ones. */
struct sriov {
	struct pci_device *pf;
	uint16_t cap;
	uint32_t count;
	struct pci_bar bar[PCI_BARS]; /* of the first one */
};

static uint32_t get(const struct sriov *s, unsigned at, unsigned bytes)
{
	return pci_read(s->pf->id, (uint16_t)(s->cap + at), bytes);
}

static void set(const struct sriov *s, unsigned at, unsigned bytes, uint32_t value)
{
	pci_write(s->pf->id, (uint16_t)(s->cap + at), bytes, value);
}

/* Behind a port there is one device; functions beyond its eighth are reached only if the port
 * forwards by the whole number. True: it does. */
static bool forward_all_functions(const struct sriov *s)
{
	const struct pci_device *port = pci_bridge_to(s->pf->id >> 8);
	uint16_t control;

	if (!port || !port->cap_pcie || !pci_find_ext_cap(s->pf->id, EXT_CAP_ARI) ||
		!(pci_read(port->id, (uint16_t)(port->cap_pcie + PCIE_DEVCAP2), 4) & DEVCAP2_ARI))
		return false;
	control = (uint16_t)(port->cap_pcie + PCIE_DEVCTL2);
	pci_write(port->id, control, 2, pci_read(port->id, control, 2) | DEVCTL2_ARI);
	return true;
}

static uint32_t id_of(const struct sriov *s, uint32_t n)
{
	return s->pf->id + get(s, SRIOV_OFFSET, 2) + n * get(s, SRIOV_STRIDE, 2);
}

/* NULL: each has a number that nobody else has, on a bus that leads to it. */
static const char *refuse_numbers(const struct sriov *s)
{
	const struct pci_device *port = pci_bridge_to(s->pf->id >> 8);
	uint32_t last_bus = s->pf->id >> 8;

	if (port)
		last_bus = pci_read(port->id, PCI_SUBORDINATE_BUS, 1);
	if (s->count > 1 && !get(s, SRIOV_STRIDE, 2))
		return "it gives all its virtual functions the same number";
	for (uint32_t n = 0; n < s->count; n++) {
		uint32_t id = id_of(s, n);

		if (id >> 8 > last_bus)
			return "firmware reserved no bus numbers for its virtual functions";
		if (pci_find((devid_t)id))
			return "a virtual function would have the number of another device";
	}
	return NULL;
}

static const char *refuse_bars(struct sriov *s)
{
	bool any = false;

	pci_size_registers(s->pf->id, (uint16_t)(s->cap + SRIOV_BAR0), s->bar);
	for (unsigned n = 0; n < PCI_BARS; n++) {
		any |= s->bar[n].bytes != 0;
		if (s->bar[n].bytes && !s->bar[n].base)
			return "firmware gave its virtual functions no addresses";
	}
	return any ? NULL : "its virtual functions have no registers";
}

static const char *refuse(struct sriov *s)
{
	if (!s->cap)
		return "it has no SR-IOV capability";
	if (s->pf->vf_count)
		return "its virtual functions are on already";
	if (s->count == 0 || s->count > get(s, SRIOV_TOTAL, 2))
		return "it has not that many virtual functions";
	if (!(get(s, SRIOV_PAGES, 4) & PAGE_4KIB))
		return "its virtual functions can't have pages of 4 KiB";
	return NULL;
}

static err_t add(const struct sriov *s, uint32_t n)
{
	struct pci_device *vf = pci_add_function(
		(devid_t)id_of(s, n), s->pf->vendor, (uint16_t)get(s, SRIOV_DEVICE, 2));

	if (!vf)
		return ERR_NOMEM;
	for (unsigned i = 0; i < PCI_BARS; i++) {
		vf->bar[i] = s->bar[i];
		if (vf->bar[i].bytes)
			vf->bar[i].base += n * vf->bar[i].bytes;
	}
	return OK;
}

err_t pci_enable_vfs(struct pci_device *pf, uint32_t count, const char **why)
{
	struct sriov s = {
		.pf = pf, .cap = pci_find_ext_cap(pf->id, EXT_CAP_SRIOV), .count = count
	};
	uint32_t ari;

	*why = refuse(&s);
	if (*why)
		return ERR_INVALID;
	set(&s, SRIOV_CONTROL, 2, 0);
	ari = forward_all_functions(&s) ? SRIOV_ARI : 0;
	set(&s, SRIOV_CONTROL, 2, ari);
	set(&s, SRIOV_PAGE, 4, PAGE_4KIB);
	set(&s, SRIOV_COUNT, 2, count); /* offset and stride may depend on it */
	*why = refuse_numbers(&s);
	if (!*why)
		*why = refuse_bars(&s);
	if (*why)
		return ERR_UNFIT;
	set(&s, SRIOV_CONTROL, 2, ari | SRIOV_ENABLE | SRIOV_MEMORY);
	clock_delay_us(SETTLE_US);
	for (uint32_t n = 0; n < count; n++) {
		*why = "a virtual function does not answer";
		if (pci_read((devid_t)id_of(&s, n), PCI_CLASS, 4) == ~0u)
			return ERR_UNFIT;
		*why = "there are too many PCI devices";
		if (add(&s, n))
			return ERR_UNFIT;
		pf->vf_count++;
	}
	return OK;
}
