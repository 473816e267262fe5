# SPDX-License-Identifier: MIT
"""A guest that idles: what it is told about that."""

from cases_linux import Linux, linux

CASES = [
    Linux("linux-idle-state", linux("idle-state,warnings"),
          ["GUEST idle driver: acpi_idle, C1 on 2 CPUs", "GUEST warnings: 0", "vm l: power-off"]),
    Linux("linux-idle-state-unused", linux("idle-state", append="cpuidle.off=1"),
          ["GUEST idle driver: , C1 on 0 CPUs", "vm l: power-off"], ["acpi_idle"]),
]
