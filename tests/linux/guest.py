# SPDX-License-Identifier: MIT
"""The files of a Linux guest: Debian's kernel, and an initramfs of a static busybox and an init of
our own (init), both from Debian's packages by way of tests/peer/mkinitramfs.sh; cached."""

import hashlib
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MAKE = os.path.join(ROOT, "tests/peer/mkinitramfs.sh")
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")),
                     "reveille/linux")


def fetch(which="release"):
    """(kernel, the peer's initramfs), which: release or backports."""
    made = subprocess.run([MAKE, which], stdout=subprocess.PIPE, text=True, check=True)
    return made.stdout.split()


def _archive(root):
    names = subprocess.run(["find", ".", "-mindepth", "1"], cwd=root, stdout=subprocess.PIPE,
                           check=True).stdout.splitlines()
    return subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=root,
                          input=b"\n".join(sorted(names)) + b"\n", stdout=subprocess.PIPE,
                          check=True).stdout


def initramfs(base):
    """Path of the tests' initramfs; busybox is the one of the peer's."""
    with open(os.path.join(HERE, "init"), "rb") as file:
        init = file.read()
    key = hashlib.sha256(init + base.encode()).hexdigest()[:16]
    path = os.path.join(CACHE, f"initramfs-{key}")
    if os.path.exists(path):
        return path
    os.makedirs(CACHE, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as root:
        with open(base, "rb") as file:
            subprocess.run(["cpio", "--quiet", "-id", "bin/busybox", "./bin/busybox"], cwd=root,
                           stdin=file, check=True)
        for name in ("dev", "proc", "sys"):
            os.mkdir(os.path.join(root, name))
        with open(os.path.join(root, "init"), "wb") as file:
            file.write(init)
        os.chmod(os.path.join(root, "init"), 0o755)
        data = _archive(root)
    with tempfile.NamedTemporaryFile(dir=CACHE, delete=False) as file:
        file.write(data)
    os.replace(file.name, path)
    return path


def files(which="release"):
    """For run.Machine.files: what a config calls vmlinuz and initrd."""
    kernel, base = fetch(which)
    return {"vmlinuz": kernel, "initrd": initramfs(base)}


if __name__ == "__main__":
    print("\n".join(files(*sys.argv[1:2]).values()))
