#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Boots Reveille with a config file on the emulator: OVMF, q35, an AMD IOMMU, edu and igb devices.
Ends when the serial log says that all guests are done, at a PANIC, or after --timeout seconds.
Exit status: 0 all guests done with status 0 and the emulator had nothing to complain about."""

import argparse
import json
import os
import platform
import re
import selectors
import shutil
import subprocess
import sys
import tempfile
import time

import qemu_coverage

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# The small one first, where Debian still has it: it comes up in two thirds of the time.
FIRMWARE = (
    ("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
    ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
)
DONE = re.compile(r"Reveille: all guests done, status (\d+)")
PANIC = re.compile(r"\bPANIC\b")
STOPS = re.compile(r"Reveille stops:|Press any key")

# What can be switched off: option -> (property of the CPU, property of the IOMMU).
FEATURES = {
    "avic": ("-avic", None),
    "x2avic": ("-x2avic", None),
    "x2apic": ("-x2apic", None),
    "npt": ("-npt", None),
    "svm": ("-svm", None),
    "nrips": ("-nrip-save", None),
    "clean-bits": ("-vmcb-clean", None),
    "decode-assists": ("-decodeassists", None),
    "flush-by-asid": ("-flushbyasid", None),
    "gasup": (None, "gasup=off"),
    "gam": (None, "gamsup=off"),
    "gappi": (None, "gappisup=off"),
    "gappidis": (None, "gappidissup=off"),
    "xt": (None, "xtsup=off"),
    "caching": (None, "caching=off"),
    "smi-filter": (None, "smifsup=off"),
}


# However we end, QEMU ends too (util-linux).
DIES_WITH_US = ["setpriv", "--pdeathsig", "TERM", "--"]


class Machine:
    """What to boot on; every member has a default."""

    def __init__(self, **members):
        self.smp = 2
        self.memory = "1G"
        self.edu = 1
        self.igb = 4
        self.without = []  # of FEATURES, or "iommu"
        self.iommu_properties = []
        self.cpu_properties = []
        self.icount = True
        self.stopwatch = None
        self.coverage = None  # file: which instructions of Reveille were executed
        self.files = {}  # name in the config: path here, of what isn't beside the config
        self.extra = []  # more arguments for QEMU
        for key, value in members.items():
            if not hasattr(self, key):
                raise ValueError(key)
            setattr(self, key, value)

    def arguments(self):
        cpu = ["max", "+svm", "+npt", "+avic", "+x2avic"]
        iommu = ["amd-iommu"]
        for name in self.without:
            off_cpu, off_iommu = FEATURES.get(name, (None, None))
            cpu += [off_cpu] if off_cpu else []
            iommu += [off_iommu] if off_iommu else []
        for off in [c for c in cpu if c.startswith("-")]:
            cpu = [c for c in cpu if c != "+" + off[1:]]
        args = ["-machine", "q35,kernel-irqchip=off,smm=off", "-nodefaults", "-display", "none",
                "-no-reboot", "-m", self.memory, "-smp", str(self.smp),
                "-cpu", ",".join(cpu + self.cpu_properties)]
        # 16 ns of virtual time an instruction: counts don't depend on it, and the firmware's and
        # our own delays cost a sixteenth of the instructions that shift=0 would burn on them.
        args += ["-icount", "shift=4,sleep=off"] if self.icount else []
        # Comparators that can send messages, as of later chipsets, and one for each of few CPUs.
        args += [] if "hpet-messages" in self.without else ["-global", "hpet.msi=on"]
        args += ["-global", "hpet.timers=4"]
        if "iommu" not in self.without:
            args += ["-device", ",".join(iommu + self.iommu_properties)]
        if self.stopwatch:
            args += ["-device", f"reveille-stopwatch,file={self.stopwatch}"]
        if self.coverage:
            args += ["-device", f"reveille-coverage,file={self.coverage},{qemu_coverage.RANGE}"]
        for i in range(self.edu):
            args += ["-device", f"edu,bus=pcie.0,addr={5 + 2 * i:x}.0"]
        # An igb reserves the numbers of its virtual functions: every other one from its own
        # number + 80h on. So two share a slot, and the next slot stays free (for edu).
        for i in range(self.igb):
            args += ["-device", f"igb,bus=pcie.0,addr={4 + i // 2 * 2:x}.{i % 2},romfile=,"
                     "multifunction=on"]
        return args + self.extra


class Result:
    def __init__(self):
        self.outcome = "died"  # done, panic, stops, matched, timeout, died
        self.status = None  # of "done"
        self.serial = ""
        self.errors = ""  # QEMU's stderr
        self.strict = []  # what the emulator complained about
        self.wrong = []  # what those among the things to type said that do something else
        self.seconds = 0.0
        self.arguments = []
        self.read_back = ""  # the file that was asked for; empty: it isn't there

    def ok(self):
        return self.outcome == "done" and self.status == 0 and not self.strict


def emulator():
    """Path of our QEMU; built first where need be."""
    told = os.environ.get("REVEILLE_QEMU")
    if told:
        return told
    built = subprocess.run([os.path.join(ROOT, "tools/emulator/build.sh")],
                           stdout=subprocess.PIPE, text=True, check=True)
    return built.stdout.strip().splitlines()[-1]


def firmware():
    for code, variables in FIRMWARE:
        if os.path.exists(code) and os.path.exists(variables):
            return code, variables
    sys.exit("run: no OVMF under /usr/share/OVMF: see tools/packages.txt")


def make_disk(machine, folder, config, efi):
    image = os.path.join(folder, "esp.img")
    subprocess.run([os.path.join(ROOT, "tools/mkimage.sh"), image, efi, config,
                    *[f"{name}={path}" for name, path in machine.files.items()]], check=True,
                   stdout=subprocess.DEVNULL)
    return image


def command_line(machine, folder, config, efi):
    code, variables = firmware()
    own = os.path.join(folder, "vars.fd")
    shutil.copyfile(variables, own)
    disk = make_disk(machine, folder, config, efi)
    return [emulator(), *machine.arguments(),
            "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}",
            "-drive", f"if=pflash,format=raw,unit=1,file={own}",
            "-drive", f"if=none,id=esp,format=raw,file={disk}",
            "-device", "ide-hd,drive=esp,bus=ide.0,bootindex=1"]


class _Typist:
    """Types at the serial line: each (pattern, bytes) in turn, when the pattern has come. A function
    in the place of the bytes is called, and returns sentences about what was wrong."""

    def __init__(self, process, script):
        self.process, self.script, self.read = process, list(script), 0
        self.wrong = []

    def look(self, serial):
        while self.script:
            pattern, keys = self.script[0]
            found = re.compile(pattern).search(serial, self.read)
            if not found:
                return
            self.read = found.end()
            self.script.pop(0)
            if callable(keys):
                self.wrong += keys()
                continue
            self.process.stdin.write(keys)
            self.process.stdin.flush()

    def verdict(self):
        return self.wrong + [f"never came: {p}" for p, keys in self.script if callable(keys)]


def _follow(process, result, timeout, log, progress, until, press, typist):
    """Reads the serial line until something ends the run."""
    ends = [(DONE, "done"), (PANIC, "panic"), (STOPS, "stops")]
    if press:
        ends.pop()
    if until:
        ends.insert(0, (re.compile(until), "matched"))
    started, pending, grace = time.monotonic(), "", None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            now = time.monotonic()
            if grace and now > grace:
                return
            if now - started > timeout:
                result.outcome = result.outcome if grace else "timeout"
                return
            if not selector.select(timeout=0.2):
                continue
            data = os.read(process.stdout.fileno(), 65536)
            if not data:
                return
            text = data.decode("utf-8", "replace").replace("\r", "")
            result.serial += text
            if log:
                log.write(text)
                log.flush()
            typist.look(result.serial)
            pending += text
            *lines, pending = pending.split("\n")
            for line in lines:
                if progress:
                    progress(line)
                if press and STOPS.search(line):
                    process.stdin.write(press)
                    process.stdin.flush()
                for pattern, outcome in ends:
                    found = pattern.search(line)
                    if found and not grace:
                        result.outcome = outcome
                        result.status = int(found.group(1)) if outcome == "done" else None
                        # A panic has more lines to say.
                        grace = time.monotonic() + (0 if outcome == "done" else 0.7)


def run(config, machine=None, efi=None, timeout=120, serial=None, progress=None, until=None,
        press=None, typed=(), read_back=None, launched=None):
    """Boots the config file on the machine. until: a regular expression that ends the run too.
    press: bytes to type where the loader waits for a key. typed: pairs of a regular expression and
    the bytes to type when it has come, or what to call then, each after the one before. read_back:
    a file on the ESP to look at afterwards. launched: called once QEMU runs."""
    machine = machine or Machine()
    result = Result()
    efi = efi or os.path.join(ROOT, "build/reveille.efi")
    # The image with the trace's hooks is another one: its addresses are not those of vmm.elf.
    with open(config, encoding="latin-1") as file:
        traced = re.search(r"^\s*trace\s*=\s*(on|\d)", file.read(), re.M)
    if not machine.coverage and os.environ.get("REVEILLE_COVERAGE") and not traced:
        machine.coverage = qemu_coverage.new_file(os.environ["REVEILLE_COVERAGE"], efi, config)
    with tempfile.TemporaryDirectory(prefix="reveille-") as folder:
        result.arguments = command_line(machine, folder, config, efi)
        started = time.monotonic()
        log = open(serial, "w", encoding="utf-8") if serial else None
        errors = open(os.path.join(folder, "stderr"), "w+", encoding="utf-8", errors="replace")
        process = subprocess.Popen(
            [*DIES_WITH_US, *result.arguments, "-serial", "stdio", "-monitor", "none"],
            stdin=subprocess.PIPE if press or typed else subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=errors)
        typist = _Typist(process, typed)
        try:
            if launched:
                launched()
            _follow(process, result, timeout, log, progress, until, press, typist)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
            if log:
                log.close()
        result.wrong = typist.verdict()
        result.seconds = time.monotonic() - started
        if read_back:
            result.read_back = subprocess.run(
                ["mtype", "-i", os.path.join(folder, "esp.img@@1M"), "::" + read_back],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
        errors.seek(0)
        result.errors = errors.read()
        errors.close()
    result.strict = [line for line in result.errors.splitlines()
                     if line.startswith("emulator-strict:")]
    return result


def environment(result, machine):
    """What a reader of the figures wants to know about the run; as JSON."""
    version = subprocess.run([result.arguments[0], "--version"], stdout=subprocess.PIPE, text=True,
                             check=False).stdout.splitlines()
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                            check=False).stdout.strip()
    return {
        "emulator": version[0] if version else "",
        "reveille": commit,
        "machine": machine.arguments(),
        "host": platform.machine(),
        "seconds": round(result.seconds, 1),
    }


def interactive(config, machine, efi):
    machine.icount = False
    with tempfile.TemporaryDirectory(prefix="reveille-") as folder:
        command = command_line(machine, folder, config, efi)
        return subprocess.call([*DIES_WITH_US, *command, "-serial", "mon:stdio"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True)
    parser.add_argument("--efi", default=os.path.join(ROOT, "build/reveille.efi"))
    parser.add_argument("--smp", type=int, default=2)
    parser.add_argument("--edu", type=int, default=1, help="how many edu devices")
    parser.add_argument("--igb", type=int, default=4, help="how many igb devices")
    for name in [*FEATURES, "iommu"]:
        parser.add_argument(f"--no-{name}", action="append_const", dest="without", const=name)
    parser.add_argument("--iommu-property", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--cpu-property", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--no-icount", action="store_true")
    parser.add_argument("--stopwatch", metavar="FILE")
    parser.add_argument("--coverage", metavar="FILE", help="for tools/qemu_coverage.py; with"
                        " REVEILLE_COVERAGE=FOLDER in the environment every run leaves a file there")
    parser.add_argument("--file", action="append", default=[], metavar="NAME=PATH",
                        help="a file that the config names and that isn't beside it")
    parser.add_argument("--serial", metavar="FILE")
    parser.add_argument("--environment", metavar="FILE", help="write what the run was, as JSON")
    parser.add_argument("--timeout", type=float, default=120)
    parser.add_argument("--interactive", action="store_true")
    parser.add_argument("--qemu", nargs=argparse.REMAINDER, default=[])
    options = parser.parse_args()
    machine = Machine(smp=options.smp, edu=options.edu, igb=options.igb,
                      without=options.without or [], iommu_properties=options.iommu_property,
                      cpu_properties=options.cpu_property, icount=not options.no_icount,
                      stopwatch=options.stopwatch, coverage=options.coverage,
                      files=dict(f.split("=", 1) for f in options.file), extra=options.qemu)
    if options.interactive:
        return interactive(options.config, machine, options.efi)
    result = run(options.config, machine, options.efi, options.timeout, options.serial,
                 lambda line: print(line, flush=True))
    sys.stderr.write(result.errors)
    if options.environment:
        with open(options.environment, "w", encoding="utf-8") as file:
            json.dump(environment(result, machine), file, indent=1)
    status = "" if result.status is None else f", status {result.status}"
    print(f"run: {result.outcome}{status}, {len(result.strict)} complaints of the emulator,"
          f" {result.seconds:.1f} s")
    return 0 if result.ok() else 1


if __name__ == "__main__":
    sys.exit(main())
