# SPDX-License-Identifier: MIT
"""A peer on this machine's loopback for the guests of linux_net.py: Debian's iperf3, serving at a
port of 127.0.0.1 that was free. QEMU's user network stays restricted and has one door, to this
program: QEMU starts it for each connection of a guest, and it carries the bytes to the server."""

import os
import shlex
import socket
import subprocess
import sys
import threading
import time

import run

ADDRESS, PORT = "10.0.2.100", 5201  # for the guests
SECONDS = 20  # until it serves


class Peer:
    """While it is entered the server runs; its log is a file that the caller names."""

    def __init__(self, program, log):
        self.program, self.log = program, log
        self.port = self.process = None

    def __enter__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [*run.DIES_WITH_US, *self.program, "-s", "--forceflush", "-B", "127.0.0.1", "-p",
                 str(self.port)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + SECONDS
        while "Server listening" not in self.said():
            if self.process.poll() is not None or time.monotonic() > until:
                self.__exit__()
                sys.exit(f"linux_peer: iperf3 does not serve: {self.said()[-300:]}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def door(self):
        """For QEMU's user network."""
        command = shlex.join([sys.executable, os.path.abspath(__file__), str(self.port)])
        return f",guestfwd=tcp:{ADDRESS}:{PORT}-cmd:" + command.replace(",", ",,")


def pump(from_, to):
    try:
        while data := from_.recv(1 << 16):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)
    except OSError:  # the other direction has seen the end
        pass


def carry(port):
    """Between the guest, at standard input, and the server."""
    with socket.socket(fileno=os.dup(0)) as guest, \
            socket.create_connection(("127.0.0.1", port)) as server:
        back = threading.Thread(target=pump, args=(server, guest), daemon=True)
        back.start()
        pump(guest, server)
        back.join()


if __name__ == "__main__":
    carry(int(sys.argv[1]))
