/* SPDX-License-Identifier: MIT */
/* budget = 2ms/10ms, 0, 64*500us/5ms: how much time of which period each vCPU may run. */
#include "config_parser.h"

#define BUDGET_MIN_US 100
#define PERIOD_MAX_US 1000000

/* "10ms" or "500us". */
static bool value_us(struct span s, uint64_t *us)
{
	uint64_t scale = 1;

	if (s.bytes < 3 || s.text[s.bytes - 1] != 's')
		return false;
	if (s.text[s.bytes - 2] == 'm')
		scale = 1000;
	else if (s.text[s.bytes - 2] != 'u')
		return false;
	s.bytes -= 2;
	if (!value_number(span_trim(s), 1, PERIOD_MAX_US, us))
		return false;
	*us *= scale;
	return true;
}

/* "2ms/10ms", or "0": none. */
static bool value_budget(struct span s, uint64_t *budget_us, uint64_t *period_us)
{
	struct span period = s, budget = span_trim(span_cut(&period, '/'));

	*budget_us = *period_us = 0;
	if (span_is(s, "0"))
		return true;
	return value_us(budget, budget_us) && value_us(span_trim(period), period_us) &&
	       *budget_us >= BUDGET_MIN_US && *budget_us <= *period_us &&
	       *period_us <= PERIOD_MAX_US;
}

static bool has(struct span s, char c)
{
	for (size_t i = 0; i < s.bytes; i++)
		if (s.text[i] == c)
			return true;
	return false;
}

err_t config_read_budget(struct parser *p, struct span value)
{
	struct span rest = value;
	uint32_t n = 0;

	do {
		struct span one = span_cut(&rest, ',');
		uint64_t times = 1, budget_us, period_us;

		if (span_ends(value, ',') ||
			(has(one, '*') && !value_number(span_trim(span_cut(&one, '*')), 1,
						  CONFIG_VCPUS, &times)) ||
			!value_budget(span_trim(one), &budget_us, &period_us) ||
			times > CONFIG_VCPUS - n)
			return config_bad_value(p, "budget", value,
				"0 or a time of a period, 100us or more of 1s or less, like 2ms/10ms, "
				"or '2*500us/5ms, 0', 128 at most");
		for (; times; times--, n++) {
			p->vm->budget_us[n] = (uint32_t)budget_us;
			p->vm->period_us[n] = (uint32_t)period_us;
		}
	} while (rest.bytes);
	p->budget_count = n;
	p->budget_line = p->line;
	return OK;
}
