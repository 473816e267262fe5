#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every event that the emulator's IOMMU logs, as a device in QEMU provokes it: code, device,
domain, flags and address, typed from the manual.

    iommu_events_test.py QEMU-SYSTEM-X86_64"""
from iommu_machine import (CMDBUF, DEVTAB, IR, IRT, IV, IW, RUN, STORE, TABLES, TV, V, Machine, case,
                           expect, main, strict)

# 48882 rev 3.11, "Event Log Entry": flags in the first quadword.
I, PR, RW, PE, RZ = 1 << 51, 1 << 52, 1 << 53, 1 << 54, 1 << 55
NOWHERE = 0x40000000  # no memory there
EDU = 4 << 3
DOMAIN = 7
READ, WRITE, MSI = "read", "write", "MSI"
MESSAGE = 0xFEE00000  # where edu()'s MSI goes


def machine(qemu):
    m = Machine(qemu, "", ["edu,addr=4,dma_mask=0xffffffffffffffff"])
    m.edu(EDU)
    m.start()
    return m


def provoke(m, how, iova=0x5000):
    if how == MSI:
        m.raise_msi()
    else:
        m.dma(iova, to_memory=how == WRITE)


def dte(translation=0, interrupts=0, control=0):
    """The four quadwords; V and IV only where there is something to say."""
    return [V | translation if translation or not interrupts else 0,
            DOMAIN | control, IV | interrupts if interrupts else 0, 0]


def one(m, entry, how, event, what, iova=0x5000):
    """The only event, or none, and its strict report, if any, is left in the log."""
    m.dte(EDU, *entry)
    m.command(3 << 60 | DOMAIN << 32, 0x7FFFFFFFFFFFF003)
    provoke(m, how, iova)
    expect(m.event(), event, f"{what}: {how}")
    expect(m.event(), None, f"{what}: {how}: one event")


PAGES = TV | 4 << 9 | TABLES | IR | IW
REMAP = 8 << 1 | 2 << 60 | IRT
ACCESS = ((READ, 0), (WRITE, RW))


def test_illegal_dte(qemu):
    case("ILLEGAL_DEV_TABLE_ENTRY Event",
         "device and address; RW for a write, I and RW for an interrupt, RZ for a reserved bit")
    case("ILLEGAL_DEV_TABLE_ENTRY Event", "Mode 7, IoCtl 3, IntCtl 3, IntTabLen 12: no RZ")
    m, reports = machine(qemu), 0
    reserved = [V | PAGES | 1 << 2, DOMAIN, 0, 0]
    mode7 = [V | TV | 7 << 9 | TABLES | IR | IW, DOMAIN, 0, 0]
    io_ctl = [V | PAGES, DOMAIN | 3 << 35, 0, 0]
    for entry, flag, what in ((reserved, RZ, "reserved bit"), (mode7, 0, "Mode 7"),
                              (io_ctl, 0, "IoCtl 3")):
        for how, rw in ACCESS:
            one(m, entry, how, (1 << 60 | flag | rw | EDU, 0x5000), what)
            reports += 1
    for upper, flag, what in ((REMAP | 1 << 52, RZ, "reserved bit"),
                              (8 << 1 | 3 << 60 | IRT, 0, "IntCtl 3"),
                              (12 << 1 | 2 << 60 | IRT, 0, "IntTabLen 12")):
        one(m, dte(interrupts=upper), MSI, (1 << 60 | flag | I | RW | EDU, MESSAGE), what)
        reports += 1
    strict(m, ["illegal device table entry of 0020"] * reports, "illegal DTE")


def test_beyond_the_table(qemu):
    case("ILLEGAL_DEV_TABLE_ENTRY Event", "a device whose number is beyond the table's size")
    m = Machine(qemu, "", ["pcie-root-port,id=rp,addr=5,chassis=1",
                           "edu,bus=rp,addr=0,dma_mask=0xffffffffffffffff"])
    m.config(5 << 3, 0x18, 0x17 << 16 | 0x17 << 8)
    m.config(5 << 3, 0x20, (0xE0000000 >> 16) | 0xE0000000)
    m.config(5 << 3, 0x04, 0x6)
    m.edu(0x1700)
    m.start(0)
    m.reg(0x0000, DEVTAB)  # one page: 128 entries
    m.reg(0x0018, RUN)
    for how, rw in ACCESS:
        provoke(m, how)
        expect(m.event(), (1 << 60 | rw | 0x1700, 0x5000), f"beyond the table: {how}")
    provoke(m, MSI)
    expect(m.event(), (1 << 60 | I | RW | 0x1700, MESSAGE), "beyond the table: MSI")
    strict(m, [], "beyond the table")


def test_dev_tab_hardware_error(qemu):
    case("DEV_TAB_HARDWARE_ERROR Event",
         "a device table where no memory is: device, RW or I and RW, the entry's address")
    m = machine(qemu)
    m.reg(0x0018, 0)
    m.reg(0x0000, NOWHERE | 511)
    m.reg(0x0018, RUN)
    for how, flags in (*ACCESS, (MSI, I | RW)):
        provoke(m, how)
        expect(m.event(), (3 << 60 | flags | EDU, NOWHERE + 32 * EDU), f"no table: {how}")
    m.reg(0x0018, 0)
    m.reg(0x0000, DEVTAB | 511)
    m.reg(0x0018, RUN)
    one(m, dte(PAGES), READ, (2 << 60 | DOMAIN << 32 | EDU, 0x5000), "the table is back")
    strict(m, [], "no device table")


def test_page_tab_hardware_error(qemu):
    case("PAGE_TAB_HARDWARE_ERROR Event",
         "a page table where no memory is, at each level: domain, RW, the entry's address")
    case("PAGE_TAB_HARDWARE_ERROR Event", "an interrupt table where no memory is: I and RW")
    m = machine(qemu)
    for how, rw in ACCESS:
        one(m, dte(TV | 4 << 9 | NOWHERE | IR | IW), how,
            (4 << 60 | rw | DOMAIN << 32 | EDU, NOWHERE), "root")
        m.w8(TABLES, NOWHERE + 0x1000 | 1 << 9 | IR | IW | 1)
        one(m, dte(PAGES), how, (4 << 60 | rw | DOMAIN << 32 | EDU, NOWHERE + 0x1000 + 8 * 5),
            "last level")
        m.w8(TABLES, 0)
    one(m, dte(interrupts=8 << 1 | 2 << 60 | NOWHERE), MSI,
        (4 << 60 | I | RW | EDU | DOMAIN << 32, NOWHERE + 16 * 5), "interrupt table")
    strict(m, [], "no page table")


def test_page_faults(qemu):
    case("IO_PAGE_FAULT Event", "TV = 0, entry not present, address beyond Mode: no PR")
    case("IO_PAGE_FAULT Event", "no permission in the leaf, a directory, or the DTE: PR and PE")
    case("IO_PAGE_FAULT Event", "reserved bit or NextLevel not below the level: PR and RZ")
    m, reports = machine(qemu), []
    leaf = TABLES + 0x1000 + 8 * 5

    def tables(directory, last):
        m.w8(TABLES, TABLES + 0x1000 | directory)
        m.w8(leaf, last)

    every = 1 << 9 | IR | IW | 1
    faults = (
        (dte(), every, 0x345001 | IR | IW, 0, "TV = 0"),
        (dte(PAGES), 1 << 9 | IR | IW, 0x345001 | IR | IW, 0, "directory not present"),
        (dte(PAGES), every, 0x345000 | IR | IW, 0, "leaf not present"),
        (dte(PAGES), every, 0x345001, PR | PE, "leaf without permission"),
        (dte(PAGES), 1 << 9 | 1, 0x345001 | IR | IW, PR | PE, "directory without permission"),
        (dte(TV | 4 << 9 | TABLES), every, 0x345001 | IR | IW, PR | PE, "DTE without permission"),
        (dte(TV), every, 0x345001 | IR | IW, PR | PE, "Mode 0 without permission"),
        (dte(PAGES), every, 0x345001 | IR | IW | 1 << 52, PR | RZ, "leaf, reserved bit"),
        (dte(PAGES), every | 1 << 56, 0x345001 | IR | IW, PR | RZ, "directory, reserved bit"),
        (dte(PAGES), every, 0x345001 | 2 << 9 | IR | IW, PR | RZ, "leaf, NextLevel 2"))
    for entry, directory, last, flags, what in faults:
        tables(directory, last)
        for how, rw in ACCESS:
            one(m, entry, how, (2 << 60 | flags | rw | DOMAIN << 32 | EDU, 0x5000), what)
            reports += ["reserved bits or level at IOVA 0x5000"] if flags & RZ else []
    one(m, dte(TV | 2 << 9 | TABLES | IR | IW), READ,
        (2 << 60 | DOMAIN << 32 | EDU, 1 << 30), "beyond Mode 2", iova=1 << 30)
    tables(every, 0x345001 | IR | IW)
    one(m, dte(PAGES), WRITE, None, "all is well")
    strict(m, reports, "page faults")


def test_interrupt_faults(qemu):
    case("IO_PAGE_FAULT Event", "interrupts: RemapEn = 0, index beyond IntTabLen: I and RW")
    case("IO_PAGE_FAULT Event", "interrupts: IntCtl 0, an NMI that may not pass: also PR and PE")
    case("IO_PAGE_FAULT Event", "interrupts: reserved bits of an IRTE: also PR and RZ")
    m = machine(qemu)
    where = (DOMAIN << 32 | EDU, MESSAGE)

    def event(flags):
        return 2 << 60 | I | RW | flags | where[0], where[1]

    one(m, dte(interrupts=REMAP), MSI, event(0), "RemapEn = 0")
    one(m, dte(interrupts=2 << 1 | 2 << 60 | IRT), MSI, event(0), "index 5 of 4")
    one(m, dte(interrupts=8 << 1 | IRT), MSI, event(PR | PE), "IntCtl 0")
    m.w8(IRT + 16 * 5, 1, 0x31 | 1 << 20)
    one(m, dte(interrupts=REMAP), MSI, event(PR | RZ), "reserved bit")
    m.w8(IRT + 16 * 5, 1 | 3 << 2, 0x31)
    one(m, dte(interrupts=REMAP), MSI, event(PR), "IntType 3")
    cap = m.config(EDU, 0x34) & 0xFF
    while m.config(EDU, cap) & 0xFF != 5:
        cap = m.config(EDU, cap) >> 8 & 0xFF
    m.config(EDU, cap + 12, 0x400)  # edu's message is an NMI from here on
    one(m, dte(interrupts=REMAP), MSI, event(PR | PE), "NMI")
    one(m, dte(interrupts=REMAP | 1 << 58), MSI, None, "NMIPass")
    strict(m, ["illegal IRTE of 0020"] * 2, "interrupt faults")


def test_suppression(qemu):
    case("IO_PAGE_FAULT Event", "SA: none; SE: the first one until the DTE is invalidated")
    case("IO_PAGE_FAULT Event", "IG and SupIOPF: none for interrupts")
    m = machine(qemu)
    fault = (2 << 60 | DOMAIN << 32 | EDU, 0x5000)
    one(m, dte(PAGES, control=1 << 34), READ, None, "SA")
    one(m, dte(PAGES, control=1 << 33), READ, fault, "SE, the first")
    provoke(m, READ)
    expect(m.event(), None, "SE, the second")
    m.flush(EDU)
    provoke(m, READ)
    expect(m.event(), fault, "SE, after INVALIDATE_DEVTAB_ENTRY")
    one(m, dte(interrupts=REMAP | 1 << 5), MSI, None, "IG")
    m.w8(IRT + 16 * 5, 2, 0)
    one(m, dte(interrupts=REMAP), MSI, None, "SupIOPF")
    m.w8(IRT + 16 * 5, 0, 0)
    one(m, dte(interrupts=REMAP), MSI, (2 << 60 | I | RW | DOMAIN << 32 | EDU, MESSAGE), "neither")
    strict(m, [], "suppression")


def test_command_hardware_error(qemu):
    case("COMMAND_HARDWARE_ERROR Event",
         "a command buffer, or the store of a COMPLETION_WAIT, where no memory is: its address")
    m = machine(qemu)
    m.command(1 << 60 | NOWHERE | 1, 1)
    expect(m.event(), (6 << 60, CMDBUF), "store to nowhere")
    expect((m.reg(0x2020) & 0x10, m.reg(0x2000)), (0, 0), "stopped at the command")
    m.reg(0x0018, RUN & ~(1 << 12))
    m.reg(0x2008, 0)
    m.reg(0x0008, NOWHERE | 8 << 56)
    m.reg(0x0018, RUN)
    m.reg(0x2008, 16)
    expect(m.event(), (6 << 60, NOWHERE), "no buffer")
    m.reg(0x0018, RUN & ~(1 << 12))
    m.reg(0x2008, 0)
    m.reg(0x0008, CMDBUF | 8 << 56)
    m.reg(0x0018, RUN)
    m.command(1 << 60 | STORE | 1, 0x55)
    expect(m.r8(STORE), 0x55, "goes on when it is mended")
    strict(m, [], "command hardware error")


def test_invalid_device_request(qemu):
    case("INVALID_DEVICE_REQUEST Event",
         "a read of the interrupt range, and a write of other than 4 bytes (RW)")
    m = machine(qemu)
    m.dte(EDU, *dte(PAGES, interrupts=REMAP))
    for how, rw in ACCESS:
        provoke(m, how, MESSAGE)
        first = m.event()
        expect(first, (8 << 60 | rw | EDU, MESSAGE), f"interrupt range: {how}")
        while m.event():  # QEMU may split an access
            pass
    strict(m, [], "invalid request")


if __name__ == "__main__":
    main(globals(), __doc__)
