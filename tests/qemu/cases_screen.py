# SPDX-License-Identifier: MIT
"""What is on the screen, read back from a picture of it."""

from case import Case, vm
from screen import shows

# OVMF has a driver for it, so that there is a framebuffer.
SCREEN = {"edu": 0, "igb": 0, "extra": ["-device", "VGA,romfile="]}
BANNER = r"^Reveille: a hypervisor for AMD SVM, AVIC and the AMD IOMMU\nmemory: [0-9]+ MiB free; "
WHOLE = "^[^\ufffd]*$"  # each cell is blank or a character of the font

CASES = [
    # The host's log; it goes on at the top after the last line, and leaves nothing of the old ones;
    # a VM's console, chosen by the escape key.
    Case("screen", vm("echo", "0"), ["TEST echo: ok"], typed=[
        ("g: echo: ready", shows([BANNER, r"\nsvm: [0-9]+ ASIDs", r"\ng: echo: ready\n", WHOLE])),
        ("", 4 * b"help\r" + b"wakes\r"),
        ("mechanism name=audit", shows([r"\nhelp: this list", "\nmechanism name=audit", WHOLE],
                                       [BANNER])),
        ("", b"\x1d1hello\r"),
        ("echo: 'hello'", shows([r"\n\[g: .*\]\necho: ready\necho: 'hello'\n", WHOLE],
                                [r"g: echo: 'hello'"])),
        ("", b"quit\r")], **SCREEN),
    Case("screen-only", "[reveille]\nconsole = screen\n" + vm("hello", "0"), [],
         ["memory: ", "TEST hello"], outcome="matched", status=None, until="Reveille: a hypervisor",
         typed=[("Reveille: a hypervisor", shows([BANNER, "\ng: TEST hello: ok\n", WHOLE]))],
         **SCREEN),
    # Only what comes before the configuration is read.
    Case("screen-off", "[reveille]\nconsole = com1\n" + vm("echo", "0"),
         ["memory: ", "TEST echo: ok"], typed=[
             ("g: echo: ready", shows(["^Reveille: a hypervisor .*\n+$"])),
             ("", b"\x1d1quit\r")], **SCREEN),
]
