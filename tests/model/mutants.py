# SPDX-License-Identifier: MIT
"""What tests/model/run.py checks: each model, and each line of the protocol left out or moved.

MODELS: name -> (file, definitions). MUTANTS, HARDWARE: (definition, model, what is dropped); each
must be refuted. BELTS: dropping the line loses nothing in the model; the line stays, for a reason
that is given.
"""

MODELS = {
    "block-galog": ("block_galog", ""),
    "overflow": ("overflow", ""),
    "inbox": ("inbox", ""),
    "gappi": ("gappi", ""),
    "gappi-nodis": ("gappi", "-DNO_GAPPIDIS=1"),
    "gappi-shared": ("gappi_shared", ""),
    "native": ("native", ""),
    "migrate": ("migrate", ""),
    "switch": ("switch", ""),
    "switch-twice": ("switch_twice", ""),
    "handover": ("handover", ""),
    "handover-again": ("handover", "-DD=1 -DACTS=2 -DFIRES=2"),
    "route": ("route", ""),
    "route-again": ("route", "-DD=1 -DFIRES=2"),
    "ipi": ("ipi", ""),
    "ipi-1235": ("ipi", "-DWITH_1235 -DWITH_1235_WORKAROUND"),
    "events": ("events", ""),
    "events-again": ("events", "-DD=1 -DACTS=2"),
}

QUICK = ("gappi-shared", "block-galog", "events-again")

MUTANTS = [
    ("M_NO_FENCE", "gappi", "A3: the fence between IsRun = 0 and the second look"),
    ("M_NO_FENCE", "block-galog", "A3: the same, GALOG"),
    ("M_NO_FENCE", "ipi", "A3: the same, IsRunning in the physical ID table"),
    ("M_NO_LOOK", "gappi", "A4: the second look"),
    ("M_A1_LATE", "inbox", "A1 before A3: BLOCKED is stored after the fence"),
    ("M_NOT_ARMED", "block-galog", "A2: blocked with a quiet IRTE"),
    ("M_NO_PUT", "gappi", "A2: blocked with IsRun = 1"),
    ("M_PUT_NO_IRTES", "gappi", "put: the IRTEs keep IsRun = 1"),
    ("M_PUT_NO_ENTRY", "ipi", "put: the physical ID entry keeps IsRunning"),
    ("M_CANCEL_NO_CAS", "inbox", "cancel: a plain store instead of compare-and-swap"),
    ("M_WAKE_NO_CAS", "ipi", "B3: a look and a store instead of compare-and-swap"),
    ("M_NO_STASH", "gappi", "masked bits stay in the IRR: it never settles"),
    ("M_NO_STASH_LOOK", "gappi", "no look at what was put away"),
    ("M_MASKED_IGNORED", "gappi", "the second look overlooks masked bits"),
    ("M_NO_UNSTASH", "gappi", "what was put away never comes back"),
    ("M_UNSTASH_KEEPS", "gappi", "what was put away comes back twice"),
    ("M_FIRST_SHARER", "gappi-shared", "the shared vector wakes the first only"),
    ("M_NO_LOAD_FENCE", "migrate", "the fence between IsRun = 1 and VMRUN's look"),
    ("M_LOAD_OLD_DESTINATION", "migrate", "IsRun = 1 with the destination of before"),
    ("M_MIGRATE_STATE_LATE", "migrate", "in the other's inbox before the state says so"),
    ("M_NO_SCAN", "overflow", "nobody is looked at after an overflow"),
    ("M_SCAN_BEFORE_RESTART", "overflow", "everybody is looked at before the log runs again"),
    ("M_OVERFLOW_NOT_SEEN", "overflow", "the drain overlooks an overflow, whoever asked for it"),
    ("M_GAINT_KEPT", "block-galog", "GAInt is never cleared"),
    ("M_GAINT_LAST", "block-galog", "GAInt is cleared after the last look"),
    ("M_NO_STATUS_READ", "block-galog", "nothing pushes the IOMMU's writes"),
    ("M_NO_SLOT_LOOK", "block-galog", "no look at the ring after the status"),
    ("M_NO_SELF_SEND", "inbox", "a storm ends the drain and nobody goes on"),
    ("M_KICKED_AFTER", "inbox", "kicked is cleared after the look into the inbox"),
    ("M_KICKED_NEVER", "inbox", "kicked is never cleared"),
    ("M_KICK_BEFORE_INBOX", "inbox", "the kick goes before the vCPU is in the inbox"),
    ("M_NO_KICK", "inbox", "no kick"),
    ("M_STI_WINDOW", "inbox", "an interrupt fits in between STI and HLT"),
    ("M_NO_EVENTS_LOOK", "events-again", "the second look overlooks events"),
    ("M_NOTIFY_NO_DOORBELL", "native", "software posts and rings no doorbell"),
    ("M_NOTIFY_NO_WAKE", "ipi", "an IPI's exit doesn't wake the target"),
    ("M_IPI_SETS_AGAIN", "ipi", "an IPI's exit sets the bit once more"),
    ("WITH_1235", "ipi", "erratum 1235 without its workaround"),
    ("M_SWITCH_WAKES_NOBODY", "switch", "a switch wakes nobody"),
    ("M_SWITCH_WORD_LATE", "switch", "the new word comes after the wake-ups"),
    ("M_NO_WORD_LOOK", "switch", "the second look overlooks the word"),
    ("M_SWITCH_ON_FIRST", "switch", "GAPPI goes on before the log is off"),
    ("M_NO_DRAINING", "switch-twice", "the log is started anew while it is drained"),
    ("M_ENABLED_LATE", "switch-twice", "a log counts as enabled only after it could send a message"),
    ("M_MOVE_BY_ANYBODY", "handover-again", "who is not its owner gives the log away"),
    ("M_MOVE_NO_LOCK", "handover-again", "two hand-overs at once: the log starts twice"),
    ("M_MOVE_OWNER_LATE", "handover-again", "the log has a new owner only when it runs"),
    ("M_MOVE_NO_SCAN", "handover-again", "nobody is looked at after the log has moved"),
    ("M_MOVE_SCANS_FIRST", "handover-again", "everybody is looked at before the log has moved"),
    ("M_ROUTE_NO_DETACH", "route-again", "the old vCPU goes on writing the entry"),
    ("M_ROUTE_NO_INVALIDATE", "route-again", "the IOMMU's cache is left as it is"),
    ("M_ROUTE_NO_WAIT", "route-again", "the invalidation isn't waited for"),
    ("M_ROUTE_ATTACH_BLIND", "route-again", "the entry doesn't get the state of the new vCPU"),
    ("M_ROUTE_LOOK_EARLY", "route-again", "the old vCPU looks before the invalidation"),
    ("M_ROUTE_NO_LOOK_OLD", "route-again", "the old vCPU doesn't look"),
    ("M_ROUTE_NO_LOOK_NEW", "route-again", "the new vCPU doesn't look"),
]

HARDWARE = [
    ("HW_READS_FIRST", "gappi", "the IOMMU reads IsRun before it sets the IRR bit"),
    ("HW_TESTS_FIRST", "gappi", "the IOMMU tests \"IRR was clear\" before it sets the bit"),
    ("HW_VMRUN_BLIND", "native", "VMRUN doesn't look at the IRR"),
]

BELTS = [
    ("M_NO_HEAD", "overflow", "the ring only looks full and overflows, which is recovered"),
    ("M_ROUTE_NO_FENCE", "route-again", "posts_lock, which the look takes, is a locked operation"),
    ("M_NO_BACKSTOP", "overflow", "the drain sees it; a message that got lost isn't in the model"),
    ("M_NO_GAINT_LOOK", "block-galog", "the look at the ring sees all; GAInt saves none"),
]
