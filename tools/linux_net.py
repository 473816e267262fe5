# SPDX-License-Identifier: MIT
"""Two Linux guests, a and b, each with a NIC of its own on one network inside QEMU, which is told
what to do at the serial line: for demo_linux.py and soak_linux.py. Nothing of the network leaves
the process: guests and the peer (QEMU's user network, restricted) hang on a hub. (linux_peer.py adds
a door to a server on this machine's loopback.)"""

import os
import re
import sys

import run

sys.path.insert(0, os.path.join(run.ROOT, "tests/linux"))
import guest  # noqa: E402

ESCAPE = "\x1d"  # the host's console: docs/console.md
ADDRESS = {"a": "10.0.2.21", "b": "10.0.2.22"}
# For TCP: QEMU's user network hears all that is on the hub, and resets connections by IPv4 that it
# does not serve, whosever they are.
ADDRESS6 = {"a": "fd00::21", "b": "fd00::22"}
PEER = "10.0.2.2"
NUMBER = {"a": 1, "b": 2}  # in the order of the config
# As the config numbers them: pCPU 0 is the host's alone, so that what it does for one guest is no
# exit of another.
CPUS = {"a": (1, 2), "b": (3, 4)}


class Nic:
    def __init__(self, qemu, name, devices=(0x20, 0x30), head="", cards=2):
        self.qemu = qemu  # QEMU's name of the card
        self.name = name  # in the config
        self.device = dict(zip("ab", devices))  # their numbers; an igb takes some for its VFs
        self.head = head  # of the config
        self.cards = cards  # one for each guest, or one for both


NICS = {
    "igb": Nic("igb", "8086:10c9"),
    "e1000e": Nic("e1000e", "8086:10d3"),
    "igbvf": Nic("igb", "8086:10ca", (0xA0, 0xA2), "[reveille]\nvfs = 2*8086:10c9#0\n", 1),
}


def config(nic, halt, cpus=CPUS):
    """Config of both."""
    text = NICS[nic].head
    for i, name in enumerate("ab"):
        other = "ba"[i]
        text += (f"[vm {name}]\nkernel = vmlinuz\ninitrd = initrd\nmemory = 256M\n"
                 f"cpus = {', '.join(map(str, cpus[name]))}\ndevices = {NICS[nic].name}#{i}\n"
                 f"cmdline = console=ttyS0 quiet panic=-1 cryptomgr.notests run=net,obey"
                 f" address={ADDRESS[name]} peer={ADDRESS[other]}\n"
                 f"delivery = posted\nhalt = {halt}\n")
    return text


def machine(nic, more=(), peer="", **members):
    """more: arguments for QEMU; peer: what the user network has beyond what answers pings."""
    extra = [*more, "-netdev", "user,id=u0,restrict=on,ipv6=off" + peer,
             "-netdev", "hubport,hubid=0,id=h0,netdev=u0"]
    for i in range(NICS[nic].cards):
        extra += ["-netdev", f"hubport,hubid=0,id=n{i}", "-device",
                  f"{NICS[nic].qemu},bus=pcie.0,addr={4 + 2 * i}.0,netdev=n{i},romfile="]
    files = guest.files(drivers=[nic], programs=["mark", "iperf3"])
    return run.Machine(**{"smp": 5, "edu": 0, "igb": 0, "files": files, "extra": extra, **members})


class Script:
    """What is typed at the serial line, each when the answer to the one before has come."""

    def __init__(self):
        self.typed = []
        self.number = 0
        self.awaits = r"(?s)a: GUEST obeys.*b: GUEST obeys|b: GUEST obeys.*a: GUEST obeys"

    def _type(self, text, awaits):
        self.typed.append((self.awaits, text.encode("ascii")))
        self.awaits = awaits

    def host(self, *commands, until):
        """Commands of the monitor; until: what the last one answers."""
        self._type("".join(c + "\r" for c in commands), until)

    def during(self, pattern, *commands):
        """Commands of the monitor in the midst of what a guest does, when it says so."""
        self.typed.append((pattern, "".join(c + "\r" for c in commands).encode("ascii")))

    def guest(self, name, command):
        """A shell command in a guest (the word obey of tests/linux/init); its number. The host has
        the serial line again before it begins."""
        self.number += 1
        self._type(f"{ESCAPE}{NUMBER[name]}{self.number} {command}\r{ESCAPE}h",
                   rf"GUEST did {self.number}: .*\n")
        return self.number

    def end(self):
        """Both switch themselves off."""
        text = "".join(f"{ESCAPE}{NUMBER[name]}0 end\r" for name in "ab")
        self._type(text + f"{ESCAPE}h", None)


def answer(serial, number):
    """(what a command said, packets that its guest received meanwhile); None: no answer. Whoever
    turns to a guest is shown its last lines again: only the newest are this command's."""
    found = re.search(rf"GUEST did {number}: (\d+) packets", serial)
    if not found:
        return None
    text = serial[: found.start()]
    before = f"GUEST did {number - 1}:" if number > 1 else "GUEST obeys"
    return text[max(0, text.rfind(before)):], int(found.group(1))


PING = re.compile(r"(\d+) packets transmitted, (\d+) packets received,(?: (\d+) duplicates,)?")
IPERF = re.compile(r"([\d.]+) Kbits/sec\s+receiver")


def ping_account(text):
    """{sent, received, duplicates}, of all pings of a command; None: there was none."""
    found = [[int(n or 0) for n in f] for f in PING.findall(text)]
    return dict(zip(("sent", "received", "duplicates"), map(sum, zip(*found)))) if found else None


def iperf_mbits(text):
    """Of virtual time; None: it did not come to its end."""
    found = IPERF.findall(text)
    return round(float(found[-1]) / 1000, 1) if found else None
