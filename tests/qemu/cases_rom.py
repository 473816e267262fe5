# SPDX-License-Identifier: MIT
"""A device's expansion ROM, as its guest finds it."""

import os
import tempfile

from case import EDU, Case, vm

BYTES = 0x8000
# Firmware finds no image in it, and leaves it alone.
FILE = os.path.join(tempfile.gettempdir(), f"reveille-rom-{os.getuid()}")
with open(FILE, "wb") as file:
    file.write(b"\x55\xaa" + bytes(BYTES - 6) + b"\x78\x56\x34\x12")


def rom(name, expect, forbid=(), seen=BYTES, romfile=FILE, **keys):
    return Case(f"rom-{name}",
                vm(f"intx rom=1 bytes={seen}", "0", devices=EDU, pci="virtual", **keys),
                ["TEST rom: ok", *expect], forbid, smp=1, edu=0, igb=0,
                extra=["-device", f"edu,bus=pcie.0,addr=5.0,romfile={romfile}"])


FOUND = "rom: begins with aa55, ends with 12345678"

CASES = [
    rom("shown", [FOUND], rom="yes"),
    rom("not-wanted", ["rom: 0 bytes"], [FOUND], seen=0),
    rom("not-there", ["rom: 0 bytes"], [FOUND], seen=0, romfile="", rom="yes"),
]
