# SPDX-License-Identifier: MIT
"""QEMU's monitor, for who changes the machine or looks at it while it runs."""

import json
import os
import socket
import tempfile


class Qmp:
    """To be given QEMU with its arguments; connects when it is first used."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="reveille-qmp-")
        self.path = os.path.join(self.folder.name, "qmp")
        self.arguments = ["-qmp", f"unix:{self.path},server=on,wait=off"]
        self.file = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.file:
            self.file.close()
        self.folder.cleanup()

    def _connect(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.path)
            s.settimeout(60)
            self.file = s.makefile("rw", encoding="utf-8")
        self.file.readline()
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        if not self.file:
            self._connect()
        self.file.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self.file.flush()
        for line in self.file:
            answer = json.loads(line)
            if "error" in answer:
                raise OSError(f"{name}: {answer['error']['desc']}")
            if "event" not in answer:
                return answer["return"]
        raise OSError("QEMU's monitor has gone")

    def iommu(self, name, value=None):
        """Reads or sets a property of the IOMMU."""
        where = {"path": "/machine/peripheral/iommu0", "property": name}
        if value is None:
            return self.command("qom-get", **where)
        return self.command("qom-set", value=value, **where)

    def screen(self):
        """The picture on the first display, as the bytes of a PPM file."""
        path = os.path.join(self.folder.name, "screen.ppm")
        self.command("screendump", filename=path)
        with open(path, "rb") as file:
            return file.read()
