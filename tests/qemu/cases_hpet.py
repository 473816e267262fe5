# SPDX-License-Identifier: MIT
"""timer = hpet: the guest's timer interrupts are a device's, posted like any. Without a look at Linux's
warnings: it complains of a comparator that was reached while it was being set, which the emulator's
HPET of 100 MHz makes often (docs/guests.md)."""

from cases_linux import Linux, linux
from cases_restart import stop

WORDS = "clock-events,offline,clock-events"
BY_HPET = r"GUEST clock events: hpet1 hpet2 , hpet: [1-9][0-9]+ on CPUs: [1-9]"
BY_APIC = "GUEST clock events: lapic-deadline lapic-deadline"
MESSAGE = "REPORT message vm=l device=00:14.0 n=25[0-9] posted={} .* host_interrupts={}"

CASES = [
    # A CPU that goes and comes back moves its comparator's message while the page is the guest's.
    Linux("linux-hpet", linux(WORDS, timer="hpet"),
          ["vm l: HPET: 4 comparators", BY_HPET, "its HPET is its own", "GUEST online again: 0-1",
           BY_HPET, "vm l: power-off", MESSAGE.format(1, r"0\b")],
          [BY_APIC]),
    Linux("linux-hpet-emulated", linux(WORDS, timer="hpet", delivery="emulated"),
          [BY_HPET, "its HPET is its own", "GUEST online again: 0-1", BY_HPET,
           "vm l: power-off", MESSAGE.format(0, "[1-9][0-9]")]),
    Linux("linux-hpet-galog-xapic", linux(WORDS, timer="hpet", halt="galog", apic="xapic"),
          [BY_HPET, "GUEST online again: 0-1", BY_HPET, "vm l: power-off",
           MESSAGE.format(1, r"0\b")]),
    Linux("linux-hpet-no-messages", linux(WORDS, timer="hpet"),
          ["vm l: timer hpet falls back to apic: its comparators can't send messages", BY_APIC,
           "GUEST online again: 0-1", "vm l: power-off"],
          [BY_HPET], without=["hpet-messages"]),
    Linux("linux-hpet-restart", linux("clock-events,reboot", timer="hpet",
                                      restart="on-reset"),
          ["(?s)" + ".*vm l: starts anew.*".join(2 * [BY_HPET])],
          **stop("starts anew.*GUEST clock events", "l")),
]
