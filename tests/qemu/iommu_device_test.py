#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The emulator's IOMMU as a device, driven through QEMU's test protocol: no guest runs.

    iommu_device_test.py QEMU-SYSTEM-X86_64

What is tested here is the glue: requester numbers, also behind a root port, DMA, messages
of devices and of the IOAPIC, IVRS, registers and rings as a CPU reaches them, features that
are switched off. The rules themselves are in tests/unit/emulator/."""
from iommu_machine import (BAR, CMDBUF, DEVTAB, GALOG, GATAIL, IOMMU, IR, IRT, IV, IW, RUN, STORE,
                           TABLES, TV, V, VAPIC, Machine, case, expect, main, only)


def bridge(m, bdf, bus):
    m.config(bdf, 0x18, bus << 16 | bus << 8)
    m.config(bdf, 0x20, (BAR >> 16) | (BAR & 0xFFF00000))
    m.config(bdf, 0x04, 0x6)


def device_tests(m, bdf, where):
    case("Guest Virtual APIC Mode", where + "a device's MSI is posted; IsRun rings the doorbell")
    case("Guest Virtual APIC Log", where + "entry with the device's ID, tail in memory")
    case("Guest APIC Physical Processor Interrupt", where + "GAPPI to the CPU of Destination")
    case("Interrupt Remapping", where + "a device's MSI is remapped to a CPU")
    case("I/O Page Tables for Host Translations", where + "DMA is translated, read and write")
    case("IO_PAGE_FAULT Event", where + "refused DMA has device, domain, address, PR, RW, PE")
    m.edu(bdf)
    m.start()
    dte_int = IV | 8 << 1 | 2 << 60 | IRT
    m.w8(IRT + 16 * 5, 0x0000009900000381, VAPIC | 0x41)
    m.dte(bdf, V, 7, dte_int, 0)
    m.raise_msi()
    expect(m.r8(VAPIC + 0x220), 2, where + "IRR bit posted")
    m.reg(0x0018, RUN | 1 << 55)
    m.w8(VAPIC + 0x220, 0)
    m.raise_msi()  # GAPPI: vector 99h to CPU 3
    m.reg(0x0018, RUN | 1 << 28)
    m.w8(IRT + 16 * 5, 0x0000009900000385)
    m.raise_msi()
    expect(m.r8(GALOG), 1 << 60 | bdf << 32 | 0x99, where + "GA log entry")
    expect(m.r8(GATAIL), 8, where + "GA log tail in memory")
    m.w8(IRT + 16 * 5, 0x00000099000003C5)
    m.raise_msi()  # doorbell
    m.w8(IRT + 16 * 5, 0x0000000000000001, 0x31)
    m.command(5 << 60 | bdf)
    m.raise_msi()
    expect(m.event(), None, where + "no event")
    # DMA: IOVA 5000h -> 345000h, to be read only.
    m.w8(TABLES, TABLES + 0x1000 | 1 << 9 | IR | IW | 1)
    m.w8(TABLES + 0x1000 + 8 * 5, 0x345000 | IR | 1)
    m.dte(bdf, V | TV | 4 << 9 | TABLES | IR | IW, 7, dte_int, 0)
    m.w8(0x345000, 0x1122334455667788)
    m.dma(0x5000, to_memory=False)
    expect(m.event(), None, where + "DMA read allowed")
    m.dma(0x5000, to_memory=True)
    expect(m.event(), (0x2070000700000000 | bdf, 0x5000), where + "DMA write refused")
    m.w8(TABLES + 0x1000 + 8 * 6, 0x346000 | IW | 1)
    m.dma(0x6000, to_memory=True)
    expect(m.r8(0x346000), 0x1122334455667788, where + "DMA write")
    m.dma(0x7000, to_memory=True)
    expect(m.event(), (0x2020000700000000 | bdf, 0x7000), where + "DMA to nowhere")
    errors, records = m.end()
    expect(errors, [], where + "strict")
    expect(only(records, "gappi"), [("gappi", 0x99, 3, VAPIC, 0)], where + "GAPPI")
    expect(only(records, "doorbell"), [("doorbell", 1, 3, 0, 0)], where + "doorbell")
    expect(only(records, "remap"), [("remap", 0x31, 0, 0, bdf)], where + "remapped")
    expect(len(only(records, "post")), 4, where + "posts")
    expect([r[1] for r in records if r[0] != "mmio"][:1], [0xFF], where + "in no CPU's context")


def test_device_on_bus_0(qemu):
    device_tests(Machine(qemu, "", ["edu,addr=4"]), 4 << 3, "bus 0: ")


def test_device_behind_a_root_port(qemu):
    m = Machine(qemu, "", ["pcie-root-port,id=rp,addr=5,chassis=1", "edu,bus=rp,addr=0"])
    bridge(m, 5 << 3, 0x17)
    device_tests(m, 0x1700, "bus 17h: ")


def test_ioapic(qemu):
    case("I/O Virtualization Reporting Structure", "the IOAPIC's messages are those of 00:14.0")
    m = Machine(qemu)
    m.start()
    m.dte(0xA0, V, 7, IV | 8 << 1 | 2 << 60 | IRT, 0)
    m.w8(IRT + 16 * 0x21, 0x0000000000000001, 0x77)
    for index, value in ((0x10 + 2 * 8, 0x21), (0x11 + 2 * 8, 0)):
        m.w4(0xFEC00000, index)
        m.w4(0xFEC00010, value)
    # The RTC's periodic interrupt is pin 8.
    m.ask("outb", 0x70, 0x0A)
    m.ask("outb", 0x71, 0x26)
    m.ask("outb", 0x70, 0x0B)
    m.ask("outb", 0x71, 0x42)
    m.ask("clock_step", "20000000")
    errors, records = m.end()
    expect(errors, [], "IOAPIC: strict")
    expect(only(records, "remap")[:1], [("remap", 0x77, 0, 0, 0xA0)], "IOAPIC: remapped")


def test_hpet(qemu):
    case("I/O Virtualization Reporting Structure", "an HPET's messages are those of 00:14.0")
    m = Machine(qemu)
    m.start()
    m.dte(0xA0, V, 7, IV | 8 << 1 | 2 << 60 | IRT, 0)
    m.w8(IRT + 16 * 0x22, 0x0000000000000001, 0x78)
    # Comparator 0: a message, enabled; a millisecond at 100 MHz; the counter runs.
    for offset, value in ((0x110, 0x22), (0x114, 0xFEE00000), (0x100, 0x4004), (0x108, 100000),
                          (0x10, 1)):
        m.w4(0xFED00000 + offset, value)
    m.ask("clock_step", "20000000")
    m.w4(0xFED00110, 0x23)  # an entry that isn't there
    m.w4(0xFED00108, 10000000)
    m.ask("clock_step", "200000000")
    expect(m.event(), (0x20280007000000A0, 0xFEE00000), "HPET: refused")
    errors, records = m.end()
    expect(errors, [], "HPET: strict")
    expect(only(records, "remap"), [("remap", 0x78, 0, 0, 0xA0)], "HPET: remapped")


def test_smi_filter(qemu):
    case("SMI Filter Register", "a device's SMI is held back; firmware may have locked a register")
    m = Machine(qemu, f",x-smi-filter={0x300A0}", ["edu,addr=4"])
    expect(m.reg(0x60), 0x300A0, "SMI filter: as firmware left it")
    expect(m.reg(0x68), 0, "SMI filter: the second register")
    bdf = 4 << 3
    m.edu(bdf, data=0x200)
    m.start(RUN | 1 << 22 | 1 << 24)
    m.dte(bdf, V, 7, IV | 8 << 1 | 2 << 60 | IRT, 0)
    m.raise_msi()
    expect(m.event(), (0x8020000000000000 | bdf, 0xFEE00000), "SMI filter: held back")
    m.reg(0x68, 0x10000 | bdf)
    m.raise_msi()
    expect(m.event(), None, "SMI filter: let through")
    expect(m.end()[0], [], "SMI filter: strict")


def test_injected_faults(qemu):
    m = Machine(qemu, ",x-completion-lost=2,x-galog-limit=1,x-command-delay-ns=1000", ["edu,addr=4"])
    m.edu(4 << 3)
    m.start(RUN | 1 << 28)
    m.w8(IRT + 16 * 5, 0x0000009900000385, VAPIC | 0x41)
    m.dte(4 << 3, V, 7, IV | 8 << 1 | 2 << 60 | IRT, 0)
    m.command(1 << 60 | STORE | 1, 1)
    expect(m.r8(STORE), 0, "completion not at once")
    m.ask("clock_step", "2000")
    expect(m.r8(STORE), 1, "first completion, later")
    m.raise_msi()
    m.raise_msi()
    expect(m.reg(0x2020) & 0x300, 0x200, "GA log overflow")
    m.command(1 << 60 | STORE | 1, 2)
    m.ask("clock_step", "2000")
    expect(m.r8(STORE), 1, "second completion lost")
    expect(m.end()[0], [], "injected faults: strict")


REGISTERS = (  # offset, reset value, writable bits
    (0x0000, 0, 0x000FFFFFFFFFF1FF), (0x0008, 0, 0x0F0FFFFFFFFFF000),
    (0x0010, 0, 0x0F0FFFFFFFFFF000), (0x0020, 0, 0x000FFFFFFFFFF003),
    (0x0028, 0, 0x000FFFFFFFFFF000), (0x0030, 0x000040C0002508E5, 0),
    (0x00E0, 0, 0x0F0FFFFFFFFFF000), (0x00E8, 0, 0x000FFFFFFFFFFFF8),
    (0x0100, 0, 0x000FFFFFFFFFF0FF), (0x0170, 0, 0xFF0001FFFFFFFF04),
    (0x0180, 0, 0xFF0001FFFFFFFF04), (0x01A0, 0x110, 0), (0x2000, 0, 0x7FFF0),
    (0x2008, 0, 0x7FFF0), (0x2010, 0, 0x7FFF0), (0x2018, 0, 0x7FFF0), (0x2020, 0, 0),
    (0x2040, 0, 0x7FFF8), (0x2048, 0, 0x7FFF8), (0x2030, 0, 0))


def test_registers(qemu):
    case("IOMMU MMIO Registers", "reset values and writable bits, in accesses of 64 and of 32 bits")
    m = Machine(qemu)
    for offset, reset, writable in REGISTERS:
        expect(m.reg(offset), reset, f"register {offset:#x}: reset")
        for half in (0, 4):
            mask = writable >> 8 * half & 0xFFFFFFFF
            m.w4(IOMMU + offset + half, mask)
            expect(m.ask("readl", IOMMU + offset + half),
                   mask if writable else reset >> 8 * half & 0xFFFFFFFF,
                   f"register {offset + half:#x}: 32 bits written")
        expect(m.reg(offset), writable or reset, f"register {offset:#x}: both halves")
        m.reg(offset, 0)
        expect(m.reg(offset), 0 if writable else reset, f"register {offset:#x}: 0 written")
    m.end()


def test_command_rings(qemu):
    case("IOMMU MMIO Registers", "command buffer of 256 to 32768 entries: wraps, in guest memory")
    case("ILLEGAL_COMMAND_ERROR Event", "an illegal command stops fetching; pointers 0 restart it")
    ring = 0x1000000
    for code in range(8, 16):
        m, size = Machine(qemu), 4096 << code - 8
        m.start(0)
        m.reg(0x0008, ring | code << 56)
        m.reg(0x2000, size - 16)
        m.reg(0x2008, size - 16)
        m.reg(0x0018, RUN)
        m.w8(ring + size - 16, 1 << 60 | STORE | 1, 0x11)
        m.w8(ring, 1 << 60 | STORE + 8 | 1, 0x22)
        m.reg(0x2008, 16)
        expect((m.reg(0x2000), m.r8(STORE), m.r8(STORE + 8)), (16, 0x11, 0x22), f"ring, code {code}")
        m.w8(ring + 16, 15 << 60, 0)
        m.reg(0x2008, 32)
        expect(m.event(), (5 << 60, ring + 16), f"ring, code {code}: illegal command")
        expect(m.reg(0x2020) & 0x10, 0, f"ring, code {code}: stopped")
        m.reg(0x0018, RUN & ~(1 << 12))
        m.reg(0x2000, 0)
        m.reg(0x2008, 0)
        m.reg(0x0018, RUN)
        m.w8(ring, 1 << 60 | STORE | 1, 0x33)
        m.reg(0x2008, 16)
        expect(m.r8(STORE), 0x33, f"ring, code {code}: restarted")
        errors, _ = m.end()
        expect(len([e for e in errors if "illegal command" in e]), 1, f"ring, code {code}: strict")


def test_stale_caches(qemu):
    case("INVALIDATE_DEVTAB_ENTRY", "a device's DTE is the old one until the command")
    case("INVALIDATE_INTERRUPT_TABLE", "a device's interrupt is remapped as before until the command")
    case("INVALIDATE_IOMMU_PAGES", "DMA goes to the old page until the command")
    m, bdf = Machine(qemu, "", ["edu,addr=4"]), 4 << 3
    m.edu(bdf)
    m.start()
    m.w8(TABLES, TABLES + 0x1000 | 1 << 9 | IR | IW | 1)
    m.w8(TABLES + 0x1000 + 8 * 5, 0x345000 | IR | IW | 1)
    m.w8(IRT + 16 * 5, 1, 0x31)
    q = [V | TV | 4 << 9 | TABLES | IR | IW, 7, IV | 8 << 1 | 2 << 60 | IRT, 0]
    m.dte(bdf, *q)
    m.dma(0x5000, to_memory=True)
    m.raise_msi()
    m.w8(TABLES + 0x1000 + 8 * 5, 0x346000 | IR | IW | 1)
    m.w8(IRT + 16 * 5, 1, 0x41)
    m.w8(0x345000, 0x1111)
    m.w8(0x346000, 0x2222)
    m.w8(TABLES + 0x1000 + 8 * 6, 0x347000 | IR | IW | 1)
    m.dma(0x5000, to_memory=False)
    m.dma(0x6000, to_memory=True)
    expect(m.r8(0x347000), 0x1111, "caches: the old page")
    m.raise_msi()
    m.command(3 << 60 | 7 << 32, 0x5000)
    m.dma(0x5000, to_memory=False)
    m.dma(0x6000, to_memory=True)
    expect(m.r8(0x347000), 0x2222, "caches: the new page")
    m.command(5 << 60 | bdf)
    m.raise_msi()
    m.w8(DEVTAB + 32 * bdf, V)
    m.dma(0x5000, to_memory=False)
    expect(m.event(), None, "caches: the old DTE")
    m.command(2 << 60 | bdf)
    m.dma(0x5000, to_memory=False)
    expect(m.event(), (2 << 60 | 7 << 32 | bdf, 0x5000), "caches: the new DTE")
    errors, records = m.end()
    expect(errors, [], "caches: strict")
    expect([r[1] for r in only(records, "remap")], [0x31, 0x31, 0x41], "caches: vectors")


def test_features_off(qemu):
    case("IOMMU MMIO Registers", "features that are switched off are absent from 030h and 1A0h")
    case("IOMMU PCI Resources", "capability block, locked base and MSI mirror in QEMU's PCI function")
    m = Machine(qemu, ",gappisup=off,xtsup=off,smifsup=off")
    expect(m.reg(0x30), 0x000040C0002008C1, "features off: EFR")
    expect(m.reg(0x1A0), 0x100, "features off: EFR2")
    m.end()
    m = Machine(qemu)
    expect(m.reg(0x30), 0x000040C0002508E5, "EFR")
    bdf = next(d << 3 for d in range(32) if m.config(d << 3, 8) >> 8 == 0x080600)
    expect(m.config(bdf, 0x34) & 0xFF, 0x40, "capability list")
    expect(m.config(bdf, 0x40), 0x180B600F, "capability block")
    expect(m.config(bdf, 0x44), 0xFED80001, "base, locked")
    m.config(bdf, 0x64, 0xFEE01000)
    expect(m.reg(0x158) >> 32, 0xFEE01000, "MSI mirror")
    errors, _ = m.end()
    expect(errors, [], "capability: strict")


if __name__ == "__main__":
    main(globals(), __doc__)
