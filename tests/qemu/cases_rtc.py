# SPDX-License-Identifier: MIT
"""The CMOS clock of a guest: the machine's date."""

from cases_linux import Linux, linux


def rtc(name, date, expect, forbid=()):
    return Linux(f"linux-rtc-{name}", linux("rtc,warnings"),
                 [*expect, "GUEST rtc: 1 like the kernel's", "GUEST warnings: 0",
                  "vm l: power-off"], forbid, extra=["-rtc", f"base={date}"])


LEAP, LATER = ["GUEST rtc: 2032-02-29"], ["GUEST rtc: 2041-12-31"]

CASES = [
    rtc("leap-day", "2032-02-29T12:00:00", LEAP, LATER),
    rtc("another-day", "2041-12-31T12:00:00", LATER, LEAP),
]
