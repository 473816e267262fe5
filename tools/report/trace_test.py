#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of the trace's decoder: bytes typed by hand, damaged lines, and a run that the stopwatch saw
otherwise."""

import base64
import os
import struct
import sys
import tempfile

import stopwatch as sw
import trace as tracer
import tracefile

# tests/unit/trace_ring_test.c writes the same record.
GOLDEN = """TRACE begin cpu=0 apicid=8 first=1 last=1 ticks_per_us=62
TRACE 0 CAcGBQQDAgEBAAAAC6sCAaempaSjoqGgAAAAAAAAAAA=
TRACE begin cpu=1 apicid=9 first=1 last=0 ticks_per_us=62
TRACE vcpu tag=258 vm=g n=3
TRACE end
"""


def line(cpu, *records):
    data = b"".join(struct.pack("<QIBBHQQ", *r) for r in records)
    return f"TRACE {cpu} {base64.b64encode(data).decode()}\n"


def begin(cpu, first=1):
    return f"TRACE begin cpu={cpu} apicid={cpu} first={first} last=9 ticks_per_us=1\n"


IRQ, IDLE, GAPPI, WAKE, LOAD, BLOCK, VMRUN, EXIT = 1, 2, 7, 8, 11, 13, 16, 17
NONE = 0xFFFF


def a_wake():
    """Idle, GAPPI, wake, load, guest, HLT, block, idle; ticks are microseconds."""
    rows = [(100, IDLE, 0, NONE, 0), (110, IRQ, 0x30, NONE, 0), (111, GAPPI, 1, 0, 0),
            (112, WAKE, 2, 0, 0), (113, LOAD, 0, 0, 0x30), (115, VMRUN, 0, 0, 0),
            (120, EXIT, 0, 0, 0x78), (122, BLOCK, 1, 0, 0), (125, IDLE, 0, NONE, 0)]
    records = [(t, n, k, x, v, a, 0) for n, (t, k, x, v, a) in enumerate(rows, 1)]
    return tracefile.from_log(begin(0) + line(0, *records[:5]) + line(0, *records[5:])
                              + "TRACE vcpu tag=0 vm=g n=0\n")


def refused(text):
    try:
        tracefile.from_log(text)
    except tracefile.BadTrace as error:
        return str(error)
    return None


def test_golden_bytes():
    trace = tracefile.from_log("noise\r\n[vm] " + GOLDEN)
    assert trace.cpus[1] == [] and trace.apicids == {0: 8, 1: 9} and trace.ticks_per_us == 62
    (r,) = trace.cpus[0]
    assert r == (0, 1, 0x0102030405060708, "load", 0xAB, 0x102, 0xA0A1A2A3A4A5A6A7, 0), r
    assert tracefile.details(trace, r) == "g/3, GATag a0a1a2a3a4a5a6a7, IsRun 1"


def test_damaged():
    assert refused(GOLDEN.replace("CAcGBQ", "CAcGB")) is not None
    assert "no whole records" in refused(GOLDEN.replace("AAAAAAAAAAA=", ""))
    assert "kind 99" in refused(begin(0) + line(0, (1, 1, 99, 0, 0, 0, 0)))
    one, two = (1, 1, IDLE, 0, NONE, 0, 0), (2, 2, IDLE, 0, NONE, 0, 0)
    assert refused(begin(0) + line(0, one, two)) is None
    assert "record 1 after 2" in refused(begin(0) + line(0, two, one))
    assert "older" in refused(begin(0) + line(0, two, (1, 3, IDLE, 0, NONE, 0, 0)))
    # A record that was torn is left out by the hypervisor: a gap is fine.
    assert refused(begin(0) + line(0, one, (5, 7, IDLE, 0, NONE, 0, 0))) is None


def test_last_dump_counts():
    old, new = (1, 1, IDLE, 0, NONE, 0, 0), (2, 2, IDLE, 0, NONE, 0, 0)
    trace = tracefile.from_log(begin(0) + line(0, old) + begin(0, 2) + line(0, old, new))
    assert len(trace.cpus[0]) == 2 and not trace.complete[0]


def test_memory():
    """A ring that has wrapped: record 4 lies where 0 would, 3 is torn."""
    pack = lambda n, seq: struct.pack("<QIBBHQQ", n, seq, IDLE, 0, NONE, 0, 0)
    trace = tracefile.from_memory({0: pack(4, 4) + pack(5, 5) + pack(2, 2) + pack(3, 0)}, 62)
    assert [r.sequence for r in trace.cpus[0]] == [2, 4, 5]


def test_text():
    lines = list(tracer.text(a_wake(), a_wake().all()))
    assert lines[0] == "       0.000 us  CPU 0   idle", lines[0]
    assert lines[3] == "      12.000 us  CPU 0   wake          g/0, by gappi-own", lines[3]
    assert lines[6] == "      20.000 us  CPU 0   exit          g/0, HLT at 0", lines[6]


def test_spans():
    assert tracefile.spans(a_wake(), 0) == [
        (100, 110, "idle", None), (110, 115, "host", None), (115, 120, "guest", 0),
        (120, 125, "host", None)]


def test_chrome():
    events = tracer.chrome(a_wake(), a_wake().all())["traceEvents"]
    slices = [(e["name"], e["ts"], e["dur"]) for e in events if e["ph"] == "X"]
    assert slices == [("idle", 0, 10), ("host", 10, 5), ("guest g/0", 15, 5), ("host", 20, 5)]
    flows = [(e["ph"], e["ts"]) for e in events if e["ph"] in "sf"]
    assert flows == [("s", 12), ("f", 13)]


def test_around():
    trace = a_wake()
    assert tracer.around(trace, trace.all(), "gappi-own", 1) == (106, 124)
    try:
        tracer.around(trace, trace.all(), "galog", 1)
    except tracefile.BadTrace as error:
        assert "0 wake-ups by galog" in str(error)
    else:
        assert False


def recorded(rows):
    """rows: (ns, kind, x, a) of CPU 0."""
    data = b"".join(struct.pack("<QQBBHIQQ", ns, 0, kind, 0, x, a, 0, 0) for ns, kind, x, a in rows)
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(struct.pack("<QIIII", sw.MAGIC, sw.VERSION, 40, 1, 0) + data)
    try:
        return sw.load(file.name)
    finally:
        os.unlink(file.name)


RUN = [(5_000, sw.HOST_IRQ, 0xE0, 0), (9_000, sw.POST, 0x51, 0), (9_500, sw.GAPPI, 0x30, 0),
       (10_000, sw.HOST_IRQ, 0x30, 0), (15_000, sw.VMRUN, 0, 0), (19_900, sw.VMEXIT, 0, 0x78),
       (40_000, sw.HOST_IRQ, 0xE0, 0)]


def test_against_the_stopwatch():
    assert tracer.against(a_wake(), recorded(RUN)) == []
    swapped = RUN[:3] + [RUN[4], RUN[3]] + RUN[5:]
    assert "in another order" in tracer.against(a_wake(), recorded(swapped))[0]
    missing = RUN[:4] + RUN[5:]
    assert "other events" in tracer.against(a_wake(), recorded(missing))[0]
    no_gappi = RUN[:2] + RUN[3:]
    assert tracer.against(a_wake(), recorded(no_gappi)) == ["1 GAPPIs in the trace, 0 by the"
                                                            " stopwatch"]
    late = RUN[:5] + [(39_900, sw.VMEXIT, 0, 0x78)] + RUN[6:]
    assert "time stamps differ" in tracer.against(a_wake(), recorded(late))[0]


def test_posts():
    assert tracer.posts_of(a_wake(), recorded(RUN)) == [(109, "post 51")]


def test_picture():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "t.svg")
        trace = a_wake()
        tracer.draw(trace, trace.all(), (104, 126), [path], [(109, "post 51")])
        with open(path, encoding="utf-8") as file:
            picture = file.read()
        for word in ("CPU 0", "guest g/0", "wake", "post 51", "idle"):
            assert word in picture, word


def main():
    passed = failed = 0
    for name, test in sorted(globals().items()):
        if not name.startswith("test_"):
            continue
        try:
            test()
            passed += 1
        except AssertionError as error:
            failed += 1
            print(f"FAILED {name}: {error} (line {error.__traceback__.tb_next.tb_lineno})")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
