# SPDX-License-Identifier: MIT
"""Newer kernels: that of the release's backports (6.12 on Debian 12), and the newest that Debian has
for its stable release of today."""

from cases_linux import NET, ON_NET, POSTED, Linux, linux


def newer(which, version):
    return Linux(f"linux-{which}", linux("net,affinity,apic,x2apic,offline,warnings", apic="auto",
                                         devices="8086:10c9#0"),
                 [f"GUEST up: Linux ({version}).*, 2 CPUs, clock kvm-clock", "GUEST has x2apic",
                  "GUEST dmesg: .*x2apic enabled",
                  "GUEST ping: 5 packets transmitted, 5 packets received",
                  "GUEST ping: 300 packets transmitted, 300 packets received",
                  "GUEST online again: 0-1", "GUEST warnings: 0", "vm l: power-off", POSTED],
                 linux=which, drivers=["igb"], timeout=400,
                 extra=[*NET, "-device", ON_NET.format("igb")])


CASES = [newer("backports", "6.12|[7-9]"), newer("newest", "[7-9]")]
