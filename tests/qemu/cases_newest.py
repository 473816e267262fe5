# SPDX-License-Identifier: MIT
"""The newest kernel that Debian has for its stable release of today."""

from cases_linux import NET, ON_NET, POSTED, Linux, linux

CASES = [
    Linux("linux-newest", linux("net,affinity,apic,x2apic,offline,warnings", apic="auto",
                                devices="8086:10c9#0"),
          ["GUEST up: Linux [7-9].*, 2 CPUs, clock kvm-clock", "GUEST has x2apic",
           "GUEST dmesg: .*x2apic enabled",
           "GUEST ping: 5 packets transmitted, 5 packets received",
           "GUEST ping: 300 packets transmitted, 300 packets received",
           "GUEST online again: 0-1", "GUEST warnings: 0", "vm l: power-off", POSTED],
          linux="newest", drivers=["igb"], timeout=400,
          extra=[*NET, "-device", ON_NET.format("igb")]),
]
