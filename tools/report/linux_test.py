#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tests of demo-linux's account of an arm and of its goals, on recordings made by hand, and of its
peer's door."""

import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import demo_linux  # noqa: E402
import linux_arms  # noqa: E402
import linux_net  # noqa: E402
import linux_peer  # noqa: E402
import measure  # noqa: E402
import report_test as made  # noqa: E402
import stopwatch as sw  # noqa: E402

DEVICE, TIMER, KICK, LOG = 0x18, 0xE0, 0xE1, 0xD9


def account(machine, until=None):
    """Of the device's guest on CPU 0, in arm 11."""
    recording = machine.recording()
    [(_, begin, end)] = measure.marks(recording)
    return linux_arms.Guests(recording).guest(
        (0,), DEVICE, begin, end, until or len(recording.records))


def ways(found):
    return {p: w for p, w in found["interrupts"]["exits_in_the_way"].items() if w}


def exit_and_entry(machine, code, vector=None):
    machine.add(sw.VMEXIT, 0, a=code, b=made.VMCB)
    if vector:
        machine.add(sw.HOST_IRQ, 0, x=vector)
    machine.add(sw.VMRUN, 0, b=made.VMCB, c=made.PAGE | 1)


def virq(machine):
    machine.add(sw.VIRQ, 0, x=0x51, b=made.VMCB, c=made.PAGE)


def running(machine):
    machine.start()
    machine.mark(11)
    machine.post()
    return machine


def test_halted_vcpu():
    found = account(made.halted_arm())
    assert ways(found) == {"halted": {1: 3}}, found
    assert found["interrupts"]["lost"] == found["interrupts"]["duplicates"] == 0
    assert found["exits"]["halt"] == 3, found


def test_running_vcpu():
    m = running(made.Machine())
    virq(m)
    m.mark(11)
    found = account(m)
    assert ways(found) == {"running": {0: 1}}, found
    assert sum(found["exits"].values()) == 0


def test_an_exit_in_the_way():
    m = running(made.Machine())
    exit_and_entry(m, 0x400)
    virq(m)
    m.mark(11)
    assert ways(account(m)) == {"running": {1: 1}}


def test_timer_ipis_and_others_log_entries_are_not_in_the_way():
    m = running(made.Machine())
    exit_and_entry(m, sw.EXIT_INTR, TIMER)
    exit_and_entry(m, linux_arms.EXIT_MSR)
    exit_and_entry(m, 0x401)
    exit_and_entry(m, sw.EXIT_INTR, KICK)
    exit_and_entry(m, sw.EXIT_INTR, LOG)
    virq(m)
    m.mark(11)
    found = account(m)
    assert ways(found) == {"running": {0: 1}}, found
    assert found["exits"]["apic"] == 2 and found["exits"]["log"] == 1


def test_another_interrupt_of_the_host_is():
    m = running(made.Machine())
    exit_and_entry(m, sw.EXIT_INTR, 0x30)
    virq(m)
    m.mark(11)
    found = account(m)
    assert ways(found) == {"running": {1: 1}} and found["exits"]["host interrupt"] == 1, found


def test_it_was_about_to_halt():
    m = made.Machine()
    m.start()
    m.mark(11)
    m.halt()
    m.post()
    m.add(sw.VMRUN, 0, b=made.VMCB, c=made.PAGE | 1)
    exit_and_entry(m, sw.EXIT_INTR, 0x30)
    virq(m)
    m.mark(11)
    assert ways(account(m)) == {"halting": {2: 1}}


def test_it_halts_next():
    m = running(made.Machine())
    exit_and_entry(m, 0x401)
    exit_and_entry(m, sw.EXIT_HLT)
    virq(m)
    m.mark(11)
    assert ways(account(m)) == {"halting": {1: 1}}


def test_lost_and_twice():
    m = running(made.Machine())
    virq(m)
    virq(m)
    m.post()
    m.mark(11)
    found = account(m)["interrupts"]
    assert (found["lost"], found["duplicates"], found["delivered"]) == (1, 1, 1), found
    virq(m)
    assert account(m)["interrupts"]["lost"] == 0


def test_remapped():
    m = made.Machine()
    m.start()
    m.mark(11)
    m.add(sw.REMAP, 1, x=0x31, c=DEVICE)
    m.add(sw.REMAP, 1, x=0x31, c=DEVICE + 8)
    m.mark(11)
    assert account(m)["interrupts"]["remapped"] == 1


def test_answers_of_a_command():
    serial = ("a: GUEST did 6: 1 packets\n9 packets transmitted, 1 packets received, 88% loss\n"
              "GUEST did 6: 1 packets\na: 20 packets transmitted, 19 packets received, 2 duplicates,"
              " 5% packet loss\na: GUEST did 7: 23 packets\n")
    text, packets = linux_net.answer(serial, 7)
    assert packets == 23
    assert linux_net.ping_account(text) == {"sent": 20, "received": 19, "duplicates": 2}
    assert linux_net.answer(serial, 8) is None and linux_net.ping_account("") is None


def arm(load, mode, received=10, guest_b=None, interrupts=None, **ways_of):
    """An arm's figures. guest_b: what is different there; interrupts: what is different in a."""
    account = {"posts": 10, "delivered": 10, "lost": 0, "duplicates": 0, "remapped": 0,
               "exits_in_the_way": {"running": {}, "halting": {}, "halted": {}, **ways_of}}
    if mode == "emulated":
        account.update(posts=0, delivered=0, remapped=10)
    guests = {"a": {"interrupts": {**account, **(interrupts or {})},
                    "exits": {"halt": 0 if ways_of.get("running") else 10}}}
    guests["b"] = guest_b or guests["a"]
    return {"name": load, "mode": mode, "load": load, "packets": 10, "guests": guests,
            "mbit_per_virtual_second": 3.5,
            "ping": {"sent": 10, "received": received, "duplicates": 0}}


def missed(figures):
    goals = demo_linux.Goals()
    demo_linux.judge_arm(goals, figures)
    return [g["name"] for g in goals.list if not g["ok"]]


NOTHING = {"interrupts": {"posts": 0, "delivered": 0, "lost": 0, "duplicates": 0, "remapped": 0,
                          "exits_in_the_way": {"running": {}, "halting": {}, "halted": {}}},
           "exits": {"halt": 0}}


def test_goals_of_a_flood():
    assert not missed(arm("flood-busy", "galog", running={0: 10}))
    assert not missed(arm("flood-idle", "native", running={0: 10}))
    assert not missed(arm("flood-idle", "gappi", halted={1: 9}, halting={2: 1}))
    assert missed(arm("flood-idle", "gappi", halted={1: 9, 2: 1}))
    assert missed(arm("flood-idle", "gappi", running={0: 10}))
    assert missed(arm("flood-busy", "galog", running={0: 9, 1: 1}))
    assert missed(arm("flood-busy", "galog", halted={1: 10}))
    assert missed(arm("flood-busy", "galog", received=9, running={0: 10}))
    for spoiled in ({"lost": 1}, {"duplicates": 1}, {"remapped": 1}, {"delivered": 1}):
        assert missed(arm("flood-busy", "galog", running={0: 10}, interrupts=spoiled)), spoiled


def test_goals_of_the_peers_arms():
    """Nothing comes to b."""
    for load in ("flood-peer", "tftp-peer"):
        assert not missed(arm(load, "galog", halted={1: 9}, running={0: 1}, guest_b=NOTHING))
        assert missed(arm(load, "galog", halted={1: 9}, running={1: 1}, guest_b=NOTHING))
        assert missed(arm(load, "galog", halted={2: 1}, guest_b=NOTHING))
        assert missed(arm(load, "galog", halted={1: 9}, interrupts={"delivered": 1},
                          guest_b=NOTHING))
        assert missed(arm(load, "native", halted={1: 10}, guest_b=NOTHING))
    assert missed(arm("flood-peer", "galog", received=9, halted={1: 9}, guest_b=NOTHING))
    assert missed(arm("flood-idle", "galog", halted={1: 9}, guest_b=NOTHING))


def test_goals_of_a_stream():
    good = arm("iperf-peer", "galog", running={0: 4}, halted={1: 6}, guest_b=NOTHING)
    assert not missed(good)
    assert not missed({**good, "packets": 100})
    assert missed({**good, "packets": 110})
    assert missed({**good, "packets": 9})
    assert missed({**good, "mbit_per_virtual_second": None})
    assert missed(arm("iperf", "galog", running={0: 4, 1: 1}, halted={1: 6}))
    assert missed(arm("iperf-peer", "galog", running={0: 4}, halted={1: 6},
                      guest_b={**NOTHING, "exits": {"halt": 1}}))


def test_emulated_is_the_twin_of_posted():
    for load in ("flood-idle", "flood-busy", "iperf"):
        calm = {"running": {}} if load != "flood-busy" else {"running": {0: 1}} # for its HLTs
        assert not missed(arm(load, "emulated", **calm))
        for spoiled in ({"remapped": 0}, {"posts": 1}):
            assert missed(arm(load, "emulated", interrupts=spoiled, **calm)), (load, spoiled)
        assert missed(arm(load, "galog", halted={1: 10}, interrupts={"remapped": 1}))
    assert not missed(arm("flood-peer", "emulated", guest_b=NOTHING))
    assert missed(arm("flood-peer", "emulated", interrupts={"remapped": 0}, guest_b=NOTHING))
    for mode, what in (("emulated", "posts"), ("galog", "remapped")):
        b = {**NOTHING, "interrupts": {**NOTHING["interrupts"], what: 1}}
        assert missed(arm("flood-peer", mode, halted={1: 10}, guest_b=b))


def test_who_is_busy_when():
    typed = [text.decode() for _, text in demo_linux.write_script(
        demo_linux.plan(["galog"], ["flood-busy", "iperf-peer", "tftp-peer"]), 7, 8).typed]
    words = [w for t in typed for w in t.split() if w in ("busy", "calm", "ping", "iperf3", "tftp")]
    # iperf3: b's own, for the guests' arms, comes first.
    assert words == ["iperf3", "busy", "busy", "ping", "calm", "iperf3", "calm", "tftp"], words


def test_the_peers_door():
    with socket.create_server(("127.0.0.1", 0)) as server:
        guest, inside = socket.socketpair()
        with subprocess.Popen([sys.executable, linux_peer.__file__,
                               str(server.getsockname()[1])], stdin=inside) as carrier:
            inside.close()
            host = server.accept()[0]
            guest.sendall(b"there")
            assert host.recv(9) == b"there"
            host.sendall(b"back")
            assert guest.recv(9) == b"back"
            guest.shutdown(socket.SHUT_WR)
            assert host.recv(9) == b""
            host.close()
            assert guest.recv(9) == b"" and carrier.wait(20) == 0
        guest.close()


if __name__ == "__main__":
    sys.exit(made.main(globals()))
