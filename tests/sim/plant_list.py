# SPDX-License-Identifier: MIT
"""The faults that tests/sim/plants.py puts into the hypervisor's C code.

Plant: name, mutants (tests/model/mutants.py; "" where no model has it), what is wrong, finders, and
edits. A finder is "seeds", the random simulation ("seeds:switches" and "seeds:hands", with little
else than switches of the mechanism, or hand-overs of the log), or "wake:CASE", "change:CASE", a case of
wake_test.c or change_test.c. Where a vCPU always gets a next message the seeds may see nothing: what
such a plant spoils is mended by it.
"""
import collections

import mutants
from plants_block import BLOCK
from plants_change import CHANGE
from plants_tell import TELL

PLANTS = BLOCK + TELL + CHANGE

# Mutants that no run of C code on this machine can show, each with its reason.
WITHOUT_PLANT = {
    "M_STI_WINDOW": "STI;HLT is one pair of instructions (vmm/hw/cpu.h), which the seam replaces",
}


def without_plant():
    """Mutants that have neither, and what has both."""
    planted = collections.Counter(m for p in PLANTS for m in p.mutants)
    every = {tuple(names.split()) for names, _, _ in mutants.MUTANTS}
    for names in sorted(every):
        if " ".join(names) not in planted and names[0] not in WITHOUT_PLANT:
            yield f"{' '.join(names)}: neither a plant nor a reason why there is none"
    known = {" ".join(n) for n in every} | {names for names, _, _ in mutants.BELTS}
    for name in sorted(set(planted) | set(WITHOUT_PLANT)):
        if name not in known:
            yield f"{name}: in tests/sim/ but not in tests/model/mutants.py"
        if name in planted and name in WITHOUT_PLANT:
            yield f"{name}: has a plant, so it needs no reason"
