# SPDX-License-Identifier: MIT
"""A VM that ends and starts anew, beside one that goes on."""

from cases_linux import Linux, linux

CASES = [
    Linux("linux-restart", linux("reboot", "0", name="a", restart="on-reset")
          + linux(",".join(35 * ["sleep"]), "1", name="b"),
          ["(?s)a: GUEST up.*vm a: reset by the guest.*vm a: starts anew.*a: GUEST up",
           "b: GUEST ends"], outcome="matched", status=None, until="vm b: power-off",
          timeout=400),
    Linux("linux-restart-never", linux("reboot", "0"), ["vm l: reset by the guest"],
          ["starts anew"]),
]
