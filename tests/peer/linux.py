# SPDX-License-Identifier: MIT
"""Boots Debian's Linux on the emulator, on the machine of make demo, and runs a shell script
there: KVM, VFIO and the launcher are at hand (init, mkinitramfs.sh)."""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tools"))
import run  # noqa: E402

# idle=halt: the emulated CPU's MWAIT doesn't sleep. tsc=reliable: as on machines that have AVIC;
# the emulated CPU doesn't say so. The rest takes the IOMMU although nothing forces Linux to, and
# spares the console.
KERNEL = "console=ttyS0 idle=halt tsc=reliable amd_iommu=force_enable panic=-1 quiet"
CFLAGS = ("-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-static", "-pthread")
ESCAPE = re.compile(r"\x1b\[[0-9;=?]*[A-Za-z]|\x1b.")


def build_launcher(folder):
    path = os.path.join(folder, "peer")
    subprocess.run(
        ["gcc", *CFLAGS, "-iquote", os.path.join(ROOT, "vmm"), "-iquote", ROOT, "-o", path,
         *sorted(glob.glob(os.path.join(HERE, "*.c")))], check=True)
    return path


def fetch_kernel(which):
    """(kernel, initramfs) from Debian's packages; cached. which: release or backports."""
    made = subprocess.run([os.path.join(HERE, "mkinitramfs.sh"), which],
                          stdout=subprocess.PIPE, text=True, check=True)
    return made.stdout.split()


def _second_initramfs(folder, script, modules, image):
    root = os.path.join(folder, "root")
    os.mkdir(root, 0o755)
    if image:
        build_launcher(root)
        shutil.copy(image, os.path.join(root, "builtin.bin"))
    for name, text in (("run", script), ("set", modules + "\n")):
        with open(os.path.join(root, name), "w", encoding="ascii") as file:
            file.write(text)
    # No polling before a halted vCPU's thread sleeps: its wake-up is what is looked at.
    with open(os.path.join(root, "parameters"), "w", encoding="ascii") as file:
        file.write("kvm halt_poll_ns=0\n")
    names = "\n".join(sorted(os.listdir(root))) + "\n"
    return subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=root,
                          input=names.encode(), stdout=subprocess.PIPE, check=True).stdout


class Result:
    def __init__(self):
        self.serial = ""
        self.strict = []
        self.seconds = 0.0
        self.timed_out = False
        self.arguments = []
        self.kernel = ""

    def after(self, name):
        """Lines of the script's section NAME: from "PEER NAME" to the next such line."""
        lines, on = [], False
        for line in self.serial.splitlines():
            if line.startswith("PEER "):
                on = line[5:].strip() == name
            elif on:
                lines.append(line)
        return lines


def boot(script, machine, image=None, modules="kvm", append="", which="release", timeout=600,
         serial=None, progress=None):
    """Runs the script, after a set of modules was loaded, with the launcher where there is an image
    for it; the machine is switched off at its end."""
    result = Result()
    kernel, initramfs = fetch_kernel(which)
    result.kernel = os.path.basename(os.path.dirname(kernel)).rsplit("-", 1)[0]
    code, _ = run.firmware()
    with tempfile.TemporaryDirectory(prefix="reveille-peer-") as folder:
        initrd = os.path.join(folder, "initrd")
        with open(initrd, "wb") as file:
            with open(initramfs, "rb") as base:
                shutil.copyfileobj(base, file)
            file.write(_second_initramfs(folder, script, modules, image))
        result.arguments = [
            run.emulator(), *machine.arguments(),
            "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}",
            "-kernel", kernel, "-initrd", initrd, "-append", f"{KERNEL} {append}".strip(),
            "-serial", "stdio", "-monitor", "none"]
        _follow(result, timeout, serial, progress, os.path.join(folder, "stderr"))
    return result


def _follow(result, timeout, serial, progress, errors):
    started = time.monotonic()
    with open(errors, "w", encoding="utf-8") as stderr:
        process = subprocess.Popen(result.arguments, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=stderr)

    def stop():
        result.timed_out = True
        process.terminate()

    watch = threading.Timer(timeout, stop)
    watch.start()
    lines = []
    for raw in process.stdout:
        line = ESCAPE.sub("", raw.decode("utf-8", "replace")).rstrip("\r\n")
        lines.append(line)
        if progress:
            progress(line)
    process.wait()
    watch.cancel()
    process.stdout.close()
    result.serial = "\n".join(lines) + "\n"
    result.seconds = time.monotonic() - started
    if serial:
        with open(serial, "w", encoding="utf-8") as file:
            file.write(result.serial)
    with open(errors, encoding="utf-8", errors="replace") as file:
        said = file.read().splitlines()
    result.strict = [s for s in said if s.startswith("emulator-strict:")]
    if process.returncode and not result.timed_out:
        sys.exit("peer: the emulator failed: " + "; ".join(said[-3:]))
