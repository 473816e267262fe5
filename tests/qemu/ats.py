# SPDX-License-Identifier: MIT
"""A machine whose firmware leaves address translation services (ATS) on, and a look at them later:
through QEMU's test protocol, of which nothing inside the machine knows. The device is the one behind
the root port 00:04.0; firmware itself, which runs in between, leaves ATS alone."""

import os
import re
import socket
import tempfile

from qtest import Qtest

HOST, PORT = 0, 4 << 3  # 00:00.0, 00:04.0
PCIEXBAR, BUSES = 0x60, 0x18
ECAM = 0xB0000000  # until firmware chooses
ATS, CONTROL, ENABLE = 0x0F, 6, 0x8000


class LeftOn:
    """For run.run(): the machine waits until ATS is on (launched); when a line matches, what the
    control register holds then is added to what was said."""

    def __init__(self, when, machine):
        self.when, self.machine, self.said = re.compile(when), machine, ""

    def _listen(self, name):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.path.join(self.folder.name, name))
        listener.listen()
        listener.settimeout(60)
        return listener

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="reveille-ats-")
        self.monitor, self.test = self._listen("monitor"), self._listen("test")
        self.machine.extra = [
            *self.machine.extra, "-S", "-chardev",
            f"socket,id=monitor,path={self.monitor.getsockname()}", "-mon", "monitor",
            "-qtest", f"unix:{self.test.getsockname()}", "-qtest-log", "/dev/null"]
        return self

    def __exit__(self, *_):
        self.monitor.close()
        self.test.close()
        self.folder.cleanup()

    def _control(self):
        """Address of the device's ATS control register."""
        ecam = self.qtest.config(HOST, PCIEXBAR) & 0xF0000000
        function = ecam + (self.qtest.config(PORT, BUSES) >> 8 & 0xFF) * 0x100000
        at = 0x100
        while (head := self.qtest.ask("readl", function + at)) & 0xFFFF != ATS:
            at = head >> 20
            if not at:
                raise ValueError("the device has no ATS capability")
        return function + at + CONTROL

    def _say(self, when):
        self.said += f"outside: {when}: ATS control {self.qtest.ask('readw', self._control()):04x}\n"

    def _turn_on(self):
        test, self.running = self.test.accept()[0], self.monitor.accept()[0]
        test.settimeout(60)
        with test:
            self.qtest = Qtest(test.makefile("rb"), test.makefile("wb"))
        self.qtest.config(HOST, PCIEXBAR, ECAM | 1)
        self.qtest.config(PORT, BUSES, 0x010100)
        self.qtest.ask("writew", self._control(), ENABLE)
        self._say("before firmware")
        self.qtest.config(PORT, BUSES, 0)
        self.qtest.config(HOST, PCIEXBAR, 0)
        self.running.sendall(b"cont\n")

    def _try(self, what, *words):
        try:
            what(*words)
        except (OSError, ValueError) as error:
            self.said += f"outside: {error}\n"

    def launched(self):
        self._try(self._turn_on)

    def line(self, line):
        if self.when.search(line):
            self._try(self._say, line)
