# SPDX-License-Identifier: MIT
"""QEMU's test protocol: memory and ports of a machine, from outside."""


class Qtest:
    def __init__(self, reads, writes):
        self.reads, self.writes = reads, writes  # binary files

    def ask(self, *words):
        self.writes.write(" ".join(str(w) if isinstance(w, str) else hex(w)
                                   for w in words).encode() + b"\n")
        self.writes.flush()
        while True:
            line = self.reads.readline().decode()
            if not line:
                raise ConnectionError("QEMU ended")
            if line.startswith("OK"):
                return int(line.split()[1], 0) if len(line.split()) > 1 else 0

    def config(self, bdf, offset, value=None):
        self.ask("outl", 0xCF8, 1 << 31 | bdf << 8 | offset)
        if value is None:
            return self.ask("inl", 0xCFC)
        return self.ask("outl", 0xCFC, value)
