# SPDX-License-Identifier: MIT
"""What a test in the emulator is, and configs that several files of them use."""

IGB = "8086:10c9#0"
EDU = "1234:11e8#0"


def vm(args, cpus="0, 1", name="g", **keys):
    """A config file with one VM."""
    keys = {"guest": "builtin", "args": args, "memory": "32M", "cpus": cpus, **keys}
    lines = "".join(f"{k.replace('_', '-')} = {v}\n" for k, v in keys.items())
    return f"[vm {name}]\n{lines}"


class Case:
    def __init__(self, name, config, expect=(), forbid=(), outcome="done", status=0, until=None,
                 press=None, typed=(), read_back=None, again=(), timeout=90, strict=(), rescues=0,
                 traced=False, linux=None, outside=None, **machine):
        self.name = name
        self.config = config
        self.expect = tuple(expect)  # regular expressions, each must match a line
        self.forbid = tuple(forbid)
        self.outcome, self.status = outcome, status
        self.until = until  # a regular expression that ends the run
        self.press = press  # bytes to type where the loader waits for a key
        # (regular expression to wait for, bytes to type then, or what to call with QEMU's monitor:
        # a function that returns sentences about what is wrong)
        self.typed = tuple(typed)
        self.read_back = read_back  # a file on the ESP
        self.again = tuple(again)  # the survey's configuration is booted and must say these
        self.timeout = timeout
        self.strict = tuple(strict)  # complaints of the emulator that belong to the test
        self.traced = traced  # decode its trace, and compare it with the stopwatch's
        self.rescues = rescues  # vCPUs that only the audit found
        self.linux = linux  # the files of a Linux guest: which kernel (tests/linux/guest.py)
        # Makes, of the machine, one who sees and touches it from outside (ats.py).
        self.outside = outside
        self.machine = {"edu": 1, "igb": 1, **machine}


def bench(delivery="auto", halt="auto", args="irq", **keys):
    return vm(args, devices=f"{IGB}, {EDU}", delivery=delivery, halt=halt, **keys)


def bench_devices(devices):
    return vm("irq", devices=devices)


def behind_root_port(properties="", device="igb"):
    return ["-device", "pcie-root-port,id=rp,bus=pcie.0,addr=4.0,chassis=1" + properties,
            "-device", device + ",bus=rp,romfile="]


IRQ_OK = ("TEST irq: ok",)
EMULATED = r"vm g: delivery (posted falls back to )?emulated: .*"
