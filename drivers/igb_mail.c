/* SPDX-License-Identifier: MIT */
#include "igb_mail.h"

#include "base/lib.h"

/* The first word: which message, something small, and flags. */
#define MAIL_KIND  FIELD(15, 0)
#define MAIL_INFO  FIELD(23, 16)
#define MAIL_CLEAR BIT(29) /* in an answer: the driver may ask for more */
#define MAIL_NACK  BIT(30)
#define MAIL_ACK   BIT(31)

enum mail_kind {
	MAIL_RESET = 1,
	MAIL_SET_ADDRESS = 2, /* info 0: its own; more of them are no */
	MAIL_MULTICAST = 3,   /* info: how many hashes of 16 bits follow */
	MAIL_VLAN = 4,
	MAIL_LONGEST = 5,
	MAIL_PROMISCUOUS = 6,
};
#define ADDRESS_CLEAR_MORE 1u

#define LONGEST_LEAST 64u
#define LONGEST_MOST  9728u

static bool same(const uint8_t a[6], const uint8_t b[6])
{
	return memcmp(a, b, 6) == 0;
}

/* Locally administered, and the same from boot to boot. */
void igb_mail_addresses(struct igb_pf *p, const uint8_t mac[6])
{
	memcpy(p->mac, mac, 6);
	for (uint32_t n = 0; n < p->vf_count; n++) {
		uint8_t *given = p->vf[n].given;

		memcpy(given, mac, 6);
		given[0] = (uint8_t)((mac[0] | 2) & ~1);
		given[1] = (uint8_t)(mac[1] + n + 1);
	}
}

void igb_mail_forget(struct igb_vf *vf, uint32_t longest)
{
	memcpy(vf->mac, vf->given, 6);
	vf->ready = false;
	vf->longest = longest;
	vf->hash_count = 0;
}

/* Whose packets it would take away, had it that address. */
static bool is_anothers(const struct igb_pf *p, uint32_t n, const uint8_t mac[6])
{
	for (uint32_t i = 0; i < p->vf_count; i++)
		if (i != n && (same(mac, p->vf[i].mac) || same(mac, p->vf[i].given)))
			return true;
	return same(mac, p->mac);
}

static bool set_address(struct igb_pf *p, uint32_t n, const uint32_t mail[IGB_MAIL_WORDS])
{
	static const uint8_t none[6];
	uint8_t mac[6];

	if (field_get(MAIL_INFO, mail[0]))
		return false;
	memcpy(mac, &mail[1], 6);
	if (mac[0] & 1 || same(mac, none) || is_anothers(p, n, mac))
		return false;
	memcpy(p->vf[n].mac, mac, 6);
	return true;
}

static bool set_multicast(struct igb_vf *vf, const uint32_t mail[IGB_MAIL_WORDS])
{
	uint32_t count = (uint32_t)field_get(MAIL_INFO, mail[0]);

	if (count > IGB_HASHES)
		return false;
	for (uint32_t i = 0; i < count; i++)
		vf->hash[i] = mail[1 + i / 2] >> 16 * (i % 2) & 0xfff;
	vf->hash_count = count;
	return true;
}

static bool set_longest(struct igb_vf *vf, uint32_t bytes)
{
	if (bytes < LONGEST_LEAST || bytes > LONGEST_MOST)
		return false;
	vf->longest = bytes;
	return true;
}

enum igb_change igb_mail_read(struct igb_pf *p, uint32_t n, const uint32_t mail[IGB_MAIL_WORDS])
{
	struct igb_vf *vf = &p->vf[n];
	uint32_t kind = (uint32_t)field_get(MAIL_KIND, mail[0]);
	enum igb_change change = IGB_NOTHING;

	vf->refused = false;
	if (kind == MAIL_RESET)
		return IGB_RESET;
	if (vf->ready && kind == MAIL_SET_ADDRESS && set_address(p, n, mail))
		change = IGB_ADDRESS;
	else if (vf->ready && kind == MAIL_MULTICAST && set_multicast(vf, mail))
		change = IGB_MULTICAST;
	else if (vf->ready && kind == MAIL_LONGEST && set_longest(vf, mail[1]))
		change = IGB_LONGEST;
	else /* it has no further addresses that could be cleared */
		vf->refused = !vf->ready || kind != MAIL_SET_ADDRESS ||
			      field_get(MAIL_INFO, mail[0]) != ADDRESS_CLEAR_MORE;
	return change;
}

uint32_t igb_mail_answer(const struct igb_vf *vf, uint32_t mail[IGB_MAIL_WORDS])
{
	if (field_get(MAIL_KIND, mail[0]) == MAIL_RESET) {
		mail[0] = (uint32_t)(MAIL_RESET | MAIL_ACK);
		mail[1] = mail[2] = 0;
		memcpy(&mail[1], vf->mac, 6);
		return 3;
	}
	mail[0] = (mail[0] & (uint32_t)(MAIL_KIND | MAIL_INFO)) |
		  (uint32_t)(vf->refused ? MAIL_NACK : MAIL_ACK) |
		  (uint32_t)(vf->ready ? MAIL_CLEAR : 0);
	return 1;
}
