#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""tools/reveille-cfg: what it says of files, and its exit status."""

import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOL = os.path.join(ROOT, "tools/reveille-cfg")
GOOD = "[vm g]\nguest = builtin\ncpus = 0\n"
LINUX = "[vm l]\nkernel = d/k\ninitrd = i\ncpus = 0\n[vm m]\nkernel = d/k\ncpus = 1\n"

# (name, configuration, files beside it, arguments before it, exit status, what must be said)
TESTS = (
    ("good", GOOD, (), ["check"], 0, "x.cfg: fine: 1 VMs, 0 files"),
    ("a mistake has its line", GOOD + "halt = never\n", (), ["check"], 1,
     "x.cfg:4: bad value 'never' for 'halt'; expected auto"),
    ("too much memory without a bus", GOOD + "memory = 3G\n", (), ["check"], 1,
     "x.cfg:4: memory beyond 2G needs a PCI bus"),
    ("much memory with a bus", GOOD + "pci = virtual\nmemory = 3G\n", (), ["check"], 0, "fine"),
    ("no VM", "[reveille]\n", (), ["check"], 0, "the machine is surveyed"),
    ("files are there", LINUX, ("d/k", "i"), ["check"], 0, "x.cfg: fine: 2 VMs, 2 files"),
    ("a file is missing", LINUX, ("d/k",), ["check"], 1, "x.cfg:3: 'i' is missing"),
    ("a folder is no file", LINUX, ("d/k", "i/x"), ["check"], 1, "x.cfg:3: 'i' is missing"),
    ("names", LINUX, (), ["files"], 0, "d/k\ni\n"),
    ("no names of a bad file", "[car]\n", (), ["files"], 1, ""),
    ("usage", GOOD, (), ["chekc"], 2, ""),
    ("usage, too few", GOOD, (), [], 2, ""),
)


def run(config, files, arguments):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.cfg")
        for name, text in ((path, config), *((os.path.join(folder, f), "x") for f in files)):
            os.makedirs(os.path.dirname(name), exist_ok=True)
            with open(name, "w", encoding="utf-8") as file:
                file.write(text)
        done = subprocess.run([TOOL, *arguments, path], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        missing = subprocess.run([TOOL, "check", path + "x"], stderr=subprocess.PIPE, check=False)
    assert missing.returncode == 2
    return done


def main():
    failed = 0
    for name, config, files, arguments, status, said in TESTS:
        done = run(config, files, arguments)
        good = done.returncode == status and said in done.stdout and \
            (said or not done.stdout)
        if not good:
            failed += 1
            print(f"{name}: status {done.returncode}, said {done.stdout!r}")
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
