#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make demo-linux: two VMs with Debian's kernel and two vCPUs, each with a NIC of its own on a
network inside QEMU, while the ways of waking and of delivery are switched: ping flood and iperf3
between them and with a peer. Exits per packet and interrupt by the stopwatch; table,
summary.json and pictures in out/linux. Fails where a goal is missed."""

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time

import linux_net as net
import linux_peer
import run

sys.path.insert(0, os.path.join(run.ROOT, "tools/report"))
import linux_arms  # noqa: E402
import measure  # noqa: E402
import seriallog  # noqa: E402
import stopwatch as sw  # noqa: E402

OUT = os.path.join(run.ROOT, "out/linux")
MODES = ("native", "galog", "gappi", "emulated")
POSTED = MODES[:3]
CLOSING = 199  # the mark behind the last arm
# What a command says goes to the console when the arm is over: each byte is an exit.
SAY = " >/tmp/said; grep -E 'packets|receiver' /tmp/said"
FLOOD = "{mark} ping -q -A -c {count} -W 3 %s" + SAY
LOADS = {
    "flood-idle": FLOOD % net.ADDRESS["b"],
    "flood-busy": FLOOD % net.ADDRESS["b"],
    "iperf-peer": f"{{mark}} iperf3 -c {linux_peer.ADDRESS} -R -f k -n {{kib}}K" + SAY,
    "flood-peer": FLOOD % net.PEER,
    "iperf": f"{{mark}} iperf3 -c {net.ADDRESS6['b']} -R -f k -n {{kib}}K" + SAY,
    "tftp-peer": f"{{mark}} tftp -g -b 1468 -l /dev/null -r data {net.PEER}",
}
# Whose vCPUs have something else to do. Beside iperf-peer because virtual time passes at once while
# everybody sleeps, and would run out before a process outside can answer.
BUSY = {"flood-busy": "ab", "iperf-peer": "b"}


class Arm:
    def __init__(self, number, mode, load):
        self.number, self.mode, self.load = number, mode, load
        self.name = f"{load}, {mode}"
        self.command = None  # its number in the script
        self.figures = {}


def plan(modes, loads):
    return [Arm(100 + i, m, l) for i, (m, l) in enumerate((m, l) for m in modes for l in loads)]


def turn(script, mode):
    """Both guests to a mode."""
    how = "delivery {} emulated" if mode == "emulated" else f"halt {{}} {mode}"
    script.host(how.format("a"), how.format("b"), until="vm b: switched")


def write_script(arms, count, kib):
    script, mode, busy = net.Script(), POSTED[0], ""
    for name in "ab":
        script.guest(name, f"ip addr add {net.ADDRESS6[name]}/64 dev eth0")
    script.guest("b", "iperf3 -s >/tmp/iperf3 2>&1 &")
    for arm in arms:
        if arm.mode != mode:
            mode = arm.mode
            turn(script, mode)
        wanted = BUSY.get(arm.load, "")
        for name in "ab":
            if (name in wanted) != (name in busy):
                script.guest(name, "busy" if name in wanted else "calm")
        busy = wanted
        command = LOADS[arm.load].format(mark=f"mark {arm.number} 0", count=count, kib=kib)
        arm.command = script.guest("a", command)
    script.guest("a", f"mark {CLOSING} 0")
    script.end()
    return script


def measure_arms(arms, nic, recording, serial):
    """Fills in the arms' figures; sentences about what is missing."""
    marks = {number: (begin, end) for number, begin, end in measure.marks(recording)}
    guests, wrong = linux_arms.Guests(recording), []
    bounds = sorted(begin for begin, _ in marks.values())
    for arm in arms:
        said = net.answer(serial, arm.command)
        if arm.number not in marks or not said:
            wrong.append(f"{arm.name}: did not come to its end")
            continue
        begin, end = marks[arm.number]
        until = next((b for b in bounds if b > end), len(recording.records))
        time_ns = recording.records["time_ns"]
        seconds = int(time_ns[end] - time_ns[begin]) / 1e9
        arm.figures = {
            "name": arm.name, "mode": arm.mode, "load": arm.load,
            "virtual_seconds": round(seconds, 4), "packets": said[1],
            "packets_per_virtual_second": round(said[1] / seconds),
            "ping": net.ping_account(said[0]) if arm.load.startswith("flood") else None,
            "mbit_per_virtual_second":
                net.iperf_mbits(said[0]) if arm.load.startswith("iperf") else None,
            "guests": {n: guests.guest(net.CPUS[n], net.NICS[nic].device[n], begin, end, until)
                       for n in "ab"},
        }
        exits = arm.figures["guests"]["a"]["exits"]
        arm.figures["exits_per_packet"] = {
            reason: round(n / max(said[1], 1), 4) for reason, n in exits.items()}
    return wrong


# For one interrupt, by where it found the vCPU. Halting: the HLT exits, and a GAPPI that was sent
# when nobody needed it any more ends the guest's next entry.
EXITS = {"running": 0, "halting": 2, "halted": 1}


class Goals:
    def __init__(self):
        self.list = []

    def most(self, name, value, limit):
        self.list.append({"name": name, "value": value, "limit": limit,
                          "ok": value is not None and value <= limit})

    def least(self, name, value, limit):
        self.list.append({"name": name, "value": value, "at_least": limit,
                          "ok": value is not None and value >= limit})


def judge_ping(goals, figures):
    name, ping = figures["name"], figures["ping"]
    goals.most(f"{name}: packets lost", ping["sent"] - ping["received"] if ping else None, 0)
    goals.most(f"{name}: packets twice", ping["duplicates"] if ping else None, 0)


def judge_ways(goals, figures, guest):
    """What the interrupts that were posted cost."""
    account, name = figures["guests"][guest]["interrupts"], f"{figures['name']}: {guest}"
    for place, limit in EXITS.items():
        ways = account["exits_in_the_way"][place]
        if ways:
            goals.most(f"{name}: exits for one interrupt that found the vCPU {place}", max(ways),
                       limit)


def judge_interrupts(goals, figures, guest):
    """Of a guest that packets come to."""
    load, mode, name = figures["load"], figures["mode"], f"{figures['name']}: {guest}"
    account = figures["guests"][guest]["interrupts"]
    # A stream has several packets for an interrupt: it is polled while more come.
    enough = max(figures["packets"] // (10 if load.startswith("iperf") else 4), 1)
    if mode not in POSTED:
        goals.least(f"{name}: interrupts remapped to the host", account["remapped"], enough)
        return
    goals.least(f"{name}: interrupts", account["delivered"], enough)
    judge_ways(goals, figures, guest)
    if load == "flood-idle" and mode != "native":
        halted = sum(account["exits_in_the_way"]["halted"].values()) / max(account["delivered"], 1)
        goals.least(f"{name}: share that found the vCPU halted", round(halted, 3), 0.1)


def judge_arm(goals, figures):
    load, mode, name = figures["load"], figures["mode"], figures["name"]
    goals.least(f"{name}: packets", figures["packets"], 10)
    if load.startswith("flood"):
        judge_ping(goals, figures)
    elif load.startswith("iperf"):
        goals.least(f"{name}: Mbit in a second", figures["mbit_per_virtual_second"], 0.1)
    for guest, of in figures["guests"].items():
        for what in ("lost", "duplicates"):
            goals.most(f"{name}: {guest}: interrupts {what}", of["interrupts"][what], 0)
        # Each way is the other's twin: what must not come in the one has to come in the other.
        wrong_way = "remapped" if mode in POSTED else "posts"
        goals.most(f"{name}: {guest}: interrupts {wrong_way}", of["interrupts"][wrong_way], 0)
        # A peer has nothing to say to b.
        if guest == "a" or not load.endswith("-peer"):
            judge_interrupts(goals, figures, guest)
        if mode == "native" or guest in BUSY.get(load, ""):
            goals.most(f"{name}: {guest}: exits by HLT", of["exits"]["halt"], 0)


def judge(arms, log):
    goals = Goals()
    for arm in arms:
        if arm.figures:
            judge_arm(goals, arm.figures)
    audit = [m for m in log.other.get("mechanism", []) if m.get("name") == "audit"]
    goals.most("vCPUs that only the audit woke", audit[0]["rescues"] if audit else None, 0)
    return goals.list


def print_table(arms):
    print(f"{'load':11} {'mode':9} {'packets':>8} {'/s':>7} {'Mbit/s':>7} {'interrupts':>10}"
          f" {'remapped':>8} {'lost':>4} {'halted':>6} {'exits in the way':>18}"
          f"  exits per packet: {', '.join(linux_arms.REASONS)}")
    for f in sorted((a.figures for a in arms if a.figures), key=lambda f: list(LOADS).index(f["load"])):
        i = f["guests"]["a"]["interrupts"]
        ways = " ".join(f"{n}:{c}" for n, c in linux_arms.ways(i).items())
        print(f"{f['load']:11} {f['mode']:9} {f['packets']:8} {f['packets_per_virtual_second']:7}"
              f" {f['mbit_per_virtual_second'] or '':7} {i['delivered']:10} {i['remapped']:8}"
              f" {i['lost']:4} {sum(i['exits_in_the_way']['halted'].values()):6}"
              f" {ways or '-':>18}  "
              + " ".join(f"{n:7.3f}" for n in f["exits_per_packet"].values()))
    print("(guest a; exits in the way: from the NIC's interrupt to its delivery, the HLT before it"
          " included, the guest's own IPIs and timer not: how many, and of how many interrupts;\n"
          " counts under emulation: they mean something; seconds are virtual: they don't)")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000, help="packets of each flood")
    parser.add_argument("--kib", type=int, default=4096, help="what iperf3 and the peer are sent")
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--loads", default=",".join(LOADS))
    parser.add_argument("--nic", choices=net.NICS, default="igbvf")
    parser.add_argument("--short", action="store_true", help="as in make check")
    parser.add_argument("--out", default=OUT)
    parser.add_argument("--efi", default=os.path.join(run.ROOT, "build/reveille.efi"))
    parser.add_argument("--timeout", type=float, default=1500)
    parser.add_argument("--keep", action="store_true", help="keep the stopwatch's file")
    options = parser.parse_args()
    if options.short:
        options.count, options.kib = 150, 256
        options.loads = ",".join(load for load in LOADS if load != "tftp-peer")
    return options


@contextlib.contextmanager
def door(arms, log):
    """What the user network has for arms with a server on this machine, while it runs."""
    if not any(a.load == "iperf-peer" for a in arms):
        yield ""
        return
    with tempfile.TemporaryDirectory() as folder:
        with linux_peer.Peer(net.guest.host_iperf3(folder), log) as peer:
            yield peer.door()


def boot(options, script, inside, way_out):
    """Runs the script; the result, with a line of progress for each step."""
    config = inside("reveille.cfg")
    with open(config, "w", encoding="ascii") as file:
        file.write(net.config(options.nic, POSTED[0]))
    os.makedirs(inside("tftp"), exist_ok=True)
    with open(inside("tftp/data"), "wb") as file:
        file.write(bytes(options.kib * 1024))
    machine = net.machine(options.nic, stopwatch=inside("stopwatch.bin"),
                          peer=f",tftp={inside('tftp')}{way_out}")
    started = time.monotonic()

    def progress(line):
        if line.startswith(("a: GUEST", "b: GUEST", "vm ")): # not what a console shows again
            print(f"[{time.monotonic() - started:4.0f} s] {line}", flush=True)

    result = run.run(config, machine, options.efi, options.timeout, inside("serial.log"), progress,
                     typed=script.typed)
    with open(inside("environment.json"), "w", encoding="utf-8") as file:
        json.dump(run.environment(result, machine), file, indent=1)
    return result, run.environment(result, machine)


def main():
    options = arguments()
    os.makedirs(options.out, exist_ok=True)
    inside = lambda name: os.path.join(options.out, name)
    arms = plan(options.modes.split(","), options.loads.split(","))
    script = write_script(arms, options.count, options.kib)
    with door(arms, inside("peer.log")) as way_out:
        result, environment = boot(options, script, inside, way_out)
    wrong = list(result.strict)
    if result.outcome != "done" or result.status:
        wrong.append(f"the machine ended with {result.outcome}, status {result.status}:"
                     f" {result.errors[-300:]}")
    wrong += measure_arms(arms, options.nic, sw.load(inside("stopwatch.bin")), result.serial)
    if not options.keep:
        os.unlink(inside("stopwatch.bin"))
    log = seriallog.SerialLog(result.serial)
    goals = judge(arms, log)
    missed = [g for g in goals if not g["ok"]]
    summary = {
        "schema": 1, "system": "reveille",
        "note": "counts under emulation mean something; times, and so throughput, do not",
        "nic": options.nic, "environment": environment,
        "arms": [a.figures for a in arms if a.figures],
        "messages": log.other.get("message", []), "vcpus": log.other.get("vcpu", []),
        "mechanisms": log.other.get("mechanism", []),
        "goals": goals, "wrong": wrong, "ok": not wrong and not missed,
    }
    with open(inside("summary.json"), "w", encoding="utf-8") as file:
        json.dump(summary, file, indent=1)
        file.write("\n")
    if summary["arms"]:
        import linux_plot  # matplotlib only where there is something to draw

        linux_plot.draw(summary["arms"], [inside(f"linux.{e}") for e in ("svg", "png")])
    print_table(arms)
    for sentence in wrong:
        print(f"demo-linux: FAIL {sentence}")
    for g in missed:
        limit = g.get("limit", f"at least {g.get('at_least')}")
        print(f"demo-linux: GOAL MISSED: {g['name']}: {g['value']}, limit {limit}")
    print(f"demo-linux: {len(goals) - len(missed)} of {len(goals)} goals reached; files in"
          f" {options.out}")
    return 0 if summary["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
