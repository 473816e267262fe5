#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs test programs that end in "N passed, N failed", one on each CPU, and adds the numbers up.
What a program says is shown when something is wrong with it.

  tools/run_units.py PROGRAM...
"""
import concurrent.futures
import os
import re
import subprocess
import sys

SECONDS = 600


def run(program):
    """(passed, failed, what it said)"""
    try:
        done = subprocess.run([program], timeout=SECONDS, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as stopped:
        said, status = (stopped.stdout or b"") + b"no end within %d s\n" % SECONDS, 1
    except OSError as error:
        said, status = f"{error}\n".encode(), 1
    text = said.decode(errors="replace")
    found = re.search(r"^(\d+) passed, (\d+) failed\s*\Z", text, re.M)
    passed, failed = (int(found[1]), int(found[2])) if found else (0, 1)
    return passed, failed or int(status != 0), text


def main():
    total = [0, 0]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for program, (passed, failed, text) in zip(sys.argv[1:], pool.map(run, sys.argv[1:])):
            print(f"  {program.removeprefix('build/'):<44} {passed} passed, {failed} failed")
            if failed:
                print(text, end="")
            sys.stdout.flush()
            total = [total[0] + passed, total[1] + failed]
    print(f"{total[0]} passed, {total[1]} failed")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
