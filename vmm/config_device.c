/* SPDX-License-Identifier: MIT */
/* The three ways to name a device. */
#include "config_values.h"
#include "base/lib.h"

/* "1c.0" */
static bool device_function(struct span s, uint8_t *devfn)
{
	struct span device = span_cut(&s, '.');
	uint64_t d, f;

	if (!value_hex(device, 2, 0x1f, &d) || !value_hex(s, 1, 7, &f))
		return false;
	*devfn = (uint8_t)(d << 3 | f);
	return true;
}

/* "00:1c.0" */
static bool address(struct span s, devid_t *bdf)
{
	struct span bus = span_cut(&s, ':');
	uint64_t b;
	uint8_t devfn;

	if (!value_hex(bus, 2, 0xff, &b) || !device_function(s, &devfn))
		return false;
	*bdf = (devid_t)(b << 8 | devfn);
	return true;
}

/* After "pci/". */
static bool path(struct span s, struct config_device *d)
{
	d->naming = DEVICE_BY_PATH;
	d->hop_count = 0;
	if (span_ends(s, '/') || !address(span_cut(&s, '/'), &d->bdf))
		return false;
	while (s.bytes) {
		if (d->hop_count == CONFIG_HOPS ||
			!device_function(span_cut(&s, '/'), &d->hops[d->hop_count]))
			return false;
		d->hop_count++;
	}
	return true;
}

/* "8086:10c9#0" */
static bool by_id(struct span s, struct config_device *d)
{
	struct span vendor = span_cut(&s, ':'), device = span_cut(&s, '#');
	uint64_t a, b, c;

	if (!value_hex(vendor, 4, 0xffff, &a) || !value_hex(device, 4, 0xffff, &b) ||
		!value_number(s, 0, 255, &c))
		return false;
	d->naming = DEVICE_BY_ID;
	d->vendor = (uint16_t)a;
	d->device = (uint16_t)b;
	d->index = (uint32_t)c;
	return true;
}

bool value_device(struct span s, struct config_device *d)
{
	struct span rest = s;

	if (span_is(span_cut(&rest, '/'), "pci"))
		return path(rest, d);
	d->naming = DEVICE_BY_ADDRESS;
	return address(s, &d->bdf) || by_id(s, d);
}

void config_device_text(char text[CONFIG_DEVICE_TEXT], const struct config_device *d)
{
	size_t used;

	if (d->naming == DEVICE_BY_ID) {
		fmt_text(text, CONFIG_DEVICE_TEXT, "%04x:%04x#%u", d->vendor, d->device, d->index);
		return;
	}
	used = (size_t)fmt_text(text, CONFIG_DEVICE_TEXT, "%s%02x:%02x.%u",
		d->naming == DEVICE_BY_PATH ? "pci/" : "", d->bdf >> 8, d->bdf >> 3 & 0x1f,
		d->bdf & 7u);
	for (unsigned i = 0; d->naming == DEVICE_BY_PATH && i < d->hop_count; i++)
		used += (size_t)fmt_text(text + used, CONFIG_DEVICE_TEXT - used, "/%02x.%u",
			d->hops[i] >> 3, d->hops[i] & 7u);
}
