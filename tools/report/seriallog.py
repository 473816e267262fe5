# SPDX-License-Identifier: MIT
"""The machine-readable lines of a serial log: REPORT KIND key=value ... (vmm/hypercall.h)."""

import re

LINE = re.compile(r"REPORT (\w+) (.*)")
PAIR = re.compile(r"(\w+)=(\S*)")


def _value(text):
    try:
        return int(text, 0)
    except ValueError:
        return text


class SerialLog:
    def __init__(self, text):
        self.results = {}  # arm number -> guest's account
        self.counters = {}  # (arm number, "begin" or "end") -> hypervisor's account
        self.other = {}  # kind -> list of accounts
        for line in text.splitlines():
            found = LINE.search(line)
            if not found:
                continue
            values = {k: _value(v) for k, v in PAIR.findall(found.group(2))}
            if found.group(1) == "result" and "arm" in values:
                self.results[values["arm"]] = values
            elif found.group(1) == "counters" and "arm" in values:
                self.counters[values["arm"], values.get("edge")] = values
            else:
                self.other.setdefault(found.group(1), []).append(values)

    def counted(self, arm):
        """What the hypervisor counted within an arm, or None where a mark is missing."""
        begin = self.counters.get((arm, "begin"))
        end = self.counters.get((arm, "end"))
        if not begin or not end:
            return None
        return {
            k: end[k] - begin[k]
            for k in end
            if k not in ("arm", "edge") and isinstance(end[k], int) and k in begin
        }


def load(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return SerialLog(file.read())
