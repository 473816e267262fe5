# SPDX-License-Identifier: MIT
"""Local APICs whose mode the guest changes while it runs: xAPIC, x2APIC, off."""

from case import EMULATED, IGB, Case, vm
from cases_linux import Linux, linux


def modes(**keys):
    return vm("apic-modes", devices=IGB, **{"apic": "auto", **keys})


ROUND = (r"apic-modes: 300 IPIs and 300 igb interrupts sent, 300 and 300 seen, 0 twice\n",
         "TEST apic-modes: ok")
# A hypercall is one; a host's timer may come in between. Each IPI has an ICR write and an EOI.
CHEAP = tuple(f"apic-modes: 100 IPIs in {m} mode: [0-9]{{1,2}} exits" for m in ("xAPIC", "x2APIC"))
DEAR = tuple(f"apic-modes: 100 IPIs in {m} mode: [2-9][0-9]{{2}} exits" for m in ("xAPIC", "x2APIC"))
POSTED = "vm g: delivery posted, halt "

CASES = [
    Case("apic-modes-galog", modes(halt="galog"), [POSTED + "galog", *ROUND, *CHEAP]),
    Case("apic-modes-gappi", modes(halt="gappi"), [POSTED + "gappi", *ROUND, *CHEAP]),
    Case("apic-modes-native", modes(halt="native"), [POSTED + "native", *ROUND, *CHEAP]),
    Case("apic-modes-emulated", modes(delivery="emulated"),
         ["vm g: delivery emulated, as configured", *ROUND, *DEAR]),
    Case("apic-modes-no-avic", modes(), [EMULATED, *ROUND, *DEAR], without=["avic", "x2avic"]),
    # Debian's kernel begins in xAPIC mode, and changes to x2APIC mode by itself, each CPU for itself.
    Linux("linux-apic-auto", linux("apic,x2apic,ipis,offline,warnings", apic="auto"),
          ["GUEST has x2apic", "GUEST dmesg: .*x2apic enabled", "GUEST ipis: [1-9]",
           "GUEST online again: 0-1", "GUEST warnings: 0", "vm l: power-off"]),
    Linux("linux-apic-xapic", linux("apic,x2apic,ipis", apic="xapic"),
          ["GUEST ipis: [1-9]", "vm l: power-off"], ["GUEST has x2apic", "x2apic enabled"]),
    # Twins: no x2APIC mode to change to, by the configuration and since it would cost AVIC.
    Case("apic-modes-xapic", modes(apic="xapic"), ["a change of the target went wrong",
                                                   "TEST apic-modes: FAIL"], status=1),
    Case("apic-modes-no-x2avic", modes(), [POSTED, "a change of the target went wrong",
                                           "TEST apic-modes: FAIL"], status=1, without=["x2avic"]),
]
