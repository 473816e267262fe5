# SPDX-License-Identifier: MIT
"""A machine with the emulator's IOMMU, driven through QEMU's test protocol: no guest runs. For the
iommu_*_test.py beside it."""
import os
import struct
import subprocess
import sys
import tempfile

from qtest import Qtest

IOMMU = 0xFED80000
DEVTAB, CMDBUF, EVTLOG, GALOG = 0x100000, 0x310000, 0x311000, 0x312000
GATAIL, IRT, VAPIC, STORE, TABLES = 0x313000, 0x320000, 0x330000, 0x331000, 0x340000
FIRMWARE = "/usr/share/OVMF/OVMF_CODE_4M.fd"  # never runs
BAR = 0xE0000000  # of the edu device, wherever it is
RUN = 1 << 0 | 1 << 2 | 1 << 12 | 1 << 17 | 1 << 25 | 1 << 50
IR, IW, V, TV, IV = 1 << 61, 1 << 62, 1, 2, 1
KINDS = {1: "post", 2: "galog", 3: "gappi", 7: "doorbell", 9: "mmio", 10: "cmd", 11: "remap"}


class Machine(Qtest):
    def __init__(self, qemu, iommu="", devices=()):
        self.dir = tempfile.TemporaryDirectory()
        self.watch = os.path.join(self.dir.name, "stopwatch")
        args = [qemu, "-machine", "q35", "-accel", "qtest", "-smp", "4", "-m", "64", "-nodefaults",
                "-display", "none", "-global", "hpet.msi=on", "-qtest", "stdio", "-rtc", "clock=vm",
                "-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE}",
                "-device", f"reveille-stopwatch,file={self.watch}",
                "-device", "amd-iommu,id=iommu0" + iommu]
        for device in devices:
            args += ["-device", device]
        self.err = open(os.path.join(self.dir.name, "stderr"), "w+b")
        self.qemu = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=self.err)
        super().__init__(self.qemu.stdout, self.qemu.stdin)

    def ask(self, *words):
        try:
            return super().ask(*words)
        except ConnectionError as ended:
            self.err.seek(0)
            sys.exit(f"{ended}: " + self.err.read().decode())

    def r8(self, addr):
        return self.ask("readq", addr)

    def w8(self, addr, *values):
        for i, value in enumerate(values):
            self.ask("writeq", addr + 8 * i, value)

    def w4(self, addr, value):
        self.ask("writel", addr, value)

    def reg(self, offset, value=None):
        return self.r8(IOMMU + offset) if value is None else self.w8(IOMMU + offset, value)

    def command(self, q0, q1=0):
        tail = self.reg(0x2008)
        self.w8(CMDBUF + tail, q0, q1)
        self.reg(0x2008, (tail + 16) & 0xFFF)

    def flush(self, bdf):
        self.command(2 << 60 | bdf)
        self.command(5 << 60 | bdf)
        self.command(3 << 60, 0x7FFFFFFFFFFFF003)

    def event(self):
        head = self.reg(0x2010)
        if head == self.reg(0x2018):
            return None
        self.reg(0x2010, (head + 16) & 0xFFF)
        return self.r8(EVTLOG + head), self.r8(EVTLOG + head + 8)

    def start(self, control=RUN):
        self.reg(0x0000, DEVTAB | 511)
        self.reg(0x0008, CMDBUF | 8 << 56)
        self.reg(0x0010, EVTLOG | 8 << 56)
        self.reg(0x00E0, GALOG | 8 << 56)
        self.reg(0x00E8, GATAIL)
        self.reg(0x0018, control)

    def dte(self, bdf, *q):
        self.w8(DEVTAB + 32 * bdf, *q)
        self.flush(bdf)

    def edu(self, bdf, data=5):
        """Memory and bus mastering on, MSI with this data and every address bit of FEE."""
        self.config(bdf, 0x10, BAR)
        self.config(bdf, 0x04, 0x6)
        cap = self.config(bdf, 0x34) & 0xFF
        while self.config(bdf, cap) & 0xFF != 5:
            cap = self.config(bdf, cap) >> 8 & 0xFF
        self.config(bdf, cap + 4, 0xFEE00000)
        self.config(bdf, cap + 8, 0)
        self.config(bdf, cap + 12, data)
        self.config(bdf, cap, self.config(bdf, cap) | 1 << 16)

    def raise_msi(self):
        self.w4(BAR + 0x60, 1)
        self.w4(BAR + 0x64, 1)

    def dma(self, address, to_memory):
        self.w8(BAR + 0x80, *((0x40000, address) if to_memory else (address, 0x40000)))
        self.w8(BAR + 0x90, 8)
        self.w8(BAR + 0x98, 3 if to_memory else 1)
        self.ask("clock_step", "200000000")

    def end(self):
        self.qemu.terminate()
        self.qemu.wait()
        self.err.seek(0)
        errors = [line for line in self.err.read().decode().splitlines() if "strict" in line]
        records = []
        with open(self.watch, "rb") as f:
            f.read(24)
            while len(record := f.read(40)) == 40:
                _, _, kind, cpu, x, a, b, c = struct.unpack("<QQBBHIQQ", record)
                records.append((KINDS.get(kind, kind), cpu, x, a, b, c))
        return errors, records


passed = failed = 0


def expect(got, want, what):
    global passed, failed
    if got == want:
        passed += 1
        return
    failed += 1
    show = [hex(v) if isinstance(v, int) else str(v) for v in (got, want)]
    print(f"FAILED {what}: {show[0]}, expected {show[1]}")


def case(section, text, status="stated"):
    """What the running test shows, for tests/conformance/generate.py."""
    code = sys._getframe(1).f_code
    print("\t".join(("case", status, "IOMMU: the device in QEMU",
                     f"{code.co_filename}:{code.co_name}", "48882", section, text)))


def strict(m, texts, what):
    """Each report has its text, and there is no other."""
    errors = [e for e in m.end()[0] if not e.endswith(" errors")]
    expect(len(errors), len(texts), what + ": strict reports")
    for error, text in zip(errors, texts):
        expect(text in error, True, f"{what}: {error}")


def only(records, *kinds):
    return [r[:1] + r[2:] for r in records if r[0] in kinds]


def main(tests, usage):
    """Runs every function of a module that is called test_..."""
    if len(sys.argv) != 2:
        sys.exit(usage)
    for name, test in sorted(tests.items()):
        if name.startswith("test_"):
            test(sys.argv[1])
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)
