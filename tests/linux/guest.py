# SPDX-License-Identifier: MIT
"""The files of a Linux guest: Debian's kernel, and an initramfs of a static busybox and an init of
our own (init), both from Debian's packages by way of tests/peer/mkinitramfs.sh; cached."""

import functools
import hashlib
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MAKE = os.path.join(ROOT, "tests/peer/mkinitramfs.sh")
MARK = os.path.join(ROOT, "tests/peer/l2/mark.c")
BUNDLE = os.path.join(HERE, "bundle.sh")
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")),
                     "reveille/linux")


# What a device's driver needs, in the order of loading.
MODULES = {
    "8139cp": ["mii", "8139cp"],
    "e1000": ["e1000"],
    "e1000e": ["e1000e"],
    "igb": ["dca", "i2c_algo_bit", "igb"],
    "igbvf": ["igbvf"],
    "nvme": ["crct10dif_common", "crc_t10dif", "crc64", "crc64_rocksoft", "t10_pi", "nvme_core",
             "nvme"],
    "virtio-net": ["virtio_ring", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio",
                   "virtio_pci", "failover", "net_failover", "virtio_net"],
}


@functools.lru_cache
def fetch(which="release"):
    """(kernel, the peer's initramfs), which: release, backports or newest."""
    made = subprocess.run([MAKE, which], stdout=subprocess.PIPE, text=True, check=True)
    return made.stdout.split()


def _archive(root):
    names = subprocess.run(["find", ".", "-mindepth", "1"], cwd=root, stdout=subprocess.PIPE,
                           check=True).stdout.splitlines()
    return subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=root,
                          input=b"\n".join(sorted(names)) + b"\n", stdout=subprocess.PIPE,
                          check=True).stdout


def _put_mark(root):
    """/bin/mark: marks for the stopwatch."""
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-s",
                    "-iquote", os.path.join(ROOT, "vmm"), "-o", os.path.join(root, "bin/mark"),
                    MARK], check=True)


def _bundle_iperf3(folder):
    with tempfile.TemporaryDirectory(dir=CACHE) as unpacked:
        subprocess.run([BUNDLE, unpacked, folder, "iperf3", "usr/bin/iperf3"], check=True)


def _put_iperf3(root):
    """/bin/iperf3, Debian's."""
    _bundle_iperf3(os.path.join(root, "iperf3"))
    path = os.path.join(root, "bin/iperf3")
    with open(path, "w", encoding="ascii") as file:
        file.write("#!/bin/busybox sh\n"
                   "exec /iperf3/lib/ld.so --library-path /iperf3/lib /iperf3/program \"$@\"\n")
    os.chmod(path, 0o755)


def host_iperf3(folder):
    """The same for this machine, in the folder; the beginning of a command line."""
    os.makedirs(CACHE, exist_ok=True)
    _bundle_iperf3(folder)
    lib = os.path.join(folder, "lib")
    return [os.path.join(lib, "ld.so"), "--library-path", lib, os.path.join(folder, "program")]


PROGRAMS = {"mark": _put_mark, "iperf3": _put_iperf3}


def _read(*paths):
    for path in paths:
        with open(path, "rb") as file:
            yield file.read()


def initramfs(base, drivers=(), programs=()):
    """Path of the tests' initramfs, with the drivers (MODULES) and PROGRAMS named; busybox and
    modules are those of the peer's."""
    modules = [m for d in drivers for m in MODULES[d]]
    init, *sources = _read(os.path.join(HERE, "init"), *([MARK, BUNDLE] if programs else []))
    named = " ".join([*modules, *programs, base]).encode()
    key = hashlib.sha256(b"".join([named, init, *sources])).hexdigest()[:16]
    path = os.path.join(CACHE, f"initramfs-{key}")
    if os.path.exists(path):
        return path
    os.makedirs(CACHE, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as root:
        with open(base, "rb") as file:
            subprocess.run(["cpio", "--quiet", "-id", "bin/busybox", "./bin/busybox",
                            *(p + f"mod/{m}.ko" for m in modules for p in ("", "./"))],
                           cwd=root, stdin=file, check=True)
        for m in modules:  # cpio says nothing about what it does not find
            os.stat(os.path.join(root, f"mod/{m}.ko"))
        if modules:
            with open(os.path.join(root, "mod/list"), "w", encoding="ascii") as file:
                file.write("".join(f"{m}\n" for m in modules))
        for name in programs:
            PROGRAMS[name](root)
        for name in ("dev", "proc", "sys", "tmp"):
            os.mkdir(os.path.join(root, name))
        with open(os.path.join(root, "init"), "wb") as file:
            file.write(init)
        os.chmod(os.path.join(root, "init"), 0o755)
        data = _archive(root)
    with tempfile.NamedTemporaryFile(dir=CACHE, delete=False) as file:
        file.write(data)
    os.replace(file.name, path)
    return path


def files(which="release", drivers=(), programs=()):
    """For run.Machine.files: what a config calls vmlinuz and initrd."""
    kernel, base = fetch(which)
    return {"vmlinuz": kernel, "initrd": initramfs(base, drivers, programs)}


if __name__ == "__main__":
    print("\n".join(files(*sys.argv[1:2], sys.argv[2:]).values()))
