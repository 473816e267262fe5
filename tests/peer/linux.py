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
# spares the console and the self-tests of ciphers (a third of the boot).
KERNEL = ("console=ttyS0 idle=halt tsc=reliable amd_iommu=force_enable cryptomgr.notests panic=-1"
          " quiet")
KERNELS = ("release", "backports")
CFLAGS = ("-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-static", "-pthread")
SILENCE_SECONDS = 30  # of the serial line, before a sign of life is given
STOP_SECONDS = 20  # from a request to end to the use of force
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
                          stdout=subprocess.PIPE, text=True, check=False)
    if made.returncode:
        sys.exit(f"peer: no kernel and initramfs of Debian's {which} packages: see above")
    return made.stdout.split()


def kernel_name(kernel):
    """Package and version, as the path of fetch_kernel() has it."""
    return os.path.basename(os.path.dirname(kernel)).rsplit("-", 1)[0]


def kernel_version(name):
    """linux-image-6.1.0-56-amd64-6.1.192-2 -> (6, 1)"""
    found = re.match(r"linux-image-(\d+)\.(\d+)", name)
    if not found:
        sys.exit(f"peer: which version is {name}?")
    return int(found.group(1)), int(found.group(2))


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
        self.kernel = ""  # package and version

    def ended(self):
        """Did the script come to its end?"""
        return not self.timed_out and "PEER end" in self.serial

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
         serial=None, progress=None, more=()):
    """Runs the script, after a set of modules was loaded, with the launcher where there is an image
    for it; the machine is switched off at its end. more: cpio archives with what else it needs."""
    result = Result()
    kernel, initramfs = fetch_kernel(which)
    result.kernel = kernel_name(kernel)
    code, _ = run.firmware()
    with tempfile.TemporaryDirectory(prefix="reveille-peer-") as folder:
        initrd = os.path.join(folder, "initrd")
        with open(initrd, "wb") as file:
            for path in (initramfs, *more):
                with open(path, "rb") as base:
                    shutil.copyfileobj(base, file)
            file.write(_second_initramfs(folder, script, modules, image))
        result.arguments = [
            run.emulator(), *machine.arguments(),
            "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}",
            "-kernel", kernel, "-initrd", initrd, "-append", f"{KERNEL} {append}".strip(),
            "-serial", "stdio", "-monitor", "none"]
        _follow(result, timeout, serial, progress, os.path.join(folder, "stderr"))
    return result


class _Watch:
    """Ends an emulator that takes too long, and says now and then that one is still at work."""

    def __init__(self, process, timeout, progress):
        self.process, self.progress = process, progress
        self.started = self.spoke = time.monotonic()
        self.deadline = self.started + timeout
        self.timed_out = False
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.over.wait(1):
            now = time.monotonic()
            if now > self.deadline + STOP_SECONDS:
                self.process.kill()
            elif now > self.deadline:
                self.timed_out = True
                self.process.terminate()
            elif now > self.spoke + SILENCE_SECONDS and self.progress:
                self.progress(f"(at work for {now - self.started:.0f} s)")
                self.spoke = now

    def heard(self):
        self.spoke = time.monotonic()

    def stop(self):
        self.over.set()
        self.thread.join()


def _follow(result, timeout, serial, progress, errors):
    started = time.monotonic()
    with open(errors, "w", encoding="utf-8") as stderr:
        process = subprocess.Popen(result.arguments, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=stderr)
    watch = _Watch(process, timeout, progress)
    lines = []
    try:
        for raw in process.stdout:
            line = ESCAPE.sub("", raw.decode("utf-8", "replace")).rstrip("\r\n")
            lines.append(line)
            watch.heard()
            if progress:
                progress(line)
        process.wait()
    finally:
        watch.stop()
        process.kill()
        process.wait()
        process.stdout.close()
    result.timed_out = watch.timed_out
    result.serial = "\n".join(lines) + "\n"
    result.seconds = time.monotonic() - started
    if serial:
        with open(serial, "w", encoding="utf-8") as file:
            file.write(result.serial)
    with open(errors, encoding="utf-8", errors="replace") as file:
        said = file.read().splitlines()
    result.strict = [s for s in said if s.startswith("emulator-strict:")]
    if process.returncode and not result.timed_out:
        sys.exit("peer: the emulator failed: "
                 + ("; ".join(said[-3:]) or f"status {process.returncode}"))
