#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make soak-linux: half an hour of guest time in which one Linux guest floods another with pings
while their four vCPUs move from pCPU to pCPU and the way of waking is switched. Nothing may be lost:
no packet, no interrupt (one that is lost is found by the driver's watchdog or by the audit, so a
reply that took long is a lost one), no wake-up. At the end notifications are lost on purpose, which
must be noticed. Counted instructions: guest time passes as if the machine were free, and while all
sleep it costs nothing. Leaves out/soak-linux/summary.json."""

import argparse
import json
import os
import random
import re
import sys
import time

import linux_net as net
import run
from qmp import Qmp

sys.path.insert(0, os.path.join(run.ROOT, "tools/report"))
import seriallog  # noqa: E402

OUT = os.path.join(run.ROOT, "out/soak-linux")
PAUSE = 9  # seconds of guest time from one flood to the next
LATE_MS = 100  # of guest time; a flood's replies come within a few
MODES = ("gappi", "galog", "gappi-shared")  # a vCPU that halts natively has to be alone
CPUS = 4
TWIN_ROUNDS, TWIN_LOSES = 6, 20  # in each round, so many notifications after it began
ROUND = re.compile(r"a: GUEST round (\d+) at ([\d.]+) s")
LONGEST = re.compile(r"round-trip min/avg/max = [\d.]+/[\d.]+/([\d.]+) ms")
RESCUES = re.compile(r"^mechanism name=audit .*rescues=(\d+)", re.M)


class Mover:
    """Where the vCPUs are."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.home = {("a", 0): 0, ("a", 1): 1, ("b", 0): 2, ("b", 1): 3}
        self.moves = 0

    def commands(self):
        """Each moves once."""
        for vm, vcpu in self.random.sample(sorted(self.home), len(self.home)):
            to = self.random.choice([c for c in range(CPUS) if c != self.home[vm, vcpu]])
            self.home[vm, vcpu] = to
            self.moves += 1
            yield f"move {vm} {vcpu} {to}"


def write_script(options, mover):
    """The script; numbers of its two commands: the soak, and its twin."""
    script = net.Script()
    flood = f"flood {{}} {options.count} {PAUSE} {net.ADDRESS['b']}"
    main = script.guest("a", flood.format(options.rounds))
    for i in range(1, options.rounds + 1):
        # While the flood is on; each tenth round, one switch of the way of waking among the moves.
        commands = list(mover.commands())
        if i % options.switch == 0:
            mode = MODES[i // options.switch % len(MODES)]
            commands.insert(2, f"halt {'ab'[i // options.switch % 2]} {mode}")
        script.during(rf"a: GUEST round {i} at .*\n", *commands)
    script.host("wakes", until="mechanism name=audit .*\n")
    # A log's next entry would make up for a lost one; a GAPPI comes only when nothing is pending.
    script.host("halt a gappi", "halt b gappi", until="vm b: switched")
    twin = script.guest("a", flood.format(TWIN_ROUNDS))
    script.end()
    return script, main, twin


class Watch:
    """Progress; and the fault, when its time has come."""

    def __init__(self, main, qmp):
        self.main, self.qmp = main, qmp
        self.twin = False
        self.started = time.monotonic()

    def line(self, line):
        found = ROUND.match(line)
        if found or line.startswith(("a: GUEST did", "vm ")):
            print(f"[{time.monotonic() - self.started:5.0f} s] {line}", flush=True)
        self.twin |= line.startswith(f"a: GUEST did {self.main}:")
        if self.twin and found:
            self.qmp.iommu("x-wake-lost", TWIN_LOSES)


def account(text):
    """Of the floods in a part of the serial log."""
    longest = [float(ms) for ms in LONGEST.findall(text)]
    at = [float(s) for _, s in ROUND.findall(text)]
    ping = net.ping_account(text) or {"sent": 0, "received": 0, "duplicates": 0}
    return {**ping, "rounds": len(at), "longest_ms": max(longest, default=None),
            "guest_seconds": round(at[-1] - at[0] + PAUSE, 1) if at else 0}


def judge(options, main, twin, moves, log):
    """Sentences about what was wrong."""
    wrong = []
    if main["sent"] != options.rounds * options.count or main["received"] != main["sent"]:
        wrong.append(f"packets: {main['sent']} sent, {main['received']} came back, expected"
                     f" {options.rounds * options.count}")
    if main["duplicates"]:
        wrong.append(f"{main['duplicates']} packets came twice")
    if main["longest_ms"] is None or main["longest_ms"] > LATE_MS:
        wrong.append(f"a reply took {main['longest_ms']} ms of guest time: an interrupt was lost")
    if main["rescues"] != 0:
        wrong.append(f"the audit woke {main['rescues']} vCPUs")
    if main["guest_seconds"] < options.rounds * PAUSE:
        wrong.append(f"only {main['guest_seconds']} s of guest time")
    moved = sum(v["moves"] for v in log.other.get("vcpu", []))
    if moved != moves:
        wrong.append(f"{moves} moves were asked for, and there were {moved}")
    if not twin["rescues"] and (twin["longest_ms"] or 0) <= LATE_MS:
        wrong.append("the twin: notifications were lost on purpose, and nobody noticed")
    return wrong


def boot(options, script, main):
    inside = lambda name: os.path.join(options.out, name)
    with open(inside("reveille.cfg"), "w", encoding="ascii") as file:
        file.write(net.config(options.nic, cpus={"a": (0, 1), "b": (2, 3)}, halt=MODES[0]))
    with Qmp() as qmp:
        machine = net.machine(options.nic, smp=CPUS, iommu_properties=["id=iommu0"],
                              more=qmp.arguments)
        result = run.run(inside("reveille.cfg"), machine, options.efi, options.timeout,
                         inside("serial.log"), Watch(main, qmp).line, typed=script.typed)
    return result, run.environment(result, machine)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="of guest time")
    parser.add_argument("--count", type=int, default=500, help="packets of each flood")
    parser.add_argument("--nic", choices=net.NICS, default="igb")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", default=OUT)
    parser.add_argument("--efi", default=os.path.join(run.ROOT, "build/reveille.efi"))
    parser.add_argument("--timeout", type=float, default=5400)
    options = parser.parse_args()
    options.rounds = max(2, round(options.minutes * 60 / PAUSE + 0.5))
    options.switch = max(1, min(10, options.rounds // 4))
    return options


def main():
    options = arguments()
    os.makedirs(options.out, exist_ok=True)
    mover = Mover(options.seed)
    script, command, twin_command = write_script(options, mover)
    result, environment = boot(options, script, command)
    found = account((net.answer(result.serial, command) or ("",))[0])
    twin = account((net.answer(result.serial, twin_command) or ("",))[0])
    log = seriallog.SerialLog(result.serial)
    rescued = RESCUES.search(result.serial)
    found["rescues"] = int(rescued.group(1)) if rescued else None
    audit = [m["rescues"] for m in log.other.get("mechanism", []) if m.get("name") == "audit"]
    twin["rescues"] = audit[0] if audit else 0
    wrong = list(result.strict)
    if result.outcome != "done" or result.status:
        wrong.append(f"the machine ended with {result.outcome}, status {result.status}:"
                     f" {result.errors[-300:]}")
    wrong += judge(options, found, twin, mover.moves, log)
    summary = {
        "schema": 1, "note": "counts under emulation; times are guest time, not real",
        "nic": options.nic, "moves": mover.moves, "soak": found, "twin": twin, "wrong": wrong,
        "messages": log.other.get("message", []), "vcpus": log.other.get("vcpu", []),
        "environment": environment, "ok": not wrong,
    }
    with open(os.path.join(options.out, "summary.json"), "w", encoding="utf-8") as file:
        json.dump(summary, file, indent=1)
        file.write("\n")
    for sentence in wrong:
        print("soak-linux: FAIL", sentence)
    print(f"soak-linux: {found['guest_seconds']:.0f} s of guest time, {found['received']} of"
          f" {found['sent']} packets back, {found['duplicates']} twice, the longest after"
          f" {found['longest_ms']} ms; {mover.moves} moves; rescues {found['rescues']}; in the twin"
          f" {twin['rescues']} and {twin['longest_ms']} ms; {environment['seconds']:.0f} s: {'ok' if not wrong else 'FAILED'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
