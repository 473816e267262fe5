# SPDX-License-Identifier: MIT
"""How a plant is written down: plant_list.py says what it is."""
import dataclasses

VCPU, WAKE, SCHED, ROUTE = "vmm/vcpu.c", "vmm/wake.c", "vmm/sched.c", "vmm/route.c"
RUN, VAPIC, EXITS, AVIC = "avic/run.c", "avic/vapic.c", "avic/exits.c", "avic/avic.c"
PLACE = "vmm/place.c"
GALOG, GAPPI, IRTE = "iommu/galog.c", "iommu/gappi.c", "iommu/irte.c"


@dataclasses.dataclass
class Edit:
    file: str
    old: str
    new: str
    start: str = ""

    def apply(self, text):
        """The text with new for old: once, from the place on where start stands."""
        at = text.find(self.start)
        if at < 0:
            raise ValueError(f'{self.file} has no "{self.start}" any more')
        found = text.count(self.old, at)
        if not found or (found > 1 and not self.start):
            raise ValueError(f'{self.file} has "{self.old.strip()}" {found} times, not once')
        at = text.index(self.old, at)
        return text[:at] + self.new + text[at + len(self.old):]


@dataclasses.dataclass
class Plant:
    name: str
    mutants: list
    what: str
    finders: list
    edits: list


def swap(file, old, new, start=""):
    """new for old; start: the first old after it, where there are several."""
    return Edit(file, old, new, start)


def drop(file, old, start=""):
    return Edit(file, old, "", start)


def plant(name, mutants, what, finders, *edits):
    """mutants: parted by commas; one may be two definitions together."""
    names = [m.strip() for m in mutants.split(",") if m]
    return Plant(name, names, what, finders.split(), list(edits))
