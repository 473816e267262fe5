#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Rings, commands and caches of the emulator's IOMMU as a device in QEMU.

    iommu_rings_test.py QEMU-SYSTEM-X86_64"""
from iommu_machine import (CMDBUF, EVTLOG, GALOG, GATAIL, IR, IRT, IV, IW, RUN, STORE, TABLES, TV, V,
                           VAPIC, Machine, case, expect, main, strict)

EDU = 4 << 3
DOMAIN = 7
RING = 0x1000000  # 16 MB: room for the largest
EVERYTHING = 0x7FFFFFFFFFFFF003
GALOG_EN = 1 << 28
STATUS = 0x2020
CMD_RUN, EVENT_RUN, GALOG_RUN = 0x10, 0x08, 0x100
EVENT_OVERFLOW, GALOG_OVERFLOW = 0x01, 0x200


def machine(qemu, control=RUN):
    m = Machine(qemu, "", ["edu,addr=4"])
    m.edu(EDU)
    m.start(control)
    return m


def fault(m):
    m.dma(0x5000, to_memory=False)


def test_event_log(qemu):
    case("Event Log Base Address Register", "256 to 32768 entries: wraps; full with one slot free")
    case("Event Logging", "EventOverflow stops the log; off, drained, acknowledged, on: it runs again")
    for code in range(8, 16):
        what, size = f"event log, code {code}", 4096 << code - 8
        m = machine(qemu, 0)
        m.reg(0x0010, RING | code << 56)
        m.reg(0x2010, size - 32)
        m.reg(0x2018, size - 32)
        m.reg(0x0018, RUN)
        m.dte(EDU, V, DOMAIN, 0, 0)
        entry = 2 << 60 | DOMAIN << 32 | EDU
        for tail in (size - 16, 0, 16):
            fault(m)
            expect(m.reg(0x2018), tail, f"{what}: tail")
        for at in (size - 32, size - 16, 0):
            expect((m.r8(RING + at), m.r8(RING + at + 8)), (entry, 0x5000), f"{what}: entry")
        expect(m.r8(RING + size), 0, f"{what}: nothing behind the ring")
        m.reg(0x0018, RUN & ~(1 << 2))
        m.reg(0x2010, 48)  # room for one more
        m.reg(0x0018, RUN)
        fault(m)
        expect(m.reg(STATUS) & (EVENT_OVERFLOW | EVENT_RUN), EVENT_RUN, f"{what}: last slot")
        fault(m)
        expect(m.reg(STATUS) & (EVENT_OVERFLOW | EVENT_RUN), EVENT_OVERFLOW, f"{what}: full")
        expect(m.reg(0x2018), 32, f"{what}: the tail stays")
        m.reg(0x0018, RUN & ~(1 << 2))
        m.reg(0x2010, 32)
        m.reg(STATUS, EVENT_OVERFLOW)
        m.reg(0x0018, RUN)
        fault(m)
        expect(m.reg(STATUS) & (EVENT_OVERFLOW | EVENT_RUN), EVENT_RUN, f"{what}: runs again")
        expect((m.reg(0x2018), m.r8(RING + 32)), (48, entry), f"{what}: and logs")
        strict(m, [], what)


def posting(m):
    m.w8(IRT + 16 * 5, 0x0000009900000385, VAPIC | 0x41)  # guest mode, GALogIntr, not running
    m.dte(EDU, V, DOMAIN, IV | 8 << 1 | 2 << 60 | IRT, 0)


def test_ga_log(qemu):
    case("Guest Virtual APIC Log", "512 to 65536 entries: wraps; full with one slot free")
    case("Guest Virtual APIC Log",
         "overflow: GALogRun off, posts set IRR only; off, acknowledged, pointers 0, on: logs again")
    for code in range(8, 16):
        what, size = f"GA log, code {code}", 4096 << code - 8
        m = machine(qemu, 0)
        m.reg(0x00E0, RING | code << 56)
        m.reg(0x2040, size - 16)
        m.reg(0x2048, size - 16)
        m.reg(0x0018, RUN | GALOG_EN)
        posting(m)
        entry = 1 << 60 | EDU << 32 | 0x99
        for tail in (size - 8, 0, 8):
            m.raise_msi()
            expect((m.reg(0x2048), m.r8(GATAIL)), (tail, tail), f"{what}: tail")
        expect([m.r8(RING + at) for at in (size - 16, size - 8, 0)], [entry] * 3, f"{what}: entries")
        expect(m.r8(RING + size), 0, f"{what}: nothing behind the ring")
        m.reg(0x0018, RUN)
        m.reg(0x2040, 24)  # room for one more
        m.reg(0x0018, RUN | GALOG_EN)
        m.raise_msi()
        expect(m.reg(STATUS) & (GALOG_RUN | GALOG_OVERFLOW), GALOG_RUN, f"{what}: last slot")
        m.w8(VAPIC + 0x220, 0)
        m.raise_msi()
        expect(m.reg(STATUS) & (GALOG_RUN | GALOG_OVERFLOW), GALOG_OVERFLOW, f"{what}: full")
        expect((m.r8(VAPIC + 0x220), m.reg(0x2048)), (2, 16), f"{what}: IRR only")
        m.reg(0x0018, RUN)
        m.reg(STATUS, GALOG_OVERFLOW)
        m.reg(0x2040, 0)
        m.reg(0x2048, 0)
        m.reg(0x0018, RUN | GALOG_EN)
        expect(m.reg(STATUS) & (GALOG_RUN | GALOG_OVERFLOW), GALOG_RUN, f"{what}: runs again")
        m.w8(RING, 0)
        m.raise_msi()
        expect((m.r8(RING), m.reg(0x2048), m.r8(GATAIL)), (entry, 8, 8), f"{what}: and logs")
        strict(m, [], what)


def test_overflow_not_acknowledged(qemu):
    case("Guest Virtual APIC Log", "restarted with GALOverflow still set: does not run")
    case("Event Logging", "restarted with EventOverflow still set: does not run", "assumed")
    m = machine(qemu, RUN | GALOG_EN)
    posting(m)
    m.reg(0x2040, 0)
    for _ in range(512):
        m.raise_msi()
    expect(m.reg(STATUS) & (GALOG_RUN | GALOG_OVERFLOW), GALOG_OVERFLOW, "GA log is full")
    m.reg(0x0018, RUN)
    m.reg(0x0018, RUN | GALOG_EN)
    expect(m.reg(STATUS) & (GALOG_RUN | GALOG_OVERFLOW), GALOG_OVERFLOW, "GA log: not acknowledged")
    m.dte(EDU, V, DOMAIN, 0, 0)
    for _ in range(256):
        fault(m)
    expect(m.reg(STATUS) & (EVENT_RUN | EVENT_OVERFLOW), EVENT_OVERFLOW, "event log is full")
    m.reg(0x0018, RUN & ~(1 << 2))
    m.reg(0x0018, RUN)
    expect(m.reg(STATUS) & (EVENT_RUN | EVENT_OVERFLOW), EVENT_OVERFLOW, "events: not acknowledged")
    strict(m, ["GALogEn set while GALOverflow", "EventLogEn set while EventOverflow"], "overflow")


def test_running_units_refuse(qemu):
    text = "base, tail address and hardware's pointers are not taken while the unit runs"
    case("IOMMU MMIO Registers", text, "assumed")
    m = machine(qemu, RUN | GALOG_EN)
    registers = (0x0008, 0x0010, 0x00E0, 0x00E8, 0x2000, 0x2018, 0x2048)
    for offset in registers:
        before = m.reg(offset)
        m.reg(offset, before ^ (0x10000 if offset < 0x100 else 0x20))
        expect(m.reg(offset), before, f"register {offset:#x} while its unit runs")
    m.command(1 << 60 | STORE | 1, 0x77)
    expect(m.r8(STORE), 0x77, "the units are none the worse")
    m.reg(0x0018, 0)
    for offset in registers:
        m.reg(offset, m.reg(offset) ^ 0x1000 if offset < 0x100 else 0x20)
    expect([m.reg(o) for o in registers], [CMDBUF ^ 0x1000 | 8 << 56, EVTLOG ^ 0x1000 | 8 << 56,
                                           GALOG ^ 0x1000 | 8 << 56, GATAIL ^ 0x1000, 0x20, 0x20,
                                           0x20], "stopped: taken")
    strict(m, ["written while its unit runs"] * len(registers), "running units")


def test_pointers_outside(qemu):
    case("IOMMU MMIO Registers",
         "a command tail, or a log's head, outside of the ring: refused, and a strict report",
         "assumed")
    m = machine(qemu, RUN | GALOG_EN)
    for offset, step in ((0x2008, 16), (0x2010, 16), (0x2040, 8)):
        for value in (0x1000, 0x1000 + step, 0x7FFF0):
            m.reg(offset, value)
            expect(m.reg(offset), 0, f"pointer {offset:#x} to {value:#x}")
    expect(m.reg(STATUS) & (CMD_RUN | EVENT_RUN | GALOG_RUN), CMD_RUN | EVENT_RUN | GALOG_RUN,
           "units run on")
    strict(m, ["is outside of the ring"] * 9, "pointers")


def test_reserved_lengths(qemu):
    case("IOMMU MMIO Registers", "length codes 0 to 7 of each ring are reserved: it does not run")
    for register, run, enable in ((0x0008, CMD_RUN, "CmdBufEn"), (0x0010, EVENT_RUN, "EventLogEn"),
                                  (0x00E0, GALOG_RUN, "GALogEn")):
        m = machine(qemu, 0)
        for code in range(9):
            m.reg(register, RING | code << 56)
            m.reg(0x0018, RUN | GALOG_EN)
            expect(m.reg(STATUS) & run, run if code == 8 else 0, f"{enable}, length code {code}")
            m.reg(0x0018, 0)
        strict(m, [f"{enable} set with a reserved"] * 8, enable)


def test_status(qemu):
    case("IOMMU Status Register", "ComWaitInt, EventLogInt and GAInt: writing 1 clears, 0 does not")
    m = machine(qemu, RUN | GALOG_EN)
    m.command(1 << 60 | 2, 0)
    posting(m)
    m.raise_msi()
    m.dte(EDU, V, DOMAIN, 0, 0)
    fault(m)
    bits = 1 << 1 | 1 << 2 | 1 << 10
    run = CMD_RUN | EVENT_RUN | GALOG_RUN
    expect(m.reg(STATUS), run | bits, "all three are set")
    m.reg(STATUS, 0)
    m.reg(STATUS, run)
    expect(m.reg(STATUS), run | bits, "0 and the run bits written")
    for bit in (1, 2, 10):
        m.reg(STATUS, 1 << bit)
        bits &= ~(1 << bit)
        expect(m.reg(STATUS), run | bits, f"bit {bit} written")
    strict(m, [], "status")


# Typed from 48882 rev 3.11, "Commands": fields of both quadwords; None: not for this part.
ALL = (1 << 64) - 1
COMMANDS = (
    (1, "COMPLETION_WAIT", 0x000FFFFFFFFFFFFF, ALL),
    (2, "INVALIDATE_DEVTAB_ENTRY", 0xFFFF, 0),
    (3, "INVALIDATE_IOMMU_PAGES", 0x0000FFFF000FFFFF, 0xFFFFFFFFFFFFF003),
    (5, "INVALIDATE_INTERRUPT_TABLE", 0xFFFF, 0),
    (8, "INVALIDATE_IOMMU_ALL", 0, 0),
)


def run_command(m, q0, q1):
    """True: it was executed. False: ILLEGAL_COMMAND_ERROR, fetching stopped, and restarted."""
    head = m.reg(0x2000)
    m.command(q0, q1)
    if m.reg(STATUS) & CMD_RUN:
        expect(m.reg(0x2000), (head + 16) & 0xFFF, "the head moves on")
        return True
    expect((m.reg(0x2000), m.event()), (head, (5 << 60, CMDBUF + head)), "the offender")
    m.reg(0x0018, RUN & ~(1 << 12))
    m.reg(0x2000, 0)
    m.reg(0x2008, 0)
    m.reg(0x0018, RUN)
    return False


def test_commands(qemu):
    for opcode, name, low, high in COMMANDS:
        case(name, f"{name}: each bit of both words: its fields are taken, the others illegal")
        m = machine(qemu)
        for bit in range(60):
            expect(run_command(m, opcode << 60 | 1 << bit, 0), bool(low >> bit & 1),
                   f"{name}, bit {bit}")
        for bit in range(64):
            expect(run_command(m, opcode << 60, 1 << bit), bool(high >> bit & 1),
                   f"{name}, bit {64 + bit}")
        m.end()
    case("Commands", "opcodes 0, 4, 7 and 9 to 15 are not for this part: illegal", "assumed")
    m = machine(qemu)
    for opcode in (0, 4, 7, *range(9, 16)):
        expect(run_command(m, opcode << 60, 0), False, f"opcode {opcode}")
    case("COMPLETION_WAIT", "stores after all earlier commands, also behind the ring's end")
    for i in range(300):
        m.command(1 << 60 | STORE | 1, i)
    expect(m.r8(STORE), 299, "three hundred in a row")
    m.end()


def walked(m, value):
    """What the device reads at IOVA 5000h: it writes it to 6000h, another page of the domain."""
    m.dma(0x5000, to_memory=False)
    m.dma(0x6000, to_memory=True)
    expect(m.event(), None, "no fault")
    return m.r8(0x347000) == value


def cached(qemu):
    """A device that has read 5000h -> 345000h; the leaf says 346000h now, the directory 342000h,
    whose leaf says 348000h."""
    m = machine(qemu)
    m.w8(0x345000, 0x1111)
    m.w8(0x346000, 0x2222)
    m.w8(0x348000, 0x3333)
    m.w8(TABLES, TABLES + 0x1000 | 1 << 9 | IR | IW | 1)
    for table, page in ((TABLES + 0x1000, 0x345000), (TABLES + 0x2000, 0x348000)):
        m.w8(table + 8 * 5, page | IR | IW | 1)
        m.w8(table + 8 * 6, 0x347000 | IR | IW | 1)
    m.dte(EDU, V | TV | 4 << 9 | TABLES | IR | IW, DOMAIN, 0, 0)
    expect(walked(m, 0x1111), True, "at first")
    m.w8(TABLES + 0x1000 + 8 * 5, 0x346000 | IR | IW | 1)
    return m


def test_invalidations(qemu):
    section = "INVALIDATE_IOMMU_PAGES"
    case(section, "another domain, or another page: the old translation stays")
    case(section, "the page, a range with S = 1 around it, everything: the new one")
    case(section, "a table pointer goes with PDE = 1 only")
    case("INVALIDATE_IOMMU_ALL", "drops translations, table pointers, DTEs and IRTEs")
    keep = ((3 << 60 | 8 << 32, 0x5000), (3 << 60 | DOMAIN << 32, 0x7000),
            (3 << 60 | DOMAIN << 32, 0x9001), (2 << 60 | EDU, 0), (5 << 60 | EDU, 0),
            (1 << 60, 0))
    drop = ((3 << 60 | DOMAIN << 32, 0x5000), (3 << 60 | DOMAIN << 32, 0x4001),
            (3 << 60 | DOMAIN << 32, 0x3001), (3 << 60 | DOMAIN << 32, EVERYTHING & ~2),
            (3 << 60 | DOMAIN << 32, EVERYTHING), (8 << 60, 0))
    for commands, value in ((keep, 0x1111), (drop, 0x2222)):
        for q0, q1 in commands:
            m = cached(qemu)
            m.command(q0, q1)
            expect(walked(m, value), True, f"command {q0:x} {q1:x}")
            strict(m, [], "invalidations")
    for q0, q1, value in ((3 << 60 | DOMAIN << 32, EVERYTHING & ~2, 0x2222),
                          (3 << 60 | DOMAIN << 32, EVERYTHING, 0x3333), (8 << 60, 0, 0x3333)):
        m = cached(qemu)
        m.w8(TABLES, TABLES + 0x2000 | 1 << 9 | IR | IW | 1)
        m.command(q0, q1)
        expect(walked(m, value), True, f"directory changed, command {q0:x} {q1:x}")
        strict(m, [], "directory")


if __name__ == "__main__":
    main(globals(), __doc__)
