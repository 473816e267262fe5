# SPDX-License-Identifier: MIT
"""The hypervisor's trace (vmm/trace_ring.h): from the TRACE lines of a serial log, or from the
memory of the rings."""

import base64
import binascii
import collections
import re
import struct

RECORD = struct.Struct("<QIBBHQQ")
NO_VCPU = 0xFFFF

# enum trace_kind
KINDS = ("none", "host-irq", "idle", "galog-begin", "galog-entry", "galog-end", "galog-restart",
         "gappi", "wake", "inbox-send", "inbox-take", "load", "load-vain", "block", "cancel", "put",
         "vmrun", "exit", "post", "route", "switch", "rescue")
# enum trace_cause
CAUSES = ("event", "galog", "gappi-own", "gappi-shared", "scan", "switch", "audit")
STATES = ("offline", "runnable", "running", "blocked", "stopped")
MECHANISMS = ("none", "galog", "gappi")
GALOG_ENDS = ("empty", "more", "overflowed")
EXITS = {0x60: "INTR", 0x61: "NMI", 0x64: "VINTR", 0x72: "CPUID", 0x78: "HLT", 0x7B: "IOIO",
         0x7C: "MSR", 0x7F: "SHUTDOWN", 0x81: "VMMCALL", 0x400: "NPF", 0x401: "AVIC-IPI",
         0x402: "AVIC-NOACCEL"}

Record = collections.namedtuple("Record", "cpu sequence ticks kind x vcpu a b")


class BadTrace(Exception):
    pass


class Trace:
    def __init__(self):
        self.cpus = {}  # number -> records, oldest first
        self.apicids = {}
        self.complete = {}  # number -> nothing was overwritten
        self.vcpus = {}  # tag -> (VM, number)
        self.ticks_per_us = 1

    def add(self, cpu, data):
        """Bytes of whole records."""
        if len(data) % RECORD.size:
            raise BadTrace(f"CPU {cpu}: {len(data)} bytes are no whole records")
        for at in range(0, len(data), RECORD.size):
            ticks, sequence, kind, x, vcpu, a, b = RECORD.unpack_from(data, at)
            if not 0 < kind < len(KINDS):
                raise BadTrace(f"CPU {cpu}: record {sequence} has kind {kind}")
            self.cpus.setdefault(cpu, []).append(
                Record(cpu, sequence, ticks, KINDS[kind], x, vcpu, a, b))

    def check(self):
        for cpu, records in self.cpus.items():
            for one, next_one in zip(records, records[1:]):
                turned = next_one.sequence < one.sequence and one.sequence > 0xF0000000
                if next_one.sequence <= one.sequence and not turned:
                    raise BadTrace(f"CPU {cpu}: record {next_one.sequence} after {one.sequence}")
                if next_one.ticks < one.ticks:
                    raise BadTrace(f"CPU {cpu}: record {next_one.sequence} is older than the one"
                                   " before")
        return self

    def all(self):
        """Records of all CPUs, by time."""
        return sorted((r for records in self.cpus.values() for r in records),
                      key=lambda r: (r.ticks, r.cpu, r.sequence))

    def us(self, ticks):
        return ticks / self.ticks_per_us

    def name(self, tag):
        vm, number = self.vcpus.get(tag, ("?", tag))
        return f"{vm}/{number}"


LINE = re.compile(r"TRACE (\d+) ([A-Za-z0-9+/=]+)\s*$")
BEGIN = re.compile(r"TRACE begin cpu=(\d+) apicid=(\d+) first=(\d+) last=(\d+) ticks_per_us=(\d+)")
VCPU = re.compile(r"TRACE vcpu tag=(\d+) vm=(\S+) n=(\d+)")


def from_log(text):
    """Of several dumps the last one. BadTrace where a line was damaged on its way."""
    trace = Trace()
    for line in text.splitlines():
        if "TRACE " not in line:
            continue
        begin, data, vcpu = BEGIN.search(line), LINE.search(line), VCPU.search(line)
        if begin:
            cpu, apicid, first, _, per_us = (int(n) for n in begin.groups())
            if cpu in trace.cpus:
                trace = Trace()
            trace.cpus[cpu] = []
            trace.apicids[cpu] = apicid
            trace.complete[cpu] = first == 1
            trace.ticks_per_us = per_us
        elif vcpu:
            trace.vcpus[int(vcpu.group(1))] = (vcpu.group(2), int(vcpu.group(3)))
        elif data:
            try:
                trace.add(int(data.group(1)), base64.b64decode(data.group(2), validate=True))
            except binascii.Error as error:
                raise BadTrace(f"a damaged line: {line[:60]}: {error}") from error
    return trace.check()


def from_memory(rings, ticks_per_us):
    """rings: {CPU: bytes of its ring}, as a debugger saved them."""
    trace = Trace()
    trace.ticks_per_us = ticks_per_us
    for cpu, data in rings.items():
        used = [data[at:at + RECORD.size] for at in range(0, len(data), RECORD.size)]
        used = [r for r in used if r[8:12] != b"\0\0\0\0"]
        used.sort(key=lambda r: int.from_bytes(r[8:12], "little"))
        trace.cpus[cpu] = []
        trace.add(cpu, b"".join(used))
    return trace.check()


def _of(words, number):
    return words[number] if number < len(words) else str(number)


def details(trace, r):
    """What a record says, beside CPU, time and kind."""
    words = {
        "host-irq": lambda: f"vector {r.x:02x}",
        "galog-begin": lambda: f"iommu{r.x}",
        "galog-entry": lambda: f"GATag {r.a:08x}",
        "galog-end": lambda: f"{_of(GALOG_ENDS, r.x)}, {r.a} entries so far",
        "galog-restart": lambda: f"iommu{r.x}, {r.a} woken",
        "gappi": lambda: "own vector" if r.x else "shared vector",
        "wake": lambda: f"by {_of(CAUSES, r.x)}",
        "inbox-send": lambda: f"to CPU {r.a}",
        "load": lambda: f"GATag {r.a:08x}, IsRun 1",
        "block": lambda: f"IsRun 0, {'GAPPI' if r.x else 'GA log'} armed",
        "put": lambda: _of(STATES, r.x),
        "exit": lambda: f"{EXITS.get(r.a, format(r.a, 'x'))} at {r.b:x}",
        "post": lambda: f"vector {r.x:02x}",
        "route": lambda: f"vector {r.x:02x}, device {r.a >> 32:04x} message {r.a & 0xffffffff}",
        "switch": lambda: _of(MECHANISMS, r.x),
        "rescue": lambda: f"{_of(MECHANISMS, r.x)}, forgotten for {r.a} us",
    }
    who = "" if r.vcpu == NO_VCPU else trace.name(r.vcpu)
    more = words[r.kind]() if r.kind in words else ""
    return ", ".join(w for w in (who, more) if w)


def spans(trace, cpu):
    """[(begin, end, "guest" or "host" or "idle", vCPU tag or None)] of a CPU, in ticks."""
    result, mode, who, since = [], "host", None, None
    for r in trace.cpus[cpu]:
        to = {"vmrun": "guest", "exit": "host", "idle": "idle", "host-irq": "host"}.get(r.kind)
        if since is None:
            since = r.ticks
        # An interrupt that is taken in a guest makes it exit first.
        if to is None or to == mode:
            continue
        result.append((since, r.ticks, mode, who))
        mode, since = to, r.ticks
        who = r.vcpu if to == "guest" else None
    if since is not None and trace.cpus[cpu]:
        result.append((since, trace.cpus[cpu][-1].ticks, mode, who))
    return [s for s in result if s[1] > s[0]]
