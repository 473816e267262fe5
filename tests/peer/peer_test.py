#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of the peer's judgement: a run as it should be passes, and each single thing that is wrong
with it makes the check fail that is there for it, and no other."""

import copy
import io
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(os.path.dirname(HERE)), "tools/report")]
import compare  # noqa: E402
import judge  # noqa: E402
import linux  # noqa: E402
import linux_guest  # noqa: E402
import plain  # noqa: E402
import side  # noqa: E402
import stopwatch as sw  # noqa: E402
from report_test import PAGE, VMCB, Machine, serial  # noqa: E402

COUNT = 1000
DMESG = ("[1.0] AMD-Vi: Interrupt remapping enabled\n[1.0] AMD-Vi: X2APIC enabled\n"
         "[1.0] AMD-Vi: Virtual APIC enabled\n[2.0] SVM: AVIC enabled\n[2.0] SVM: x2AVIC enabled\n")


def arm(name, host=0, exits=0.0, posts=0, remapped=0, logged=0, mmio=(0, 0), commands=0):
    each = lambda n: n * COUNT
    return {
        "name": name, "interrupts": COUNT, "lost": 0, "duplicates": 0,
        "exits_per_interrupt": exits,
        "host_instructions": {"p50": host, "p99": host, "max": host},
        "iommu_mmio_per_interrupt": {"reads": mmio[0], "writes": mmio[1]},
        "iommu_commands_per_interrupt": commands,
        "events": {"posts": each(posts), "remapped": each(remapped), "galog_entries": each(logged)},
        "counted": {"iommu_interrupts": each(logged)},
    }


def our_arms():
    return [
        arm("emulated-busy", 617, 2, remapped=1), arm("emulated-halted-idle", 660, 2, remapped=1),
        arm("emulated-halted-busy", 872, 3, remapped=1), arm("posted-busy", posts=1),
        arm("native-idle", posts=1), arm("native-busy", posts=1),
        arm("galog-idle", 340, 1, posts=1, logged=1, mmio=(1, 2)),
        arm("galog-busy", 400, 2, posts=1, logged=1, mmio=(1, 2)),
        arm("gappi-own-idle", 230, 1, posts=1), arm("gappi-own-busy", 300, 2, posts=1),
        arm("gappi-shared-idle", 310, 1, posts=1), arm("gappi-shared-busy", 350, 2, posts=1),
    ]


def kvm_arms():
    return [
        arm("posted-busy", exits=0.01, posts=1), arm("native-idle", exits=0.01, posts=1),
        arm("galog-idle", 8600, 1.05, posts=1, logged=1, mmio=(4, 10), commands=8),
        arm("galog-busy", 9400, 2.05, posts=1, logged=1, mmio=(4, 10), commands=8),
        arm("emulated-busy", 4100, 3, remapped=1),
        arm("emulated-halted-idle", 7300, 3, remapped=1),
        arm("emulated-halted-busy", 7600, 4, remapped=1),
    ]


def program(name, **exits):
    codes = {k.lstrip("_"): v for k, v in exits.items()}
    return {"name": name, "interrupts": COUNT, "events": {"exits_by_code": codes}}


def trips(host):
    h = {"p50": host, "p99": host, "max": host}
    return [{"name": n, "count": COUNT, "host_instructions": dict(h)} for n in compare.TRIPS]


class Kvm:
    """A run of KVM in which all is well: what judge.py looks at."""

    def __init__(self):
        self.result = linux.Result()
        tests = "".join(f"[guest] TEST {p}: ok\n" for p in sorted(judge.PROGRAMS))
        self.result.serial = f"PEER avic\n{DMESG}PEER posted\n{tests}PEER end\n"
        self.side = side.Side("kvm", "KVM 6.1")
        self.side.arms = kvm_arms()
        self.side.round_trips = trips(1400)
        self.side.programs = [
            program("ipi-running"), program("ipi-halted", _401=COUNT),
            program("level-eoi", _402=COUNT), program("level-eoi"),
        ]

    def judged(self):
        return judge.kvm(self.result, self.side)

    def without(self, text):
        self.result.serial = self.result.serial.replace(text, "")


class Legacy(Kvm):
    """The negative twin as it should be: all remapped."""

    def __init__(self):
        super().__init__()
        self.without("[1.0] AMD-Vi: Virtual APIC enabled\n")
        self.side.arms = [arm("posted-busy", 4000, 3, remapped=1),
                          arm("galog-idle", 7000, 3, remapped=1)]

    def judged(self):
        return judge.legacy(self.result, self.side)


class Faulty(Kvm):
    """The other twin as it should be: three interrupts lost, one complaint of strict mode."""

    def __init__(self):
        super().__init__()
        self.result.serial = "PEER posted\n[guest] TEST bench: FAIL\nPEER end\n"
        self.result.strict = ["emulator-strict: write to the read-only register 0x30"]
        self.side.wrong = ["KVM 6.1: galog-idle: sent (guest): counted 9, stopwatch 6"]

    def judged(self):
        return judge.faulty(self.result, self.side)


def failed(checks):
    return [c["name"].split(": ", 1)[1] for c in checks if not c["ok"]]


def set_event(name, key, value):
    return lambda run: run.side.arm(name)["events"].__setitem__(key, value)


def set_figure(name, key, value):
    return lambda run: run.side.arm(name).__setitem__(key, value)


def set_exits(index, code, value):
    return lambda run: run.side.programs[index]["events"]["exits_by_code"].__setitem__(code, value)


def drop_arm(name):
    return lambda run: run.side.arms.remove(run.side.arm(name))


# What is wrong, and the checks that must say so.
KVM_FAULTS = [
    (lambda r: r.without("PEER end\n"), ["ran to its end"]),
    (lambda r: setattr(r.result, "timed_out", True), ["ran to its end"]),
    (lambda r: r.without("[guest] TEST tpr: ok\n"), ["the guest's programs succeed"]),
    (lambda r: setattr(r.result, "serial", r.result.serial.replace("ipi: ok", "ipi: failed")),
     ["the guest's programs succeed"]),
    (lambda r: r.result.strict.append("emulator-strict: stale"), ["strict mode is silent"]),
    (set_event("posted-busy", "posts", COUNT - 1), ["posted-busy: IRTEs in guest mode"]),
    (set_event("posted-busy", "remapped", 1), ["posted-busy: IRTEs in guest mode"]),
    (set_figure("posted-busy", "exits_per_interrupt", 1.0), ["posted-busy: exits"]),
    (set_figure("native-idle", "exits_per_interrupt", 1.0), ["native-idle: exits"]),
    (set_figure("galog-idle", "exits_per_interrupt", 2.0), ["galog-idle: exits"]),
    (set_figure("galog-busy", "exits_per_interrupt", 3.0), ["galog-busy: exits"]),
    (set_event("native-idle", "posts", 0), ["native-idle: IRTEs in guest mode"]),
    (set_event("galog-idle", "posts", 0), ["galog-idle: IRTEs in guest mode"]),
    (set_event("galog-busy", "remapped", COUNT), ["galog-busy: IRTEs in guest mode"]),
    (set_event("posted-busy", "galog_entries", COUNT), ["posted-busy: GA log unused"]),
    (set_event("native-idle", "galog_entries", COUNT), ["native-idle: GA log unused"]),
    (set_event("galog-idle", "galog_entries", 0), ["galog-idle: woken through the GA log"]),
    (set_event("galog-busy", "galog_entries", 0), ["galog-busy: woken through the GA log"]),
    (lambda r: r.side.arm("galog-idle").update(counted=None),
     ["galog-idle: woken through the GA log"]),
    (lambda r: r.side.arm("galog-idle")["counted"].update(iommu_interrupts=0),
     ["galog-idle: woken through the GA log"]),
    (set_event("emulated-busy", "posts", 1),
     ["emulated-busy, without AVIC: nothing posted, an exit each"]),
    (set_figure("emulated-halted-idle", "exits_per_interrupt", 0.5),
     ["emulated-halted-idle, without AVIC: nothing posted, an exit each"]),
    (set_figure("emulated-halted-busy", "exits_per_interrupt", 0.5),
     ["emulated-halted-busy, without AVIC: nothing posted, an exit each"]),
    (set_exits(0, "401", COUNT), ["IPI to a running vCPU: no exit"]),
    (set_exits(1, "401", 0), ["IPI to a halted vCPU: incomplete-IPI exit"]),
    (set_exits(2, "402", COUNT - 1), ["level-triggered: the EOI traps"]),
    (set_exits(3, "402", 1), ["level-triggered, without AVIC: no such exit"]),
    (lambda r: r.side.programs.pop(), ["exits and level ran"]),
] + [
    (lambda r, line=line: r.without(line + "\n"),
     ["dmesg: AVIC, x2AVIC, IOMMU's virtual APIC mode"]) for line in DMESG.splitlines()
] + [
    (set_figure(a["name"], key, 1), [f"{a['name']}: nothing lost, nothing twice"])
    for a in kvm_arms() for key in ("lost", "duplicates")
] + [(drop_arm(a["name"]), [f"{a['name']}: measured"]) for a in kvm_arms()]

LEGACY_FAULTS = [
    (lambda r: r.without("PEER end\n"), ["ran to its end"]),
    (lambda r: r.without("TEST bench: ok"), ["the guest's programs succeed"]),
    (lambda r: r.result.strict.append("emulator-strict: x"), ["strict mode is silent"]),
    (lambda r: setattr(r.result, "serial", r.result.serial.replace(
        "PEER avic\n", "PEER avic\nVirtual APIC enabled\n")), ["no virtual APIC mode"]),
    (lambda r: r.without("AVIC enabled"), ["no virtual APIC mode"]),
    (set_event("posted-busy", "posts", 1), ["posted-busy: remapped, not posted"]),
    (set_event("galog-idle", "remapped", 0), ["galog-idle: remapped, not posted"]),
    (set_event("galog-idle", "galog_entries", 1), ["galog-idle: remapped, not posted"]),
    (drop_arm("posted-busy"), ["posted-busy: measured"]),
]


LOST_IS_SEEN = "a lost interrupt is seen by the guest and by comparison"
FAULTY_FAULTS = [
    (lambda r: r.without("PEER end\n"), ["ran to its end"]),
    (lambda r: setattr(r.result, "serial", r.result.serial.replace("FAIL", "ok")), [LOST_IS_SEEN]),
    (lambda r: r.side.wrong.clear(), [LOST_IS_SEEN]),
    (lambda r: r.result.strict.clear(), ["strict mode tells of a wrong write"]),
]


def each_fault_is_found(make, faults):
    assert not failed(make().judged()), failed(make().judged())
    can_fail = set()
    for number, (spoil, expected) in enumerate(faults):
        run = make()
        spoil(run)
        assert failed(run.judged()) == expected, (number, expected, failed(run.judged()))
        can_fail |= set(expected)
    never = {c["name"].split(": ", 1)[1] for c in make().judged()} - can_fail
    assert not never, f"checks that no fault makes fail: {never}"


def test_kvm_faults():
    each_fault_is_found(Kvm, KVM_FAULTS)


def test_legacy_faults():
    each_fault_is_found(Legacy, LEGACY_FAULTS)


def test_faulty_faults():
    each_fault_is_found(Faulty, FAULTY_FAULTS)


def test_the_twin_fails_as_the_feature():
    """The legacy boot, judged as if it were KVM with everything on."""
    twin = Legacy()
    bad = failed(judge.kvm(twin.result, twin.side))
    assert "dmesg: AVIC, x2AVIC, IOMMU's virtual APIC mode" in bad, bad
    assert "posted-busy: IRTEs in guest mode" in bad, bad
    assert "galog-idle: woken through the GA log" in bad, bad
    # And the other way round.
    bad = failed(judge.legacy(Kvm().result, Kvm().side))
    assert "no virtual APIC mode" in bad and "posted-busy: remapped, not posted" in bad, bad


def compared(ours=None, theirs=None, our_trips=None):
    theirs = [("KVM 6.1", theirs or kvm_arms())]
    ratios = compare.ratios(ours or our_arms(), theirs)
    round_trips = compare.trip_ratios(our_trips or trips(400), [("KVM 6.1", trips(1400))])
    return ratios, compare.checks(ratios, round_trips, ["KVM 6.1"])


def with_change(arms, name, change):
    arms = copy.deepcopy(arms)
    change(next(a for a in arms if a["name"] == name))
    return arms


def test_ahead_everywhere():
    ratios, found = compared()
    assert not failed(found), found
    by_arm = {r["arm"]: r for r in ratios}
    assert by_arm["galog-idle"]["p50"] == 25.3 and by_arm["gappi-own-idle"]["p50"] == 37.4
    assert by_arm["gappi-own-idle"]["against"] == "galog-idle"
    assert by_arm["posted-busy"]["p50"] is None and "native-busy" not in by_arm


def test_behind_fails():
    spoils = [
        ("galog-idle", lambda a: a["host_instructions"].update(p50=9000), "p50"),
        ("gappi-own-busy", lambda a: a["host_instructions"].update(p99=9999), "p99"),
        ("posted-busy", lambda a: a["host_instructions"].update(p50=1), "p50"),
        ("native-idle", lambda a: a.update(exits_per_interrupt=1.0), "exits"),
        ("galog-busy", lambda a: a["iommu_mmio_per_interrupt"].update(reads=5), "IOMMU reads"),
        ("galog-busy", lambda a: a["iommu_mmio_per_interrupt"].update(writes=11), "IOMMU writes"),
        ("emulated-busy", lambda a: a.update(iommu_commands_per_interrupt=1), "IOMMU commands"),
    ]
    for name, spoil, figure in spoils:
        ratios, found = compared(with_change(our_arms(), name, spoil))
        assert failed(found) == ["nowhere behind"], (name, found)
        assert [r["arm"] for r in ratios if figure in r["behind"]] == [name], (name, ratios)
    _, found = compared(our_trips=trips(1401))
    assert failed(found) == ["nowhere behind"]


def test_a_stray_tick_is_not_behind():
    _, found = compared(with_change(our_arms(), "native-idle",
                                    lambda a: a.update(exits_per_interrupt=0.013)))
    assert not failed(found), found


def test_what_is_missing_fails():
    _, found = compared(ours=[a for a in our_arms() if a["name"] != "gappi-own-busy"])
    assert failed(found) == ["all arms and exits compared"], found
    _, found = compared(theirs=[a for a in kvm_arms() if a["name"] != "emulated-busy"])
    assert failed(found) == ["all arms and exits compared"], found
    _, found = compared(our_trips=trips(400)[1:])
    assert failed(found) == ["all arms and exits compared"], found
    assert len(failed(compare.checks([], [], ["KVM 6.1"]))) == 1


def test_goals():
    goals = compare.goals(compared()[0])
    assert len(goals) == len(compare.GOALS) and all(g["ok"] for g in goals), goals
    slow = with_change(our_arms(), "gappi-own-busy",
                       lambda a: a["host_instructions"].update(p50=400))
    ratios, found = compared(slow)
    missed = [g for g in compare.goals(ratios) if not g["ok"]]
    assert len(missed) == 1 and missed[0]["value"] == 23.5 and missed[0]["limit"] == 30, missed
    assert not failed(found), found  # a missed goal alone fails nothing
    out = io.StringIO()
    compare.print_table(slow, [("KVM 6.1", kvm_arms())], out)
    assert out.getvalue().count("MISSED") == 1, out.getvalue()


def test_two_kernels_in_the_table():
    out = io.StringIO()
    theirs = [("KVM 6.1", kvm_arms()), ("KVM 6.12", kvm_arms())]
    compare.print_table(our_arms(), theirs, out)
    compare.print_round_trips(trips(400), [(k, trips(1400)) for k, _ in theirs], out)
    lines = out.getvalue().splitlines()
    assert sum("Reveille" in line for line in lines[2:]) == len(our_arms()) + len(compare.TRIPS)
    assert sum("KVM 6.12" in line for line in lines) == len(compare.COMPARED) + len(compare.TRIPS)
    assert sum(" 3.5 x" in line for line in lines) == 2 * len(compare.TRIPS)


def one_arm(lost=0, twice=0):
    m = Machine()
    m.start()
    m.mark(4)
    for i in range(4):
        m.post()
        for _ in range((0 if i < lost else 1) + (1 if i < twice else 0)):
            m.add(sw.VIRQ, 0, x=0x51, b=VMCB, c=PAGE)
    m.mark(4)
    return m.recording()


def test_lost_and_twice_are_seen_in_a_recording():
    four = serial(4, "posted-busy", 4, 4, exits=1)
    good = side.Side("kvm", "KVM 6.1", "kernel").add_run(one_arm(), four)
    assert not good.wrong and good.arms[0]["interrupts"] == 4, good.wrong
    assert good.arms[0]["system"] == "kvm" and good.arms[0]["kernel"] == "kernel"
    # The last post has no delivery.
    m = Machine()
    m.start()
    m.mark(4)
    m.post()
    m.add(sw.VIRQ, 0, x=0x51, b=VMCB, c=PAGE)
    m.post()
    m.mark(4)
    log = serial(4, "posted-busy", 2, 2, exits=1)
    bad = side.Side("kvm", "KVM 6.1").add_run(m.recording(), log)
    assert any("lost: 1" in w for w in bad.wrong), bad.wrong
    bad = side.Side("kvm", "KVM 6.1").add_run(one_arm(twice=1), four)
    assert any("duplicates: 1" in w for w in bad.wrong), bad.wrong


def test_accounts_that_disagree():
    log = serial(4, "posted-busy", 4, 4, exits=9)
    bad = side.Side("kvm", "KVM 6.1").add_run(one_arm(), log)
    assert bad.wrong == ["KVM 6.1: posted-busy: exits (hypervisor): counted 9, stopwatch 1"]
    log = serial(4, "posted-busy", 4, 4, exits=1)
    log.results[4]["state"] = "failed"
    bad = side.Side("kvm", "KVM 6.1").add_run(one_arm(), log)
    assert bad.wrong == ["KVM 6.1: posted-busy: the guest says failed"], bad.wrong
    m = Machine()
    m.start()
    assert side.Side("kvm", "KVM 6.1").add_run(m.recording(), serial()).wrong


def test_round_trips():
    m = Machine()
    m.start()
    m.mark(101)
    for cost in (40, 60):
        m.run(1, 1000)  # in the guest
        m.add(sw.VMEXIT, 1, a=0x72, b=0x9000)
        m.run(1, cost)
        m.add(sw.VMRUN, 1, b=0x9000, c=0x6001)
    m.mark(101)
    recording = m.recording()
    _, begin, end = side.measure.marks(recording)[0]
    assert side.round_trips(recording, begin, end, 0x72).tolist() == [40, 60]
    assert side.round_trips(recording, begin, end, 0x7C).tolist() == []
    one = side.Side("reveille", "Reveille").add_run(recording, serial(101, "exit-cpuid", 2, 2))
    assert one.round_trips[0]["host_instructions"]["max"] == 60, one.round_trips


def test_halt_and_wake():
    """The target halts and is woken by an IPI; the last halt has no end within the arm."""
    m = Machine()
    m.start()
    m.halt()
    m.mark(104)
    m.add(sw.VMEXIT, 1, a=side.EXIT_IPI, b=0x9000)
    m.run(1, 100)
    m.add(sw.VMRUN, 1, b=0x9000, c=0x6001)
    m.wake(200, side.VECTOR_EXITS)
    m.halt()
    m.mark(104)
    m.wake(5000, side.VECTOR_EXITS)
    recording = m.recording()
    _, begin, end = side.measure.marks(recording)[0]
    assert side.ipi_wakes(recording, begin, end).tolist() == [300]
    assert side.round_trips(recording, begin, end, sw.EXIT_HLT).tolist() == []


def plain_run():
    result = linux.Result()
    result.serial = ("".join(f"PLAIN {e}\n" for e in plain.EXPECTED)
                     + "[0.1] APIC: Switched APIC routing to: cluster x2apic\nPEER end\n")
    return result


def test_plain_faults():
    mode = plain.MODES[0]
    assert not plain.complaints(mode, plain_run(), 1000, 1000)
    for e in plain.EXPECTED + ("PEER end",):
        result = plain_run()
        result.serial = result.serial.replace(e, "")
        assert len(plain.complaints(mode, result, 1000, 1000)) == 1, e
    for spoil in (lambda r: r.strict.append("emulator-strict: x"),
                  lambda r: setattr(r, "timed_out", True),
                  lambda r: setattr(r, "serial", "AMD-Vi: Event logged [X]\n" + r.serial),
                  lambda r: setattr(r, "serial", r.serial.replace("x2apic", "flat"))):
        result = plain_run()
        spoil(result)
        assert len(plain.complaints(mode, result, 1000, 1000)) == 1, result.serial
    assert len(plain.complaints(mode, plain_run(), 0, 1000)) == 1
    assert len(plain.complaints(mode, plain_run(), 1000, 0)) == 1


def test_plain_modes_differ():
    """What is right in the default mode is wrong without translation, remapping and x2APIC."""
    by_name = {m.name: m for m in plain.MODES}
    assert len(plain.complaints(by_name["off"], plain_run(), 1000, 1000)) == 3
    assert len(plain.complaints(by_name["passthrough-xapic"], plain_run(), 1000, 1000)) == 2
    assert len(plain.complaints(by_name["irte-32"], plain_run(), 1000, 1000)) == 1


def linux_guest_run():
    """Boots for 1000 instructions of the guest and 2 x 300 of the host; idles with one HLT."""
    m = Machine()
    m.add(sw.VMRUN, 1, b=0x9000, c=0x6001)
    for arm, ticks in ((linux_guest.ARM_UP, 0), (linux_guest.ARM_IDLE, 60 * 10**9)):
        m.run(1, 1000)
        m.add(sw.VMEXIT, 1, a=sw.EXIT_HLT, b=0x9000)
        m.run(1, 300)
        m.add(sw.VMRUN, 1, b=0x9000, c=0x6001)
        m.mark(arm)
        m.time += ticks
        m.add(sw.VMEXIT, 1, a=sw.EXIT_HLT, b=0x9000)
        m.add(sw.VMRUN, 1, b=0x9000, c=0x6001)
        m.mark(arm)
    return linux_guest.figures(m.recording())


GUEST_SERIAL = "GUEST up, 2 CPUs, 9.1 s\nGUEST end\n"


def test_linux_guest():
    found = linux_guest_run()
    assert found["boot"]["host_instructions"] == 300, found
    assert found["boot"]["guest_instructions"] == 1000 and found["boot"]["exits"] == 1, found
    assert found["idle"]["exits_per_second"] == 0.02, found
    assert not linux_guest.complaints(GUEST_SERIAL, [], True, found, 2)
    for serial, strict, ended, figures, cpus in (
            (GUEST_SERIAL, [], False, found, 2), (GUEST_SERIAL, ["strict: x"], True, found, 2),
            ("GUEST up, 2 CPUs", [], True, found, 2), (GUEST_SERIAL, [], True, found, 1),
            (GUEST_SERIAL, [], True, None, 2)):
        assert len(linux_guest.complaints(serial, strict, ended, figures, cpus)) == 1
    short = copy.deepcopy(found)
    short["idle"]["virtual_seconds"] = 1
    assert len(linux_guest.complaints(GUEST_SERIAL, [], True, short, 2)) == 1
    short["boot"]["exits"] = 0
    assert len(linux_guest.complaints(GUEST_SERIAL, [], True, short, 2)) == 2
    m = Machine()
    m.start()
    assert linux_guest.figures(m.recording()) is None


def test_linux_guest_goals():
    ours, theirs = linux_guest_run(), linux_guest_run()
    verdicts = lambda key: [g[key] for g in linux_guest.goals("reveille", ours, theirs)]
    assert verdicts("ok") == [False, True] and verdicts("behind") == [False, False]
    theirs["idle"]["exits_per_second"] = 0.04
    assert verdicts("ok") == [True, True]
    ours["boot"]["virtual_ms"] += 1
    ours["idle"]["exits_per_second"] = 0.3
    assert verdicts("ok") == [False, False] and verdicts("behind") == [True, True]


def test_kernel_names():
    assert linux.kernel_version("linux-image-6.1.0-56-amd64-6.1.192-2") == (6, 1)
    assert linux.kernel_version("linux-image-6.12.95+deb12-amd64-6.12.95-1~bpo12+1") == (6, 12)


def main():
    passed = bad = 0
    for name, test in sorted(globals().items()):
        if not name.startswith("test_"):
            continue
        try:
            test()
            passed += 1
        except AssertionError as wrong:
            bad += 1
            print(f"{name}: {wrong or 'wrong'} (line {wrong.__traceback__.tb_next.tb_lineno})")
    print(f"{passed} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
