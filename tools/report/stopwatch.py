# SPDX-License-Identifier: MIT
"""The stopwatch's file (tools/emulator/model/stopwatch.h) as a numpy array."""

import numpy as np

MAGIC = 0x3154415743505453
VERSION = 1
HEADER_BYTES = 24
NO_CPU = 0xFF

# enum sw_kind
(
    POST,
    GALOG,
    GAPPI,
    HOST_IRQ,
    VMEXIT,
    VMRUN,
    DOORBELL,
    VIRQ,
    IOMMU_MMIO,
    IOMMU_CMD,
    REMAP,
    GALOG_OVERFLOW,
) = range(1, 13)

# Exit codes (24593 rev 3.44, "SVM Intercept Codes").
EXIT_INTR = 0x60
EXIT_HLT = 0x78
EXIT_IOIO = 0x7B
EXIT_VMMCALL = 0x81

RECORD = np.dtype(
    [
        ("time_ns", "<u8"),
        ("instructions", "<u8"),
        ("kind", "u1"),
        ("cpu", "u1"),
        ("x", "<u2"),
        ("a", "<u4"),
        ("b", "<u8"),
        ("c", "<u8"),
    ]
)


class BadFile(Exception):
    pass


class Recording:
    """All records, and for each record how many host instructions its CPU had executed."""

    def __init__(self, records, exact):
        self.records = records
        self.exact = exact
        self.kind = records["kind"]
        self.cpu = records["cpu"]
        self.cpus = [int(c) for c in np.unique(self.cpu) if c != NO_CPU]
        self.of_cpu = {c: np.flatnonzero(self.cpu == c) for c in self.cpus}
        self.host, self.was_host = self._host_instructions()

    def _host_instructions(self):
        """Host mode is everything from a #VMEXIT to the next VMRUN, and before the first VMRUN.

        was_host: in which mode the CPU came to the record."""
        host = np.zeros(len(self.records), dtype=np.int64)
        was_host = np.ones(len(self.records), dtype=bool)
        for index in self.of_cpu.values():
            kind = self.kind[index]
            change = np.where((kind == VMRUN) | (kind == VMEXIT))[0]
            # Mode after each record: that of the last VMRUN or #VMEXIT so far.
            last = np.searchsorted(change, np.arange(len(index)), side="right") - 1
            after = np.ones(len(index), dtype=bool)
            known = last >= 0
            after[known] = kind[change[last[known]]] == VMEXIT
            before = np.concatenate(([True], after[:-1]))
            step = np.diff(
                self.records["instructions"][index].astype(np.int64), prepend=0
            )
            step[:1] = 0
            host[index] = np.cumsum(np.where(before, step, 0))
            was_host[index] = before
        return host, was_host


def load(path):
    with open(path, "rb") as file:
        header = file.read(HEADER_BYTES)
        if len(header) < HEADER_BYTES:
            raise BadFile(f"{path}: shorter than a header")
        magic = int.from_bytes(header[0:8], "little")
        version = int.from_bytes(header[8:12], "little")
        record_bytes = int.from_bytes(header[12:16], "little")
        flags = int.from_bytes(header[16:20], "little")
        if magic != MAGIC:
            raise BadFile(f"{path}: not a stopwatch file")
        if version != VERSION or record_bytes != RECORD.itemsize:
            raise BadFile(f"{path}: version {version}, records of {record_bytes} bytes:"
                          f" expected {VERSION} and {RECORD.itemsize}")
        body = file.read()
    whole = len(body) // RECORD.itemsize
    # A run that was killed may leave part of a record.
    return Recording(np.frombuffer(body, RECORD, count=whole), bool(flags & 1))
