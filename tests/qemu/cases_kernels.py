# SPDX-License-Identifier: MIT
"""Kernels that are not Linux: multiboot and flat images (tests/guest/kernels/)."""

import os

import run
from case import Case

KERNELS = os.path.join(run.ROOT, "build/tests/guest/kernels")


class Kernel(Case):
    """A VM with the file of tests/guest/kernels as its kernel."""

    def __init__(self, name, kernel, expect=(), forbid=(), memory="32M", cmdline="one two",
                 initrd=True, refused=None, machine=None, **keys):
        keys = {"kernel": "test/" + kernel, "memory": memory, "cpus": "0", "cmdline": cmdline,
                **({"initrd": "module.txt"} if initrd else {}), **keys}
        config = "[vm k]\n" + "".join(f"{k.replace('_', '-')} = {v}\n" for k, v in keys.items())
        ends = {"outcome": "stops", "status": None} if refused else {}
        if refused:
            expect = [f"vm k: not started: test/{kernel}: {refused}"]
            forbid = ["MB ", "FLAT "]
        super().__init__(name, config, expect, forbid, smp=1, edu=0, igb=0,
                         files={"test/" + kernel: os.path.join(KERNELS, kernel),
                                "module.txt": os.path.join(run.ROOT, "LICENSE")}, **ends,
                         **(machine or {}))


def told(memory=32 << 20):
    """All that the kernel must have found."""
    return ["MB eax 2badb002 flags 24d unpaged clean", "MB lower 280 upper "
            f"{(memory - (1 << 20)) >> 10:x}\n", "MB loader Reveille\n", "MB cmdline 'one two'\n",
            "MB map 0 bytes a0000 type 1\n", "MB map e0000 bytes 20000 type 2\n",
            f"MB map 100000 bytes {memory - (1 << 20):x} type 1\n",
            "MB map e0000000 bytes 100000 type 2\n", "MB modules 1\n",
            f"MB module module.txt bytes {os.path.getsize(os.path.join(run.ROOT, 'LICENSE')):x}: "
            "MIT License\n", "MB ends\n", "vm k: power-off"]


CASES = [
    Kernel("multiboot-elf32", "elf32", told()),
    Kernel("multiboot-elf64", "elf64", told()),
    Kernel("multiboot-addresses", "addresses", told(), kernel_type="multiboot"),
    Kernel("multiboot-plain", "elf32", ["MB cmdline ''\n", "MB modules 0\n", "MB ends\n",
                                        "MB map 100000 bytes 300000 type 1\n", "vm k: power-off"],
           ["MB module "], memory="4M", cmdline="", initrd=False),
    Kernel("multiboot-checksum", "checksum", refused="kernel: the checksum of its multiboot header"),
    Kernel("multiboot-video", "video", refused="kernel: .* video mode"),
    Kernel("multiboot-cut", "cut", refused="kernel: the file is cut off"),
    Kernel("multiboot-as-linux", "elf32", kernel_type="linux",
           refused="kernel: not a Linux bzImage"),
    Kernel("flat-protected", "flat", ["FLAT protected mode, cmdline one two\n", "vm k: power-off"],
           kernel_type="flat", load_at="2M", entry="0x200010"),
    Kernel("flat-real", "flat-real", ["FLAT real mode, cmdline one two\n", "vm k: power-off"],
           kernel_type="flat-real"),
    Kernel("flat-unsaid", "flat", refused="kernel: neither a Linux bzImage nor a multiboot"),
    Kernel("flat-entry", "flat", kernel_type="flat", entry="0x200010",
           refused="entry: not inside the image"),
    Kernel("flat-high", "flat", kernel_type="flat", load_at="32M",
           refused="kernel: a segment lies outside the VM's RAM"),
]
