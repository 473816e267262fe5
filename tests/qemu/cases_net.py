# SPDX-License-Identifier: MIT
"""Integration tests with Debian's igbvf: virtual functions of one igb in two VMs, and the host's
service for their drivers."""

from case import IGB as IGB_NAME, Case, vm
from cases_linux import NET, ON_NET, Linux, linux

IGB = ["-device", ON_NET.format("igb")]


def vf(name, cpu, n, address, peer):
    return linux("net,linger,warnings", cpu, name, f"address=10.0.2.{address} peer=10.0.2.{peer}",
                 devices=f"8086:10ca#{n}")


def two(service):
    """a asks the gateway, b asks a: from one virtual function to another."""
    return (f"[reveille]\nvfs = 2*8086:10c9#0\nvf-service = {service}\n"
            + vf("a", "0", 0, 21, 2) + vf("b", "1", 1, 22, 21))


PINGS = [f"{n}: GUEST ping: 5 packets transmitted, 5 packets received" for n in "ab"]
OFF = [f"vm {n}: power-off" for n in "ab"]
POSTED = [f"REPORT message vm={n} device=00:14.{f} n=0 posted=1 .* host_interrupts=0\\b"
          for n, f in (("a", 0), ("b", 2))]

MOVED = [r"g vCPU 0: running on CPU 0", r"g vCPU 0: (running|runnable|blocked) on CPU 1", "TEST echo: ok"]
# The guest's answer shows that it ran meanwhile: lines that come together are all obeyed before.
MOVE = [("echo: ready", b"vcpus\rmove g 0 1\r\x1d1hi\r"), ("echo: 'hi'", b"\x1dhvcpus\r"),
        ("g vCPU 0: .* on CPU 1", b"\x1d1quit\r")]

CASES = [
    Case("monitor-move", vm("echo", "0", devices=IGB_NAME), MOVED, typed=MOVE),
    Case("monitor-move-nowhere", vm("echo", "0", devices=IGB_NAME), ["there are 2 CPUs", "TEST echo: ok"],
         ["on CPU 1,"], typed=[("echo: ready", b"move g 0 2\r"), ("there are", b"vcpus\r"),
                              ("g vCPU 0: .*", b"\x1d1quit\r")]),
    Linux("linux-igbvf", two("yes"), ["device 00:04.0: 2 virtual functions", *PINGS, *POSTED, *OFF,
                                      "a: GUEST warnings: 0", "b: GUEST warnings: 0"],
          drivers=["igbvf"], timeout=400, extra=NET + IGB),
    Linux("linux-igbvf-no-service", two("no"), OFF, ["[1-9] packets received"],
          drivers=["igbvf"], timeout=400, extra=NET + IGB),
]
