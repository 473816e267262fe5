# SPDX-License-Identifier: MIT
"""What makes a run fail: accounts that disagree, interrupts that went astray, budgets."""

# The hypervisor reads its counters shortly after the mark's exit; another pCPU may have moved.
SLACK = 2

# key of the hypervisor's account (vmm/hypercall.h, struct hc_counters), key of arm_events()
SAME = (
    ("exits", "exits"),
    ("host_interrupts", "host_interrupts"),
    ("device_interrupts", "remapped"),
    ("galog_entries", "galog_entries"),
    ("iommu_mmio_reads", "mmio_reads"),
    ("iommu_mmio_writes", "mmio_writes"),
    ("iommu_commands", "commands"),
)
SAME_CODES = (("exits_hlt", "78"), ("exits_intr", "60"), ("exits_npf", "400"))

# Overflow throws entries away, and the hypervisor counts the wake path's register accesses only:
# not those of a restart.
NOT_IN_BURST = ("galog_entries", "iommu_mmio_reads", "iommu_mmio_writes")

# A timer of the host's may tick in an arm of thousands of interrupts.
STRAY = 0.002
# From the first lost entry to the overflow seen a whole ring is drained, the demo's of 512 entries;
# then the ring is cleared and all vCPUs, the demo's 67, are looked at. Among 512 entries some vCPUs'
# allowances are used up (vmm/storm.h): a few hundred instructions each.
RING_512, RECOVERY = 22500, 4500
# The slow timer looks for an overflow by one read a second; edu's interrupts are 100 ms apart.
SLOW_TIMER_READS = 0.15


def is_burst(arm):
    """Many posts make one interrupt there, and the log's entries are meant to get lost."""
    return "overflow" in arm["name"]


def agreement(arm):
    """Sentences about what the stopwatch and the two accounts don't agree on."""
    wrong = []
    events, counted, guest = arm["events"], arm["counted"], arm["guest"]

    def compare(what, theirs, ours, slack):
        if abs(theirs - ours) > slack:
            wrong.append(f"{arm['name']}: {what}: counted {theirs}, stopwatch {ours}")

    if guest is None:
        wrong.append(f"{arm['name']}: the guest's account is missing")
    elif not is_burst(arm):
        compare("sent (guest)", guest["sent"], arm["interrupts"], 0)
        compare("delivered (guest)", guest["delivered"], arm["delivered"], 0)
    if counted is None:
        wrong.append(f"{arm['name']}: the hypervisor's account is missing")
        return wrong
    for theirs, ours in SAME:
        if theirs not in counted or (is_burst(arm) and theirs in NOT_IN_BURST):
            continue
        compare(f"{theirs} (hypervisor)", counted[theirs], events[ours], SLACK)
    for theirs, code in SAME_CODES:
        if theirs in counted:
            compare(f"{theirs} (hypervisor)", counted[theirs],
                    events["exits_by_code"].get(code, 0), SLACK)
    if (counted.get("galog_overflows", 0) > 0) != (events["galog_lost"] > 0):
        wrong.append(f"{arm['name']}: GA log overflows: counted"
                     f" {counted.get('galog_overflows', 0)}, stopwatch saw"
                     f" {events['galog_lost']} lost entries")
    recovery = arm["galog_recovery"] or {"recoveries": 0}
    compare("GA log restarts", counted.get("galog_overflows", 0), recovery["recoveries"], 0)
    return wrong


# Host instructions from the post to the VMRUN: what the wake path takes today, and a little.
INSTRUCTIONS = (
    ("gappi-own-idle", 200),
    ("gappi-own-busy", 314),
    ("gappi-shared-idle", 290),
    ("gappi-shared-busy", 415),
    ("galog-idle", 315),
    ("galog-busy", 440),
)


def _exit_limit(name):
    if name in ("posted-busy", "native-idle", "native-busy"):
        return 0
    if not name.startswith(("galog-", "gappi-")):
        return None
    return 2 if name.endswith("-busy") else 1


def _p50(arms, name):
    arm = arms.get(name)
    return arm["host_instructions"]["p50"] if arm else None


def budgets(arm_list):
    """[{name, value, limit, ok}]: section by section what the project set itself."""
    arms = {a["name"]: a for a in arm_list}
    result = []

    def limit(name, value, most):
        result.append({"name": name, "value": value, "limit": most, "ok": value <= most})

    for arm in arm_list:
        name = arm["name"]
        limit(f"{name}: lost", arm["lost"], 0)
        limit(f"{name}: duplicates", arm["duplicates"], 0)
        exits = None if is_burst(arm) else _exit_limit(name)
        if exits is not None:
            limit(f"{name}: exits per interrupt", arm["exits_per_interrupt"], exits + STRAY)
        if name.startswith(("posted-", "native-", "galog-", "gappi-")) and not is_burst(arm):
            limit(f"{name}: IOMMU commands per interrupt",
                  arm["iommu_commands_per_interrupt"], 0)
            reads, writes = (1, 2) if name.startswith("galog-") else (0, 0)
            mmio = arm["iommu_mmio_per_interrupt"]
            stray = SLOW_TIMER_READS if name.endswith("-edu") else STRAY
            limit(f"{name}: IOMMU reads per interrupt", mmio["reads"], reads + stray)
            limit(f"{name}: IOMMU writes per interrupt", mmio["writes"], writes + STRAY)
        recovery = arm["galog_recovery"]
        if recovery:
            limit(f"{name}: overflows without recovery", recovery["unfinished"], 0)
            limit(f"{name}: host instructions until the overflow is seen",
                  recovery["to_notice"]["max"], RING_512)
            limit(f"{name}: host instructions of the recovery",
                  recovery["to_recover"]["max"], RECOVERY)
    for name, most in INSTRUCTIONS:
        if name in arms:
            limit(f"{name}: host instructions, p50", _p50(arms, name), most)
    for many, one in (("galog-64", "galog-idle"), ("gappi-own-64", "gappi-own-idle")):
        if many in arms and one in arms:
            ratio = _p50(arms, many) / max(_p50(arms, one), 1)
            limit(f"{many} / {one}: host instructions, p50", round(ratio, 3), 1.1)
    return result
