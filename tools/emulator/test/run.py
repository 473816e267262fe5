#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the test ROM and runs it on the emulator.

    run.py QEMU [BUILD-FOLDER]

The ROM prints what it expects ("EXPECT text" for a strict report that must follow), the
conformance cases that it comes by, and the result; strict reports that nobody expects, or that do not come, fail the test.
"""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CFLAGS = ("-std=gnu11 -O1 -Wall -Wextra -Werror -ffreestanding -fno-pic -fno-pie -fno-stack-protector"
          " -fcf-protection=none -mno-red-zone -mno-mmx -mno-sse -fno-asynchronous-unwind-tables").split()
RAM = 0x100000  # where rom.ld puts the code
# Started by a host; only by a guest; by nobody (a table).
COVERAGE = {"rom_main": True, "test_exits": True, "ap_main": True, "g_cpuid": False, "g_hlt": False, "gdt": False}


def build(out):
    objects = [os.path.join(out, "start.o")]
    subprocess.run(["nasm", "-felf64", "-o", objects[0], f"{HERE}/rom.asm"], check=True)
    for name in sorted(os.listdir(HERE)):
        if name.endswith(".c"):
            objects.append(os.path.join(out, name[:-2] + ".o"))
            subprocess.run(["gcc", *CFLAGS, "-c", "-o", objects[-1], f"{HERE}/{name}"], check=True)
    elf, rom = os.path.join(out, "rom.elf"), os.path.join(out, "rom.bin")
    subprocess.run(["ld", "-nostdlib", "-no-pie", "-z", "noexecstack", "--no-warn-rwx-segments",
                    "-T", f"{HERE}/rom.ld", "-o", elf, *objects], check=True)
    subprocess.run(["objcopy", "-O", "binary", "-j", ".boot", "-j", ".text", "-j", ".reset", elf, rom], check=True)
    size = os.path.getsize(rom)
    if size != 128 * 1024:
        sys.exit(f"the ROM has {size} bytes")
    return rom


def run(qemu, rom, out):
    # accel, CPU: everything that the emulator offers; time by instruction count.
    command = [qemu, "-M", "q35", "-m", "256", "-accel", "tcg", "-icount", "shift=0,sleep=off",
               "-cpu", "max,+svm", "-smp", "2", "-bios", rom, "-nic", "none", "-vga", "none", "-display", "none",
               "-serial", "none", "-monitor", "none", "-debugcon", "stdio", "-no-reboot",
               "-device", "isa-debug-exit,iobase=0xf4,iosize=1",
               "-device", f"reveille-stopwatch,file={out}/stopwatch.bin",
               "-device", f"reveille-coverage,file={out}/coverage.bin,base={RAM:#x},bytes=0x10000"]
    try:
        p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        return p.stdout.decode(errors="replace").splitlines()
    except subprocess.TimeoutExpired as e:
        return (e.stdout or b"").decode(errors="replace").splitlines() + ["TIMEOUT"]


def judge(lines):
    expected, bad, result = [], [], "no result"
    for line in lines:
        if line.startswith("EXPECT "):
            expected.append(line[7:])
        elif line.startswith("RESULT "):
            result = line[7:]
        elif line.startswith("emulator-strict: "):
            if line.endswith(" errors"):
                continue
            if expected and expected[0] in line:
                expected.pop(0)
            else:
                bad.append("not expected: " + line)
        elif line.startswith("case\t"):
            print(line)
        elif line:
            bad.append(line)
    bad += [f"expected, but not reported: {text}" for text in expected]
    for line in bad:
        print(line)
    print("emulator CPU test:", result if not bad else "failed")
    return result == "passed" and not bad


def coverage_right(out):
    """Whether the coverage map has what the host executed and nothing that only guests did."""
    names = subprocess.run(["nm", f"{out}/rom.elf"], stdout=subprocess.PIPE, text=True, check=True)
    address = {line.split()[2]: int(line.split()[0], 16) for line in names.stdout.splitlines()}
    with open(f"{out}/coverage.bin", "rb") as file:
        bits = file.read()[24:]
    bad = []
    for name, expected in COVERAGE.items():
        at = address[name] - RAM
        if bool(bits[at // 8] >> at % 8 & 1) != expected:
            bad.append(f"{name}: expected {'' if expected else 'not '}to be executed by the host")
    print("\n".join(bad + ["emulator coverage test: " + ("failed" if bad else "passed")]))
    return not bad


def main(args):
    if not 1 <= len(args) <= 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as scratch:
        out = args[1] if len(args) == 2 else scratch
        os.makedirs(out, exist_ok=True)
        passed = judge(run(args[0], build(out), out))
        sys.exit(0 if coverage_right(out) and passed else 1)


main(sys.argv[1:])
