#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Lines of the hypervisor that runs in the emulator executed, as a tracefile for lcov.

    qemu_coverage.py FOLDER --lines LCOV_FILE --out LCOV_FILE

FOLDER holds what "-device reveille-coverage" wrote (tools/run.py with REVEILLE_COVERAGE=FOLDER).
The names start with the hash of the reveille.efi that ran: files of other builds are removed.
Which lines exist at all is taken from --lines, gcov's own list, because the line table of
optimised code knows closing braces and declarations as well. A line was executed when one of its
statements was, in whichever place the compiler put a copy of it."""

import argparse
import glob
import hashlib
import os
import re
import struct
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BASE = 0xFFFFFFFF80000000  # where vmm/vmm.ld puts the hypervisor
RANGE = f"base={BASE:#x},bytes=0x100000"
MAGIC = 0x315245564F435652
HEADER = struct.Struct("<QQQ")
# A heading of readelf's line table: "CU: vmm/main.c:" or "./vmm/cpu.h:"; after link-time
# optimisation "CU: <artificial>:", and what follows may be of any file.
FILE = re.compile(r"^(?:CU: )?(\S+):(?:\[\+\+\])?$")
# main.c   25  0xffffffff80000030   1   x
ROW = re.compile(r"^(\S+)\s+(\d+)\s+0x([0-9a-f]+)(?:\[\d+\])?(?:\s+\d+)?(\s+x)?\s*$")


def build_key(efi):
    with open(efi, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:12]


def new_file(folder, efi, config):
    """Where a run of this image with this configuration leaves its bitmap."""
    os.makedirs(folder, exist_ok=True)
    name = os.path.splitext(os.path.basename(config))[0]
    return os.path.join(folder, f"{build_key(efi)}-{name}.bitmap")


def statements(elf):
    """(file below ROOT, line): addresses where it starts. What is not marked as the start of a
    statement may be moved elsewhere, so it counts only for lines that have nothing else."""
    starts, rest = {}, {}
    table = subprocess.run(["readelf", "--wide", "--debug-dump=decodedline", elf],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    file = ""
    for text in table.stdout.splitlines():
        heading = FILE.match(text)
        row = ROW.match(text)
        if heading:
            file = os.path.normpath(heading.group(1))
        elif row and os.path.basename(file) == row.group(1):
            places = starts if row.group(4) else rest
            places.setdefault((file, int(row.group(2))), set()).add(int(row.group(3), 16))
    return {**rest, **starts}


def executed_in(paths):
    """Addresses that were executed in any of the runs."""
    total = 0
    for path in paths:
        with open(path, "rb") as file:
            data = file.read()
        if len(data) < HEADER.size:
            continue  # a run that was killed
        magic, base, size = HEADER.unpack_from(data)
        bits = data[HEADER.size:]
        if (magic, base, len(bits)) != (MAGIC, BASE, size // 8):
            sys.exit(f"{path}: not a bitmap of Reveille's addresses")
        total |= int.from_bytes(bits, "little")
    return {BASE + i for i, bit in enumerate(reversed(bin(total)[2:])) if bit == "1"}


def gcov_lines(path):
    """{file below ROOT: line numbers} of a tracefile: all, and those that functions start at."""
    lines, functions, file = {}, {}, None
    with open(path, encoding="utf-8") as tracefile:
        for text in tracefile:
            kind, _, rest = text.partition(":")
            if kind == "SF":
                file = os.path.relpath(rest.strip(), ROOT)
            elif kind in ("DA", "FN"):
                table = lines if kind == "DA" else functions
                table.setdefault(file, set()).add(int(rest.split(",")[0]))
    return lines, functions


def mark_heads(hit, starts, exists):
    """An inlined function has no code for its first line: that runs when anything of it does."""
    starts = sorted(starts)
    for start, end in zip(starts, starts[1:] + [sys.maxsize]):
        if start in exists and any(hit[line] for line in hit if start <= line < end):
            hit[start] = True


def same_build(elf, efi):
    """Whether the image carries this very code."""
    text = elf + ".text"
    subprocess.run(["objcopy", "-O", "binary", "--only-section=.text", elf, text], check=True)
    with open(text, "rb") as code, open(efi, "rb") as image:
        same = code.read() in image.read()
    os.unlink(text)
    return same


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--lines", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    options = parser.parse_args()
    elf = os.path.join(options.build, "vmm.elf")
    efi = os.path.join(options.build, "reveille.efi")
    if not same_build(elf, efi):
        sys.exit(f"{elf} and {efi} are not of the same build")
    key, runs = build_key(efi), []
    for path in glob.glob(os.path.join(glob.escape(options.folder), "*.bitmap")):
        if os.path.basename(path).startswith(key):
            runs.append(path)
        else:
            os.unlink(path)
    executed, hit = executed_in(runs), {}
    exists, functions = gcov_lines(options.lines)
    for (file, line), places in statements(elf).items():
        if line in exists.get(file, ()):
            hit.setdefault(file, {})[line] = not executed.isdisjoint(places)
    for file, known in hit.items():
        mark_heads(known, functions.get(file, ()), exists[file])
    with open(options.out, "w", encoding="utf-8") as out:
        for file in sorted(hit):
            out.write(f"TN:\nSF:{os.path.join(ROOT, file)}\n")
            for line in sorted(hit[file]):
                out.write(f"DA:{line},{int(hit[file][line])}\n")
            out.write("end_of_record\n")
    lines = sum(len(known) for known in hit.values())
    covered = sum(sum(known.values()) for known in hit.values())
    print(f"coverage in the emulator: {len(runs)} runs, {covered} of {lines} lines")


if __name__ == "__main__":
    main()
