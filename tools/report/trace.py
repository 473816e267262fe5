#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Decodes a trace (trace = on in reveille.cfg): to text, a timeline picture, and the JSON that
Perfetto and Chrome's tracing page read. Input is the serial log of the run, or rings that a
debugger saved (--ring CPU=FILE; docs/watching.md)."""

import argparse
import json
import sys

import stopwatch
import tracefile


def text(trace, records):
    start = records[0].ticks if records else 0
    for r in records:
        yield (f"{trace.us(r.ticks - start):12.3f} us  CPU {r.cpu:<3} {r.kind:14}"
               f"{tracefile.details(trace, r)}").rstrip()


def chrome(trace, records):
    """One process; a thread for each pCPU: slices for guest and idle, instants for the rest, an
    arrow from each wake-up to the load that it led to."""
    start = records[0].ticks if records else 0
    at = lambda ticks: round(trace.us(ticks - start), 3)
    events = [{"ph": "M", "pid": 0, "name": "process_name", "args": {"name": "Reveille"}}]
    for cpu in sorted(trace.cpus):
        events.append({"ph": "M", "pid": 0, "tid": cpu, "name": "thread_name",
                       "args": {"name": f"CPU {cpu}"}})
        for begin, end, mode, who in tracefile.spans(trace, cpu):
            name = mode if who is None else f"guest {trace.name(who)}"
            events.append({"ph": "X", "pid": 0, "tid": cpu, "ts": at(begin),
                           "dur": at(end) - at(begin), "cat": mode, "name": name})
    waiting = {}
    for r in records:
        if r.kind not in ("vmrun", "idle"):
            events.append({"ph": "i", "s": "t", "pid": 0, "tid": r.cpu, "ts": at(r.ticks),
                           "cat": r.kind, "name": r.kind,
                           "args": {"what": tracefile.details(trace, r)}})
        if r.kind == "wake":
            waiting[r.vcpu] = r
        elif r.kind == "load" and r.vcpu in waiting:
            wake = waiting.pop(r.vcpu)
            flow = {"pid": 0, "cat": "wake", "name": "wake", "id": f"{wake.cpu}.{wake.sequence}"}
            events.append({**flow, "ph": "s", "tid": wake.cpu, "ts": at(wake.ticks)})
            events.append({**flow, "ph": "f", "bp": "e", "tid": r.cpu, "ts": at(r.ticks)})
    return {"traceEvents": events, "displayTimeUnit": "ns"}


def around(trace, records, cause, number):
    """The number-th wake-up by a mechanism, from a little before its interrupt to the next block of
    the same vCPU: (first, last) in ticks."""
    wakes = [r for r in records if r.kind == "wake" and tracefile.CAUSES[r.x] == cause]
    if len(wakes) < number:
        raise tracefile.BadTrace(f"{len(wakes)} wake-ups by {cause}, wanted number {number}")
    wake = wakes[number - 1]
    before = [r for r in trace.cpus[wake.cpu] if r.kind == "host-irq" and r.ticks <= wake.ticks]
    blocks = [r for r in records if r.kind == "block" and r.vcpu == wake.vcpu
              and r.ticks > wake.ticks]
    first = before[-1].ticks if before else wake.ticks
    last = blocks[0].ticks if blocks else records[-1].ticks
    edge = (last - first) // 3
    return first - edge, last + edge // 2


def draw(trace, records, window, paths, posts=()):
    """One row a pCPU. posts: [(ticks, sentence)] of what no hypervisor sees, from the stopwatch."""
    import matplotlib  # only where a picture is wanted

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "reveille"
    matplotlib.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot

    first, last = window
    cpus = sorted(trace.cpus)
    colours = {"guest": "#4c9f70", "host": "#d1495b", "idle": "#dddddd"}
    figure, axes = pyplot.subplots(figsize=(11, 1.3 + 1.9 * len(cpus)))
    us = lambda ticks: trace.us(ticks - first)
    for row, cpu in enumerate(cpus):
        for begin, end, mode, who in tracefile.spans(trace, cpu):
            begin, end = max(begin, first), min(end, last)
            if begin >= end:
                continue
            axes.broken_barh([(us(begin), us(end) - us(begin))], (row - 0.16, 0.32),
                             color=colours[mode])
            if us(end) - us(begin) > us(last) / 12:
                label = mode if who is None else f"guest {trace.name(who)}"
                axes.text(us((begin + end) // 2), row, label, ha="center", va="center", fontsize=8)
        seen = [r for r in trace.cpus[cpu] if first <= r.ticks <= last
                and r.kind not in ("vmrun", "exit", "idle")]
        for n, r in enumerate(seen):
            height = 0.2 + 0.075 * (n % 4)
            axes.plot([us(r.ticks)] * 2, [row, row - height], color="#333333", linewidth=0.6)
            what = r.kind + (f" {r.x:02x}" if r.kind == "host-irq" else "")
            axes.text(us(r.ticks), row - height, what, fontsize=7, ha="left", va="bottom")
    for ticks, what in posts:
        if first <= ticks <= last:
            axes.axvline(us(ticks), color="#30638e", linestyle=":")
            axes.text(us(ticks), len(cpus) - 0.62, what, fontsize=8, color="#30638e", ha="left")
    axes.set_yticks(range(len(cpus)), [f"CPU {c}" for c in cpus])
    axes.set_ylim(len(cpus) - 0.45, -0.65)
    axes.set_xlim(0, us(last))
    axes.set_xlabel("microseconds of the time stamp counter (emulated: instructions, not time)")
    axes.legend(handles=[pyplot.Rectangle((0, 0), 1, 1, color=c) for c in colours.values()],
                labels=list(colours), loc="lower right", fontsize=8, ncols=3)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    for path in paths:
        figure.savefig(path, metadata={"Date": None} if path.endswith(".svg") else {})
    pyplot.close(figure)


def sequence(trace, cpu):
    """What both the trace and the stopwatch see of a CPU: [(kind, number)], and the ticks."""
    seen = [r for r in trace.cpus[cpu] if r.kind in ("host-irq", "vmrun", "exit")]
    number = {"host-irq": lambda r: r.x, "vmrun": lambda r: 0, "exit": lambda r: r.a}
    return [(r.kind, number[r.kind](r)) for r in seen], [r.ticks for r in seen]


def watched(recording, cpu):
    """The same by the stopwatch, with nanoseconds."""
    names = {stopwatch.HOST_IRQ: "host-irq", stopwatch.VMRUN: "vmrun", stopwatch.VMEXIT: "exit"}
    rows = recording.records[(recording.cpu == cpu)]
    rows = [r for r in rows if int(r["kind"]) in names]
    number = {"host-irq": "x", "exit": "a"}
    result = []
    for r in rows:
        kind = names[int(r["kind"])]
        result.append((kind, int(r[number[kind]]) if kind in number else 0))
    return result, [int(r["time_ns"]) for r in rows]


AFTER_THE_DUMP = 400  # interrupts that a CPU may have taken since


def align(trace, recording):
    """For each CPU the same events of both in pairs: [(ticks, ns)]. BadTrace where the order is
    another one."""
    pairs = []
    for cpu in sorted(trace.cpus):
        ours, ticks = sequence(trace, cpu)
        theirs, ns = watched(recording, cpu)
        if not ours:
            continue
        for later in range(AFTER_THE_DUMP):
            end = len(theirs) - later
            if end >= len(ours) and theirs[end - len(ours):end] == ours:
                pairs += zip(ticks, ns[end - len(ours):end])
                break
        else:
            raise tracefile.BadTrace(f"CPU {cpu}: the stopwatch saw other events than the trace,"
                                     " or in another order")
    return pairs


SPREAD_NS = 8000  # from an exit to the record of it


def against(trace, recording):
    """Sentences about where the trace and the stopwatch differ."""
    try:
        pairs = align(trace, recording)
    except tracefile.BadTrace as error:
        return [str(error)]
    wrong = []
    offsets = [ns - 1000 * trace.us(ticks) for ticks, ns in pairs]
    if not offsets:
        return ["nothing that both have seen"]
    if max(offsets) - min(offsets) > SPREAD_NS:
        wrong.append(f"time stamps differ by up to {max(offsets) - min(offsets):.0f} ns")
    if not all(trace.complete.values()):
        return wrong + ["older records were overwritten: a bigger ring is needed to compare"]
    records, rows = trace.all(), recording.records
    tags = [r.a for r in records if r.kind == "galog-entry"]
    theirs = [int(r["a"]) for r in rows[rows["kind"] == stopwatch.GALOG]]
    if tags != theirs:
        wrong.append(f"GA log: {len(tags)} entries in the trace, {len(theirs)} by the stopwatch,"
                     " or in another order")
    gappis = sum(r.kind == "gappi" for r in records)
    if gappis != int((rows["kind"] == stopwatch.GAPPI).sum()):
        wrong.append(f"{gappis} GAPPIs in the trace, {int((rows['kind'] == stopwatch.GAPPI).sum())}"
                     " by the stopwatch")
    return wrong


def posts_of(trace, recording):
    """Posts by devices, which no hypervisor sees: [(ticks, sentence)]."""
    pairs = align(trace, recording)
    offset = max(ns - 1000 * trace.us(ticks) for ticks, ns in pairs)
    rows = recording.records[recording.kind == stopwatch.POST]
    return [(int((int(r["time_ns"]) - offset) * trace.ticks_per_us / 1000),
             f"post {int(r['x']):02x}") for r in rows]


def load(options):
    if options.ring:
        rings = {}
        for ring in options.ring:
            cpu, _, path = ring.partition("=")
            with open(path, "rb") as file:
                rings[int(cpu)] = file.read()
        return tracefile.from_memory(rings, options.ticks_per_us)
    with open(options.serial, encoding="utf-8", errors="replace") as file:
        return tracefile.from_log(file.read())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("serial", nargs="?", help="serial log")
    parser.add_argument("--ring", action="append", metavar="CPU=FILE")
    parser.add_argument("--ticks-per-us", type=int, default=1)
    parser.add_argument("--stopwatch", metavar="FILE", help="of the same run: compared with the"
                        " trace, and devices' posts go into the picture")
    parser.add_argument("--text", metavar="FILE", help="default: standard output")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--picture", action="append", metavar="FILE", default=[])
    parser.add_argument("--cause", default="gappi-own", choices=tracefile.CAUSES,
                        help="of the wake-up in the picture")
    parser.add_argument("--number", type=int, default=1, help="which of these")
    options = parser.parse_args()
    if not options.serial and not options.ring:
        parser.error("a serial log or --ring")
    try:
        trace = load(options)
        records = trace.all()
        if not records:
            raise tracefile.BadTrace("no trace in there: it needs trace = on")
        out = open(options.text, "w", encoding="utf-8") if options.text else sys.stdout
        out.writelines(line + "\n" for line in text(trace, records))
        if options.json:
            with open(options.json, "w", encoding="utf-8") as file:
                json.dump(chrome(trace, records), file)
        recording = stopwatch.load(options.stopwatch) if options.stopwatch else None
        wrong = against(trace, recording) if recording else []
        if options.picture:
            draw(trace, records, around(trace, records, options.cause, options.number),
                 options.picture, posts_of(trace, recording) if recording else ())
    except tracefile.BadTrace as error:
        sys.exit(f"trace: {error}")
    for line in wrong:
        print(f"trace: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
