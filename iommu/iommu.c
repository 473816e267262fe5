// SPDX-License-Identifier: MIT
/* Bring-up of all units, and who is behind which. The order of writes is that of 48882 rev 3.11,
 * "Initialization Order"; everything before IommuEn is prepared while the unit is off. */
#include "access.h"
#include "base/log.h"
#include "cmd.h"
#include "drivers/pci.h"
#include "ivrs.h"
#include <hw/mem.h>

/* IVHD flags that go into the control register as they are */
#define IVHD_HT_TUN_EN   BIT(0)
#define IVHD_PASS_PW     BIT(1)
#define IVHD_RES_PASS_PW BIT(2)
#define IVHD_ISOC        BIT(3)
/* IVMD flags */
#define IVMD_UNITY BIT(0)
#define IVMD_IR    BIT(1)
#define IVMD_IW    BIT(2)
#define IVMD_EXCL  BIT(3)

static struct iommu units[IOMMU_MAX];
static uint32_t unit_count;
static struct iommu *unit_of_ivrs[IOMMU_MAX]; /* NULL: could not be brought up */
static const struct ivrs *ivrs_table;

err_t iommu_wait_status(const struct iommu *u, uint64_t mask, uint64_t want, uint64_t timeout_us)
{
	uint64_t start = cpu_ticks(), limit = clock_us_to_ticks(timeout_us);

	while ((iommu_read(u, IOMMU_STATUS) & mask) != want) {
		if (cpu_ticks() - start > limit) {
			log_error("IOMMU %02x:%02x.%x: status %llx, waited for %llx of %llx",
				u->dev >> 8, u->dev >> 3 & 31, u->dev & 7,
				(unsigned long long)iommu_read(u, IOMMU_STATUS),
				(unsigned long long)want, (unsigned long long)mask);
			return ERR_TIMEOUT;
		}
		cpu_pause();
	}
	return OK;
}

/* The registers decode only after Enable in the capability block, which firmware normally sets and
 * by that locks the base. */
static void open_registers(struct iommu *u, const struct ivrs_unit *from)
{
	uint32_t header = pci_read(u->dev, u->cap_offset + CAP_HEADER, 4);

	if ((header & 0xff) != CAP_ID_SECURE) {
		log_warn("IOMMU %04x: no capability block at %x; going by the IVRS alone", u->dev,
			u->cap_offset);
		return;
	}
	u->f.np_cache = header & CAP_NP_CACHE;
	uint32_t base = pci_read(u->dev, u->cap_offset + CAP_BASE_LO, 4);

	if (base & CAP_BASE_ENABLE)
		return;
	pci_write(u->dev, u->cap_offset + CAP_BASE_HI, 4, (uint32_t)(from->mmio >> 32));
	pci_write(u->dev, u->cap_offset + CAP_BASE_LO, 4,
		((uint32_t)from->mmio & (uint32_t)CAP_BASE_ADDRESS) | (uint32_t)CAP_BASE_ENABLE);
}

/* The image in the IVRS counts where there is one: firmware may mask bits in the registers. */
static void read_features(struct iommu *u, const struct ivrs_unit *from)
{
	uint64_t efr = iommu_read(u, IOMMU_FEATURES), efr2 = iommu_read(u, IOMMU_FEATURES2);

	if (from->efr && from->efr != efr) {
		log_warn("IOMMU %u: features %llx in the registers, %llx in the IVRS", u->index,
			(unsigned long long)efr, (unsigned long long)from->efr);
		efr = from->efr;
		efr2 = from->efr2;
	}
	iommu_decode_features(&u->f, efr, efr2);
}

/* Firmware, or whoever ran before, may have left anything running: off in this order, one bit a
 * write. From here to IommuEn nothing is translated, as under any operating system's start. */
static void take_over(struct iommu *u)
{
	static const uint64_t order[] = {
		CONTROL_CMD_BUF_EN,
		CONTROL_EVENT_INT_EN,
		CONTROL_EVENT_LOG_EN,
		CONTROL_GALOG_EN,
		CONTROL_GAINT_EN,
		CONTROL_GAPPI_EN,
		CONTROL_PPR_LOG_EN,
		CONTROL_PPR_INT_EN,
		CONTROL_IOMMU_EN,
		CONTROL_IRTCACHE_DIS,
	};
	uint64_t running = STATUS_CMD_RUN | STATUS_EVENT_RUN | STATUS_PPR_RUN | STATUS_GALOG_RUN;

	u->control = iommu_read(u, IOMMU_CONTROL);
	for (size_t i = 0; i < ARRAY_COUNT(order); i++)
		if (u->control & order[i])
			iommu_control(u, 0, order[i]);
	/* If something doesn't stop there is nothing better than to go on: bring-up ends with a
	 * completion that shows whether the unit works. */
	if (iommu_wait_status(u, running, 0, IOMMU_RUN_TIMEOUT_US))
		log_warn("IOMMU %u does not stop", u->index);
	iommu_control(u, 0, ~0ull);
	iommu_ack(u, STATUS_PPR_OVERFLOW | STATUS_PPR_INT | STATUS_EVENT_OVERFLOW |
			     STATUS_EVENT_INT | STATUS_COMWAIT_INT | STATUS_GALOG_OVERFLOW |
			     STATUS_GAINT);
}

static uint64_t control_of_ivhd(uint8_t flags)
{
	return (flags & IVHD_HT_TUN_EN ? CONTROL_HT_TUN_EN : 0) |
	       (flags & IVHD_PASS_PW ? CONTROL_PASS_PW : 0) |
	       (flags & IVHD_RES_PASS_PW ? CONTROL_RES_PASS_PW : 0) |
	       (flags & IVHD_ISOC ? CONTROL_ISOC : 0) | CONTROL_COHERENT |
	       field_set(CONTROL_INV_TIMEOUT, 0, INV_TIMEOUT_1S);
}

static err_t bring_up(struct iommu *u, const struct ivrs_unit *from, const struct iommu_setup *s)
{
	take_over(u);
	iommu_control(u, control_of_ivhd(from->flags), 0);
	err_t err = dte_init(u);

	if (!err)
		err = cmd_init(u);
	if (err)
		return err;
	iommu_write(u, IOMMU_EXCLUSION_BASE, 0);
	iommu_write(u, IOMMU_EXCLUSION_LIMIT, 0);
	u->xt = u->f.xt && u->f.ga && s->x2apic;
	if (u->f.ga)
		iommu_control(u, CONTROL_GA_EN, 0);
	if (u->xt)
		iommu_control(u, CONTROL_XT_EN, 0);
	smi_filter_init(u);
	iommu_control(u, CONTROL_IOMMU_EN, 0);
	cmd_invalidate_all(u);
	err = cmd_finish(u, CMD_TIMEOUT_US);
	if (!err)
		err = event_init(u);
	if (!err)
		err = galog_init(u, s->galog_entries);
	if (err)
		return err;
	/* Without its interrupts the unit still translates, blocks and posts; only the GA log can't
	 * be used and events are seen late. */
	u->mute = own_interrupt_init(u, s) != OK;
	if (!u->mute)
		iommu_control(u, CONTROL_EVENT_INT_EN, 0);
	return OK;
}

static void describe(const struct iommu *u)
{
	log_debug("iommu%u: at %02x:%02x.%x, features %llx %llx%s%s", u->index, u->dev >> 8,
		u->dev >> 3 & 31, u->dev & 7, (unsigned long long)u->f.efr,
		(unsigned long long)u->f.efr2, u->xt ? ", xt" : ", 8-bit destinations",
		u->mute          ? ", no interrupts"
		: u->one_message ? ", one message"
				 : "");
}

err_t iommu_init_all(const struct ivrs *ivrs, const struct iommu_setup *setup)
{
	unit_count = 0;
	ivrs_table = ivrs;
	if (!ivrs || !ivrs->unit_count)
		return ERR_UNFIT;
	for (uint32_t i = 0; i < ivrs->unit_count; i++) {
		const struct ivrs_unit *from = &ivrs->unit[i];
		struct iommu *u = &units[unit_count];

		unit_of_ivrs[i] = NULL;
		if (from->segment != 0) {
			log_warn("IOMMU %04x of PCI segment %u left alone", from->dev,
				from->segment);
			continue;
		}
		*u = (struct iommu){
			.regs = phys_to_virt(PHYS(from->mmio)),
			.index = unit_count,
			.dev = from->dev,
			.cap_offset = from->cap_offset,
			.lock = SPINLOCK_INIT,
		};
		open_registers(u, from);
		read_features(u, from);
		err_t err = bring_up(u, from, setup);

		if (err) {
			log_error(
				"IOMMU %04x could not be brought up (error %d): its devices can't "
				"be given to guests",
				from->dev, err);
			continue;
		}
		describe(u);
		unit_of_ivrs[i] = u;
		unit_count++;
	}
	return unit_count ? OK : ERR_UNFIT;
}

uint32_t iommu_count(void)
{
	return unit_count;
}

struct iommu *iommu_by_index(uint32_t i)
{
	return i < unit_count ? &units[i] : NULL;
}

static const struct ivrs_range *range_of(devid_t dev)
{
	return unit_count ? ivrs_range_of(ivrs_table, dev) : NULL;
}

struct iommu *iommu_of(devid_t dev)
{
	const struct ivrs_range *r = range_of(dev);

	return r ? unit_of_ivrs[r->unit] : NULL;
}

devid_t iommu_alias(devid_t dev)
{
	const struct ivrs_range *r = range_of(dev);

	return r && r->aliased ? r->alias : dev;
}

static struct iommu *iommu_of_special(uint8_t variety, uint8_t handle, devid_t *dev)
{
	for (uint32_t i = 0; unit_count && i < ivrs_table->special_count; i++) {
		const struct ivrs_special *s = &ivrs_table->special[i];

		if (s->variety != variety || s->handle != handle)
			continue;
		*dev = s->dev;
		return unit_of_ivrs[s->unit];
	}
	return NULL;
}

struct iommu *iommu_of_ioapic(uint8_t ioapic_id, devid_t *dev)
{
	return iommu_of_special(IVRS_IOAPIC, ioapic_id, dev);
}

struct iommu *iommu_of_hpet(uint8_t number, devid_t *dev)
{
	return iommu_of_special(IVRS_HPET, number, dev);
}

err_t iommu_enable_guest_mode(struct iommu *u)
{
	if (!u->f.gam)
		return ERR_UNFIT;
	spin_lock(&u->lock);
	iommu_control(u, field_set(CONTROL_GAM_EN, 0, GAM_VAPIC), CONTROL_GAM_EN);
	spin_unlock(&u->lock);
	return OK;
}

static enum iopt_perm unity_perm(uint8_t flags)
{
	if (flags & IVMD_EXCL)
		return IOPT_RW;
	return (flags & IVMD_IR ? IOPT_R : 0) | (flags & IVMD_IW ? IOPT_W : 0);
}

err_t iommu_map_unity(struct domain *d, devid_t dev)
{
	for (uint32_t i = 0; unit_count && i < ivrs_table->unity_count; i++) {
		const struct ivrs_unity *r = &ivrs_table->unity[i];

		if (dev < r->first || dev > r->last || !(r->flags & (IVMD_UNITY | IVMD_EXCL)))
			continue;
		uint64_t base = ALIGN_DOWN(r->base, PAGE_BYTES);
		uint64_t bytes = ALIGN_UP(r->base + r->bytes, PAGE_BYTES) - base;
		err_t err = iopt_map(d, base, PHYS(base), bytes, unity_perm(r->flags));

		if (err)
			return err;
	}
	return OK;
}
