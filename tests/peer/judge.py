# SPDX-License-Identifier: MIT
"""What must be seen of KVM on the emulator, each with its negative twin. result is linux.Result (or
run.Result), side is side.Side; each function gives [{name, ok, found}]."""

import re

# Exits an interrupt may cost beside those it must: the host's timer ticks.
TICKS = 0.2
PROGRAMS = {"bench", "level", "exits", "hello", "halt", "ipi", "tpr", "migrate"}
LEGACY_PROGRAMS = {"bench"}
LEGACY_ARMS = ("posted-busy", "galog-idle")


def _check(name, ok, found):
    return {"name": name, "ok": bool(ok), "found": found}


def _lines(result, wanted):
    """Those of wanted that the kernel didn't say; "AVIC" isn't found in "x2AVIC"."""
    text = "\n".join(result.after("avic"))
    return [w for w in wanted if not re.search(rf"(?<!\w){w}", text)]


def _tests(result):
    """(name, ok) of each TEST line."""
    return re.findall(r"TEST ([\w-]+): (\w+)", result.serial)


def _per_interrupt(arm, key):
    return arm["events"][key] / max(arm["interrupts"], 1)


def reveille(result, name):
    return [
        _check(f"Reveille ({name}): guests done, strict mode silent", result.ok(),
               f"{result.outcome}, {len(result.strict)} complaints"),
    ]


def _booted(result, name, programs):
    tests = _tests(result)
    bad = [t for t, how in tests if how != "ok"] + sorted(programs - {t for t, _ in tests})
    strict = result.strict
    how = "timed out" if result.timed_out else "ended"
    return [
        _check(f"{name}: ran to its end", result.ended(), f"{how}, {result.seconds:.0f} s"),
        _check(f"{name}: the guest's programs succeed", not bad,
               f"{len(tests)} programs, failed or missing: {', '.join(bad) or 'none'}"),
        _check(f"{name}: strict mode is silent", not strict,
               strict[0] if strict else "no complaint"),
    ]


def kvm(result, side):
    missing = _lines(result, ("AVIC enabled", "x2AVIC enabled", "Virtual APIC enabled",
                              "Interrupt remapping enabled", "X2APIC enabled"))
    found = _booted(result, side.label, PROGRAMS)
    more = [_check("dmesg: AVIC, x2AVIC, IOMMU's virtual APIC mode", not missing,
                   f"missing: {', '.join(missing) or 'none'}")]
    for name, twin in (("posted-busy", "emulated-busy"), ("galog-idle", "emulated-halted-idle"),
                       ("galog-busy", "emulated-halted-busy"), ("native-idle", None)):
        more += _arm(side.arm(name), name) + (_twin(side.arm(twin), twin) if twin else [])
    return found + _named(side.label, more + _programs(side))


def _named(label, found):
    return [dict(c, name=f"{label}: {c['name']}") for c in found]


def _exits(program, code):
    return program["events"]["exits_by_code"].get(f"{code:x}", 0)


def _programs(side):
    """IPIs and level-triggered interrupts; each is the other's twin."""
    by_name = {}
    for p in side.programs:
        by_name.setdefault(p["name"], []).append(p)
    running, halted = by_name.get("ipi-running"), by_name.get("ipi-halted")
    level = by_name.get("level-eoi", [])
    if not running or not halted or len(level) != 2:
        return [_check("exits and level ran", False, "marks are missing")]
    few, many = _exits(running[0], 0x401), _exits(halted[0], 0x401)
    count, trapped = level[0]["interrupts"], [_exits(p, 0x402) for p in level]
    return [
        _check("IPI to a running vCPU: no exit", few <= 0.02 * running[0]["interrupts"],
               f"{few} incomplete-IPI exits of {running[0]['interrupts']}"),
        _check("IPI to a halted vCPU: incomplete-IPI exit",
               many >= 0.98 * halted[0]["interrupts"],
               f"{many} exits of {halted[0]['interrupts']}"),
        _check("level-triggered: the EOI traps", trapped[0] >= count,
               f"{trapped[0]} exits of {count}"),
        _check("level-triggered, without AVIC: no such exit", not trapped[1],
               f"{trapped[1]} exits of {count}"),
    ]


def _arm(arm, name):
    if not arm:
        return [_check(f"{name}: measured", False, "no marks")]
    posts, logged = _per_interrupt(arm, "posts"), _per_interrupt(arm, "galog_entries")
    exits, limit = arm["exits_per_interrupt"], {"posted-busy": 0, "native-idle": 0,
                                                "galog-idle": 1, "galog-busy": 2}[name]
    found = [
        _check(f"{name}: IRTEs in guest mode", posts >= 1 and not arm["events"]["remapped"],
               f"{posts:.3f} posts an interrupt, {arm['events']['remapped']} remapped"),
        _check(f"{name}: exits", exits <= limit + TICKS, f"{exits:.3f} an interrupt"),
        _check(f"{name}: nothing lost, nothing twice", not arm["lost"] and not arm["duplicates"],
               f"{arm['interrupts']} interrupts"),
    ]
    if name.startswith("galog-"):
        taken = (arm["counted"] or {}).get("iommu_interrupts", 0)
        found.append(_check(f"{name}: woken through the GA log",
                            logged >= 0.95 and taken >= 0.9 * arm["interrupts"],
                            f"{logged:.3f} entries an interrupt, {taken} interrupts of the IOMMU"
                            " by /proc/interrupts"))
    else:
        found.append(_check(f"{name}: GA log unused", logged < 0.01,
                            f"{logged:.3f} entries an interrupt"))
    return found


def _twin(arm, name):
    if not arm:
        return [_check(f"{name}: measured", False, "no marks")]
    posts = arm["events"]["posts"]
    return [
        _check(f"{name}, without AVIC: nothing posted, an exit each",
               not posts and arm["exits_per_interrupt"] >= 1,
               f"{posts} posts, {arm['exits_per_interrupt']:.3f} exits an interrupt"),
        _check(f"{name}: nothing lost, nothing twice", not arm["lost"] and not arm["duplicates"],
               f"{arm['interrupts']} interrupts"),
    ]


def legacy(result, side):
    name = f"{side.label}, legacy twin"
    found = _booted(result, name, LEGACY_PROGRAMS)
    more = [_check("no virtual APIC mode", _lines(result, ("Virtual APIC enabled",))
                   and not _lines(result, ("AVIC enabled",)), "AVIC alone")]
    for wanted in LEGACY_ARMS:
        arm = side.arm(wanted)
        if not arm:
            more.append(_check(f"{wanted}: measured", False, "no marks"))
            continue
        events = arm["events"]
        more.append(_check(f"{wanted}: remapped, not posted",
                           not events["posts"] and not events["galog_entries"]
                           and events["remapped"] >= arm["interrupts"] > 0,
                           f"{events['remapped']} remapped, {events['posts']} posts"))
    return found + _named(name, more)


def faulty(result, side):
    """The twin in which interrupts don't arrive and a register is written that must not be."""
    name = f"{side.label}, faulty twin"
    bench = dict(_tests(result)).get("bench", "missing")
    missing = [w for w in side.wrong if "sent (guest)" in w]
    expected = "write to the read-only register 0x30"
    return _named(name, [
        _check("ran to its end", result.ended(), f"{result.seconds:.0f} s"),
        _check("a lost interrupt is seen by the guest and by comparison", bench == "FAIL" and missing,
               f"TEST bench: {bench}; {'; '.join(missing) or 'accounts agree'}"),
        _check("strict mode tells of a wrong write", result.strict
               and expected in result.strict[0], (result.strict or ["no complaint"])[0]),
    ])
