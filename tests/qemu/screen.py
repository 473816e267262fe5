# SPDX-License-Identifier: MIT
"""Reads the text that drivers/fbcon.c draws off a picture of the screen."""

import os
import re
import time

import run

TEXT, PAPER = b"\xc0\xc0\xc0", b"\0\0\0"
WIDTH, HEIGHT, FIRST = 8, 16, 0x20
PATIENCE = 20  # seconds


def _cells():
    """What each character of drivers/font.c looks like: its cell's pixels -> the character."""
    with open(os.path.join(run.ROOT, "drivers/font.c"), encoding="ascii") as file:
        rows = re.findall(r"^\t\{ (0x.*) \}, /\* ", file.read(), re.M)
    line = lambda dots: PAPER + b"".join(
        TEXT if int(dots, 16) >> bit & 1 else PAPER for bit in range(4, -1, -1)) + 2 * PAPER
    blank = WIDTH * PAPER
    cells = {blank + b"".join(2 * line(dots) for dots in row.split(", ")) + blank: chr(FIRST + i)
             for i, row in enumerate(rows)}
    assert len(cells) == 0x7f - FIRST, "font.c isn't what it was"
    return cells


def read(ppm, cells):
    """The lines of text. What is none of the characters is U+FFFD."""
    header = re.match(rb"P6\s(\d+)\s(\d+)\s255\s", ppm)
    width, height = map(int, header.groups())
    pitch, cell = 3 * width, 3 * WIDTH
    for top in range(0, height - HEIGHT + 1, HEIGHT):
        start = header.end() + top * pitch
        rows = [ppm[start + y * pitch:start + (y + 1) * pitch] for y in range(HEIGHT)]
        yield "".join(cells.get(b"".join(row[x:x + cell] for row in rows), "\ufffd")
                      for x in range(0, pitch - cell + 1, cell)).rstrip()


def shows(expect, forbid=()):
    """For Case.typed: by and by each of these regular expressions matches what is on the screen, and
    none of those does."""
    cells = _cells()

    def look(qmp):
        end = time.monotonic() + PATIENCE
        while True:
            text = "\n".join(read(qmp.screen(), cells))
            wrong = [f"not on the screen: {p}" for p in expect if not re.search(p, text)]
            wrong += [f"must not be on the screen: {p}" for p in forbid if re.search(p, text)]
            if not wrong or time.monotonic() > end:
                return wrong and wrong + ["the screen: " + re.sub(r"\n+", "\n", text)]
            time.sleep(0.1)
    return look
