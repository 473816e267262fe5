/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMCB clean bits (24593 rev 3.44, "VMCB State Caching"): a set bit says that a group of
 * fields is as this core last saw it, and hardware may then use its own copy. Here it
 * does: a field that was changed under a set bit is reported, and the guest runs with the
 * old value. The VMCB in memory holds that value while the guest runs, because QEMU reads
 * it from there at odd moments; the changed control fields are put back at #VMEXIT.
 */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "target/i386/tcg/helper-tcg.h"
#include "target/i386/svm.h"
#include "svm_internal.h"
#include "strict.h"

static const struct field {
	unsigned bit;
	uint16_t offset;
	uint16_t bytes;
	const char *name;
} fields[] = {
	{ 0, 0x000, 24, "intercepts" },
	{ 0, 0x03c, 4, "PAUSE filter" },
	{ 0, 0x050, 8, "TSC offset" },
	{ 1, 0x040, 16, "IOPM and MSRPM base" },
	{ 2, 0x058, 4, "ASID" },
	{ 3, 0x060, 8, "virtual interrupt control" },
	{ 4, 0x090, 8, "NP_ENABLE" },
	{ 4, 0x0b0, 8, "nCR3" },
	{ 4, VMCB_G_PAT, 8, "G_PAT" },
	{ 5, 0x4d0, 8, "EFER" },
	{ 5, 0x548, 24, "CR4, CR3, CR0" },
	{ 6, 0x560, 16, "DR7, DR6" },
	{ 7, 0x460, 16, "GDTR" },
	{ 7, 0x480, 16, "IDTR" },
	{ 8, 0x400, 64, "ES, CS, SS, DS" },
	{ 8, 0x4cb, 1, "CPL" },
	{ 9, 0x640, 8, "CR2" },
	{ 11, 0x098, 8, "APIC_BAR" },
	{ 11, VMCB_VAPIC, 8, "vAPIC backing page" },
	{ 11, 0x0f0, 16, "logical and physical ID table" },
};

static void vmcb_read(CPUX86State *env, void *to)
{
	address_space_read(
		&address_space_memory, env->vm_vmcb, MEMTXATTRS_UNSPECIFIED, to, VMCB_USED_BYTES);
}

static void field_write(CPUX86State *env, const struct field *f, const uint8_t *image)
{
	address_space_write(&address_space_memory, env->vm_vmcb + f->offset, MEMTXATTRS_UNSPECIFIED,
		image + f->offset, f->bytes);
}

static void use_cached(CPUX86State *env, SvmSide *side, const SvmSeen *seen, uint32_t clean)
{
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct field *f = &fields[i];

		if (!(clean & (1u << f->bit)) ||
			!memcmp(seen->image + f->offset, side->memory + f->offset, f->bytes))
			continue;
		reveille_strict("VMCB %" PRIx64 ": %s changed while clean bit %u is set",
			env->vm_vmcb, f->name, f->bit);
		field_write(env, f, seen->image);
		side->displaced = true;
	}
}

void svm_clean_load(CPUX86State *env, SvmSide *side)
{
	uint32_t clean;
	SvmSeen *seen;

	if (!(env->features[FEAT_SVM] & CPUID_SVM_VMCBCLEAN))
		return;
	if (!side->seen)
		side->seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
	clean = svm_ldl(env_cpu(env), env->vm_vmcb + VMCB_CLEAN);
	seen = g_hash_table_lookup(side->seen, &env->vm_vmcb);
	if (!seen) {
		if (clean)
			reveille_strict("VMCB %" PRIx64 ": clean bits %x, but it never ran here",
				env->vm_vmcb, clean);
		seen = g_new0(SvmSeen, 1);
		seen->vmcb = env->vm_vmcb;
		g_hash_table_insert(side->seen, &seen->vmcb, seen);
		return;
	}
	if (!clean)
		return;
	vmcb_read(env, side->memory);
	use_cached(env, side, seen, clean);
}

/* The save area holds the processor's state after an exit, whatever was displaced. */
static void put_back(CPUX86State *env, SvmSide *side)
{
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].offset < 0x400 && fields[i].bit != 3)
			field_write(env, &fields[i], side->memory);
	side->displaced = false;
}

void svm_clean_save(CPUX86State *env, SvmSide *side)
{
	SvmSeen *seen;

	if (!side->seen)
		return;
	seen = g_hash_table_lookup(side->seen, &env->vm_vmcb);
	if (seen)
		vmcb_read(env, seen->image);
	if (side->displaced)
		put_back(env, side);
}
