#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of the report on recordings made by hand."""

import io
import os
import struct
import sys
import tempfile

import account
import checks
import cost
import measure
import report
import seriallog
import stopwatch as sw

PAGE, VMCB, OTHER_VMCB = 0x5000, 0x7000, 0x8000


class Machine:
    """Writes records as an emulator would; instructions are counted by hand."""

    def __init__(self):
        self.rows, self.executed, self.time = [], {0: 1000, 1: 1000}, 0

    def run(self, cpu, instructions):
        self.executed[cpu] += instructions

    def add(self, kind, cpu, x=0, a=0, b=0, c=0):
        self.time += 1
        count = self.executed.get(cpu, 0)
        self.rows.append(struct.pack("<QQBBHIQQ", self.time, count, kind, cpu, x, a, b, c))

    def mark(self, arm):
        self.add(sw.VMEXIT, 1, a=sw.EXIT_VMMCALL, b=0x9000, c=measure.HC_MARK | arm << 32)
        self.run(1, 500)
        self.add(sw.VMRUN, 1, b=0x9000, c=0x6001)

    def start(self):
        self.add(sw.VMRUN, 1, b=0x9000, c=0x6001)
        self.add(sw.VMRUN, 0, b=VMCB, c=PAGE | 1)

    def halt(self):
        self.run(0, 10)
        self.add(sw.VMEXIT, 0, a=sw.EXIT_HLT, b=VMCB)
        self.run(0, 300)

    def post(self, vector=0x51):
        self.run(1, 7)
        self.add(sw.POST, 1, x=vector, a=0x18, b=PAGE)

    def wake(self, instructions=200, vector=0x51):
        self.add(sw.HOST_IRQ, 0, x=0x30)
        self.run(0, instructions)
        self.add(sw.VMRUN, 0, b=VMCB, c=PAGE | 1)
        self.add(sw.VIRQ, 0, x=vector, b=VMCB, c=PAGE)

    def recording(self):
        header = struct.pack("<QIIII", sw.MAGIC, sw.VERSION, 40, 1, 0)
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(header + b"".join(self.rows))
        try:
            return sw.load(file.name)
        finally:
            os.unlink(file.name)


def serial(arm=11, name="gappi-own-idle", sent=3, delivered=3, **counters):
    text = (f"REPORT result arm={arm} name={name} state=done sent={sent}"
            f" delivered={delivered} duplicates=0 lost=0\n")
    zero = " ".join(f"{k}=0" for k in counters)
    ours = " ".join(f"{k}={v}" for k, v in counters.items())
    text += f"[vm] REPORT counters arm={arm} edge=begin {zero}\n"
    text += f"REPORT counters arm={arm} edge=end {ours}\n"
    return seriallog.SerialLog(text)


def halted_arm(count=3, instructions=(170, 180, 190)):
    m = Machine()
    m.start()
    m.halt()
    m.mark(11)
    for i in range(count):
        m.post()
        m.wake(instructions[i])
        m.halt()
    m.mark(11)
    return m


def test_halted_arm():
    log = serial(exits=4, exits_hlt=3, host_interrupts=3, spurious_wakes=0, iommu_mmio_reads=0)
    summary, arms = report.analyse(halted_arm().recording(), log)
    arm = summary["arms"][0]
    assert summary["disagreements"] == [], summary["disagreements"]
    assert arm["name"] == "gappi-own-idle" and arm["interrupts"] == 3 and arm["delivered"] == 3
    assert arm["exits_per_interrupt"] == 1
    assert arm["host_instructions"] == {"p50": 180, "p99": 189, "max": 190}
    assert arm["paths"] == {"running": 0, "idle": 3, "guest": 0, "host": 0}
    assert arms[0][1].tolist() == [170, 180, 190]
    assert all(b["ok"] for b in checks.budgets(summary["arms"]))


def test_running_target_costs_nothing():
    m = Machine()
    m.start()
    m.mark(4)
    for _ in range(2):
        m.post()
        m.add(sw.DOORBELL, 1, x=1)
        m.run(0, 50)
        m.add(sw.VIRQ, 0, x=0x51, b=VMCB, c=PAGE)
    m.mark(4)
    log = serial(4, "posted-busy", 2, 2, exits=1)
    summary, _ = report.analyse(m.recording(), log)
    arm = summary["arms"][0]
    assert summary["disagreements"] == [], summary["disagreements"]
    assert arm["host_instructions"]["max"] == 0 and arm["paths"]["running"] == 2
    assert arm["exits_per_interrupt"] == 0


def test_exit_of_another_vcpu_counts():
    m = Machine()
    m.start()
    m.halt()
    m.add(sw.VMRUN, 0, b=OTHER_VMCB, c=0xA001)
    m.mark(12)
    m.post()
    m.add(sw.GAPPI, 1, x=0x30, b=PAGE)
    m.run(0, 5000)
    m.add(sw.VMEXIT, 0, a=sw.EXIT_INTR, b=OTHER_VMCB)
    m.run(0, 40)
    m.wake(160)
    m.halt()
    m.mark(12)
    summary, arms = report.analyse(m.recording(), serial(12, "gappi-own-busy", 1, 1, exits=3))
    assert arms[0][1].tolist() == [200], arms[0][1]
    assert summary["arms"][0]["paths"]["guest"] == 1
    assert summary["arms"][0]["exits_per_interrupt"] == 2


def test_other_cpu_is_added():
    m = Machine()
    m.start()
    m.halt()
    m.mark(6)
    m.post()
    m.add(sw.VMEXIT, 1, a=sw.EXIT_INTR, b=0x9000)
    m.run(1, 70)
    m.add(sw.IOMMU_MMIO, 1, x=1, a=0x2020)
    m.run(1, 30)
    m.add(sw.VMRUN, 1, b=0x9000, c=0x6001)
    m.wake(100)
    m.halt()
    m.mark(6)
    summary, arms = report.analyse(m.recording(), serial(6, "galog-idle", 1, 1, exits=3))
    assert arms[0][1].tolist() == [200], arms[0][1]
    assert summary["arms"][0]["iommu_mmio_per_interrupt"] == {"reads": 0, "writes": 1}


def test_post_while_target_is_in_host_code():
    m = Machine()
    m.start()
    m.mark(11)
    m.halt()
    m.post()
    m.run(0, 50)
    m.add(sw.VMRUN, 0, b=VMCB, c=PAGE | 1)
    m.add(sw.VIRQ, 0, x=0x51, b=VMCB, c=PAGE)
    m.mark(11)
    _, arms = report.analyse(m.recording(), serial(11, "gappi-own-idle", 1, 1, exits=2))
    assert arms[0][1].tolist() == [350] and arms[0][0]["paths"]["host"] == 1


def test_emulated_arm():
    m = Machine()
    m.start()
    m.mark(1)
    m.add(sw.REMAP, 1, x=0x40, c=0x18)
    m.run(0, 99)
    m.add(sw.VMEXIT, 0, a=sw.EXIT_INTR, b=VMCB)
    m.run(0, 20)
    m.add(sw.HOST_IRQ, 0, x=0x40)
    m.run(0, 580)
    m.add(sw.VMRUN, 0, x=0x51, b=VMCB)
    m.add(sw.VIRQ, 0, x=0x51, a=2, b=VMCB)
    m.mark(1)
    log = serial(1, "emulated-busy", 1, 1, exits=2, device_interrupts=1)
    summary, arms = report.analyse(m.recording(), log)
    assert summary["disagreements"] == [], summary["disagreements"]
    assert arms[0][1].tolist() == [600]


def test_lost_and_duplicate():
    m = Machine()
    m.start()
    m.mark(11)
    m.post()
    m.add(sw.VIRQ, 0, x=0x51, b=VMCB, c=PAGE)
    m.add(sw.VIRQ, 0, x=0x51, b=VMCB, c=PAGE)
    m.post()
    m.mark(11)
    summary, _ = report.analyse(m.recording(), serial(11, "gappi-own-idle", 2, 1, exits=1))
    arm = summary["arms"][0]
    assert arm["lost"] == 1 and arm["duplicates"] == 1
    assert any("lost" in w for w in summary["disagreements"])
    assert not all(b["ok"] for b in checks.budgets(summary["arms"]))


def test_disagreement_is_found():
    log = serial(exits=9, exits_hlt=3, host_interrupts=3)
    summary, _ = report.analyse(halted_arm().recording(), log)
    assert summary["disagreements"] == [
        "gappi-own-idle: exits (hypervisor): counted 9, stopwatch 4"
    ], summary["disagreements"]


def test_missing_accounts():
    summary, _ = report.analyse(halted_arm().recording(), seriallog.SerialLog(""))
    assert len(summary["disagreements"]) == 2


def test_skipped_and_failed_arms():
    log = seriallog.SerialLog(
        "REPORT result arm=6 name=galog-idle state=skipped sent=0 delivered=0 duplicates=0 lost=0\n"
        "REPORT result arm=7 name=galog-busy state=failed sent=9 delivered=8 duplicates=0 lost=1\n")
    summary, _ = report.analyse(nothing_happened(), log)
    assert summary["skipped"] == ["galog-idle"]
    assert "galog-busy: the guest says failed" in summary["disagreements"]
    assert "no arm was measured" in summary["disagreements"]


def nothing_happened():
    m = Machine()
    m.start()
    return m.recording()


def test_coalesced_burst():
    m = Machine()
    m.start()
    m.mark(10)
    for _ in range(5):
        m.post(0x60)
    overflow(m)
    m.add(sw.VIRQ, 0, x=0x60, b=VMCB, c=PAGE)
    m.mark(10)
    log = serial(10, "galog-overflow", 1, 1, exits=2, galog_overflows=1)
    summary, _ = report.analyse(m.recording(), log)
    arm = summary["arms"][0]
    assert summary["disagreements"] == [], summary["disagreements"]
    assert arm["coalesced"] == 4 and arm["interrupts"] == 1 and arm["lost"] == 0


def overflow(m, drain_again=True):
    """CPU 0 leaves its guest, drains 900 instructions long, sees the overflow, restarts the log in
    40, looks at everybody in 300."""
    status = lambda write, value: m.add(sw.IOMMU_MMIO, 0, x=write, a=0x2020, b=value, c=8)
    m.add(sw.GALOG_OVERFLOW, 1)
    m.add(sw.VMEXIT, 0, a=sw.EXIT_INTR, b=VMCB)
    status(1, 0x400)
    m.run(0, 900)
    status(0, 0x218)
    m.run(0, 40)
    status(1, 0x600)
    m.run(0, 300)
    if drain_again:
        status(1, 0x400)
        m.run(0, 20)
        status(0, 0x118)
    m.add(sw.VMRUN, 0, b=VMCB, c=PAGE | 1)


def recovered(log, **more):
    m = Machine()
    m.start()
    m.mark(10)
    m.post(0x60)
    overflow(m, **more)
    m.add(sw.VIRQ, 0, x=0x60, b=VMCB, c=PAGE)
    m.mark(10)
    summary, _ = report.analyse(m.recording(), log)
    return summary


def test_recovery():
    log = serial(10, "galog-overflow", 1, 1, exits=2, galog_overflows=1)
    arm = recovered(log)["arms"][0]["galog_recovery"]
    assert arm == {"recoveries": 1, "unfinished": 0, "to_notice": {"p50": 900, "max": 900},
                   "to_recover": {"p50": 340, "max": 340}}, arm


def test_recovery_that_does_not_end():
    """It didn't look at the log again after the restart: told as a disagreement."""
    log = serial(10, "galog-overflow", 1, 1, exits=2, galog_overflows=1)
    wrong = recovered(log, drain_again=False)["disagreements"]
    assert wrong == ["galog-overflow: GA log restarts: counted 1, stopwatch 0"], wrong


def test_recovery_that_was_not_needed():
    log = serial(10, "galog-overflow", 1, 1, exits=2, galog_overflows=2)
    wrong = recovered(log)["disagreements"]
    assert wrong == ["galog-overflow: GA log restarts: counted 2, stopwatch 1"], wrong


def account_of(m, audit="looks=0 rescues=0", galog="interrupts=0 entries=0 overflows=0", own=0,
               host_interrupts=0):
    log = seriallog.SerialLog(f"""
REPORT mechanism name=galog {galog}
REPORT mechanism name=gappi-own interrupts={own} wakes=0 useless=0
REPORT mechanism name=gappi-shared interrupts=0 wakes=0
REPORT mechanism name=scan looks=0 wakes=0
REPORT mechanism name=audit {audit}
REPORT message vm=g device=00:04.0 n=0 posted=1 vcpu=0 vector=81 host_interrupts={host_interrupts}
""")
    return account.faults(m.recording(), log)


def gappis(n):
    m = Machine()
    m.start()
    for _ in range(n):
        m.add(sw.GAPPI, 1, x=0x30, b=PAGE)
    return m


def test_account_of_the_run():
    assert account_of(gappis(9), own=9) == []
    assert account_of(gappis(9), own=8, audit="looks=0 rescues=2") == ["the audit rescued 2 vCPUs"]
    assert account_of(gappis(9), own=5) == ["whole run: GAPPIs: counted 5, stopwatch 9"]
    assert account_of(gappis(9), own=9, host_interrupts=3) == [
        "whole run: remapped interrupts: counted 3, stopwatch 0"]
    few = "interrupts=9 entries=9 overflows="
    assert account_of(gappis(0), galog=few + "0") == [
        "whole run: GA log entries: counted 9, stopwatch 0"]
    assert account_of(halted_arm(), galog="entries=0 overflows=1") == []
    assert account.faults(gappis(0).recording(), seriallog.SerialLog("")) != []


def test_audit_that_does_not_look():
    m = gappis(0)
    m.time += 5_500_000_000
    m.add(sw.VMRUN, 0, b=VMCB, c=PAGE | 1)
    assert account_of(m, audit="looks=4 rescues=0") == []
    assert account_of(m, audit="looks=3 rescues=0") == [
        "the audit looked 3 times, expected 4 or more"]


def test_cost():
    plain = {arm: 200 for arm in cost.ARMS}
    assert all(r["ok"] for r in cost.compare({**plain, "galog-idle": 210}, plain))
    rows = cost.compare({**plain, "galog-idle": 211, "galog-busy": 190}, plain)
    assert [r["arm"] for r in rows if not r["ok"]] == ["galog-idle"]
    assert rows[0]["percent"] == 5.5


def test_budget_limits():
    log = serial(exits=4, exits_hlt=3)
    summary, _ = report.analyse(halted_arm(3, (251, 251, 251)).recording(), log)
    over = [b["name"] for b in checks.budgets(summary["arms"]) if not b["ok"]]
    assert over == ["gappi-own-idle: host instructions, p50"], over


def test_files():
    with tempfile.TemporaryDirectory() as folder:
        recording = halted_arm().recording()
        summary, arms = report.analyse(recording, serial(exits=4))
        path = os.path.join(folder, "samples.csv")
        report.write_samples(path, recording, arms)
        with open(path, encoding="ascii") as file:
            lines = file.read().splitlines()
        assert lines[0].startswith("# counts under emulation")
        assert lines[2] == f"gappi-own-idle,1,{arms[0][3].source[0] + 1},18,5000,51,170,idle", lines[2]
        out = io.StringIO()
        report.print_table(summary, out)
        assert "gappi-own-idle" in out.getvalue() and "under emulation" in out.getvalue()


def test_bad_files():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x")
        for body in (b"", b"\0" * 24, struct.pack("<QIIII", sw.MAGIC, 2, 40, 0, 0)):
            with open(path, "wb") as file:
                file.write(body)
            try:
                sw.load(path)
            except sw.BadFile:
                continue
            assert False, "accepted"


def main(tests):
    passed = failed = 0
    for name, test in sorted(tests.items()):
        if not name.startswith("test_"):
            continue
        try:
            test()
            passed += 1
        except AssertionError as wrong:
            failed += 1
            print(f"{name}: {wrong or 'wrong'} (line {wrong.__traceback__.tb_next.tb_lineno})")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(globals()))
