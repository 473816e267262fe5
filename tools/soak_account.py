# SPDX-License-Identifier: MIT
"""What a boot of the soak said: the guest's account, the hypervisor's and the emulator's, cell by
cell; and what was wrong with it."""

import re
import time

from report.seriallog import SerialLog
from soak_boots import INJECT, MECHANISMS

ARM = re.compile(r"soak: soak: arm (\S+)")
GOES = re.compile(r"REPORT counters arm=\d+ edge=begin")
ENDS = re.compile(r"REPORT result .*name=(\S+) ")
RECORD = re.compile(r"audit: vCPU \d+ of vm soak ")
SPOKEN = re.compile(r"LOST|is nowhere|was pending|refused|audit:|vm \w+: stopped|PANIC|TEST soak")
STOPPED = "vm victim: stopped: an IOMMU of its devices does not answer"


class Account:
    def __init__(self, boot, say):
        self.boot, self.say, self.qmp = boot, say, None
        self.cells = {}  # name -> its numbers
        self.wrong = []
        self.name, self.cell = None, None  # under way
        self.base = 0  # the emulator's count of faults when it began

    def _faults_done(self):
        return self.qmp.iommu("x-faults-done")

    def _inject(self):
        name = self.name
        for fault, (key, value) in INJECT.items():
            if name.endswith(fault):
                self.base = self._faults_done()
                self.qmp.iommu(key, value)

    def _end(self, name):
        cell, self.cell = self.cell, None
        cell["seconds"] = time.monotonic() - cell["began"]
        for fault, (key, _) in INJECT.items():
            if name.endswith(fault):
                self.qmp.iommu(key, 0)
                cell["injected"] = self._faults_done() - self.base
        self.say(self.boot, f"{name}: {cell['seconds']:.0f} s")

    def line(self, text):
        """One line of the serial log, as it comes."""
        try:
            self._line(text)
        except (OSError, KeyError) as e:
            self.wrong.append(f"QEMU's monitor: {e!r}, at {text}")

    def _line(self, text):
        begins, ends = ARM.search(text), ENDS.search(text)
        if SPOKEN.search(text):
            self.say(self.boot, text)
        if begins:
            self.name = begins.group(1)
            self.cell = {"began": time.monotonic(), "records": 0, "injected": 0}
            self.cells[self.name] = self.cell
        elif GOES.search(text):
            self._inject()
        elif ends and self.cell is not None:
            self._end(ends.group(1))
        elif RECORD.search(text) and self.cell is not None:
            self.cell["records"] += 1

    def close(self, result):
        """The machine has ended: numbers out of the log."""
        log = SerialLog(result.serial)
        for arm, found in log.results.items():
            cell = self.cells.get(found["name"])
            counted = log.counted(arm)
            own = next((x for x in log.other.get("soak", []) if x["arm"] == arm), None)
            if cell is None or counted is None or own is None:
                self.wrong.append(f"{found['name']}: its account is not whole")
                continue
            cell.update(guest=found, counted=counted, own=own)
        for m, f in self.boot.cells():
            if "guest" not in self.cells.get(f"{m}-{f}", {}):
                self.wrong.append(f"{m}-{f} did not run to its end")
        self.wrong += result.strict
        if result.outcome != "done":
            self.wrong.append(f"ended with {result.outcome}")
        if self.boot.victim != (STOPPED in result.serial):
            self.wrong.append("the VM whose command was lost was not stopped" if self.boot.victim
                              else "an IOMMU command got lost")
        # Only in this cell can a GA log overflow: fewer vCPUs are there than it has entries.
        for name, cell in self.cells.items():
            cell["scanned"] = 0 if not name.endswith("overflow") else sum(
                x["wakes"] for x in log.other.get("mechanism", []) if x["name"] == "scan")
        rescues = sum(x["rescues"] for x in log.other.get("mechanism", []) if "rescues" in x)
        if rescues != sum(c["records"] for c in self.cells.values()):
            self.wrong.append(f"{rescues} rescues by the audit, not all within a cell")


def _faults(name, cell):
    """How often the cell's fault came about."""
    if name.endswith("completion-late"):
        return cell["counted"]["iommu_commands"]
    if any(name.endswith(fault) for fault in INJECT):
        return cell["injected"]
    return cell["own"]["faults"]


def total(accounts):
    """Cells, each over all its boots."""
    cells = {}
    for account in accounts:
        for m, f in account.boot.cells():
            cell = account.cells.get(f"{m}-{f}")
            if not cell or "guest" not in cell:
                continue
            guest = cell["guest"]
            sum_ = cells.setdefault((m, f), {"mechanism": m, "fault": f, "machines": {}})
            part = {
                "wakeups": cell["own"]["wakeups"], "posted": guest["sent"],
                "posted_to_halted": cell["own"]["asleep"], "delivered": guest["delivered"],
                "lost": guest["lost"], "duplicated": guest["duplicates"],
                "spurious": cell["counted"]["spurious_wakes"], "rescued": cell["records"],
                "recovered": cell["records"] + cell["scanned"],
                "fault_count": _faults(f"{m}-{f}", cell), "seconds": round(cell["seconds"], 1),
            }
            for key, value in part.items():
                sum_[key] = sum_.get(key, 0) + value
            sum_["machines"]["counted" if account.boot.counted else "threads"] = part["wakeups"]
    for c in cells.values():
        c["wakeups_per_second"] = round(c["wakeups"] / max(c["seconds"], 0.1), 1)
    return sorted(cells.values(), key=lambda c: (MECHANISMS.index(c["mechanism"]), c["fault"]))


def judge(cell, count):
    """Sentences about what is wrong with a cell."""
    wrong = []
    if cell["wakeups"] < count:
        wrong.append(f"{cell['wakeups']} wake-ups of {count}")
    if cell["lost"] or cell["delivered"] != cell["posted"]:
        wrong.append(f"{cell['lost']} lost, {cell['delivered']} of {cell['posted']} delivered")
    if cell["duplicated"]:
        wrong.append(f"{cell['duplicated']} came twice")
    if cell["fault"] != "none" and not cell["fault_count"]:
        wrong.append("the fault never came about")
    # On the shared vector a neighbour's notification makes the hypervisor look at all of them.
    expected = cell["fault_count"] if cell["fault"] == "wake-lost" else 0
    if cell["rescued"] > expected or (
            cell["rescued"] < expected and cell["mechanism"] != "gappi-shared"):
        wrong.append(f"{cell['rescued']} vCPUs were woken by the audit, {expected} should be")
    if cell["fault"] == "overflow" and not cell["recovered"]:
        wrong.append("nobody was found by the look after an overflow")
    return wrong


def judge_twin(accounts):
    """A wake-up that was lost on purpose must have been noticed and named."""
    wrong = []
    for cell in total(accounts):
        if not cell["lost"] or not judge(cell, 0):
            wrong.append("twin: a lost wake-up was not noticed")
    return wrong if total(accounts) else ["twin: no account"]
