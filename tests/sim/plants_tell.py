# SPDX-License-Identifier: MIT
"""Plants: who is told of an interrupt, and by whom: GA log, GAPPI, doorbell, IPI."""
from plant import AVIC, EXITS, GALOG, RUN, WAKE, drop, plant, swap

BEGIN = "void galog_begin("
END = "[model galog:end]"
SLOT_LOOK = " || shared_load64(g->entry + g->head / ENTRY_BYTES)"
TAIL_LOOK = "if (__builtin_expect(shared_load64(g->tail_copy) != g->head, 0))\n\t\treturn overdue(g);"

TELL = [
    plant("first-sharer-only", "M_FIRST_SHARER", "the shared vector wakes the first only",
        "wake:several_gappi_shared seeds",
        swap(WAKE, "COUNT(cpu->count.gappi_shared_wakes);", "break;")),
    plant("no-scan", "M_NO_SCAN", "nobody is looked at after an overflow",
        "wake:overflow seeds",
        swap(WAKE, "woken = wake_scan(cpu);", "woken = 0;")),
    plant("scan-first", "M_SCAN_BEFORE_RESTART", "everybody is looked at before the log runs again",
        "wake:overflow seeds",
        swap(WAKE, "if (galog_restart(u))", "woken = wake_scan(cpu);\n\tif (galog_restart(u))"),
        drop(WAKE, "woken = wake_scan(cpu);\n\ttrace", "void galog_recover(")),
    plant("overflow-unseen", "M_OVERFLOW_NOT_SEEN M_NO_BACKSTOP", "nobody looks for an overflow",
        "wake:overflow seeds",
        swap(GALOG, "status & STATUS_GALOG_OVERFLOW", "false", END),
        swap(WAKE, "galog_overflowed(u)", "false")),
    plant("no-backstop", "M_NO_BACKSTOP", "an overflow that raises no interrupt is never found",
        "wake:overflow",
        swap(WAKE, "galog_overflowed(u)", "false")),
    plant("gaint-kept", "M_GAINT_KEPT", "GAInt is never acknowledged",
        "wake:halt_galog seeds",
        drop(GALOG, "iommu_ack(u, STATUS_GAINT);", BEGIN)),
    plant("gaint-last", "M_GAINT_LAST", "GAInt is cleared after the last look",
        "wake:halt_galog seeds",
        drop(GALOG, "iommu_ack(u, STATUS_GAINT);", BEGIN),
        swap(GALOG, "status & STATUS_GAINT || ", "", END),
        swap(GALOG, "shared_store32(&u->galog.draining, 0);",
            "iommu_ack(u, STATUS_GAINT);\n\tshared_store32(&u->galog.draining, 0);")),
    plant("no-status-read", "M_NO_STATUS_READ", "nothing pushes the IOMMU's writes",
        "wake:late_log seeds",
        swap(GALOG, "uint64_t status = iommu_read(u, IOMMU_STATUS);", "uint64_t status = 0;", END)),
    plant("no-slot-look", "M_NO_SLOT_LOOK", "no look at the ring after the status",
        "wake:late_log seeds",
        drop(GALOG, SLOT_LOOK), drop(GALOG, TAIL_LOOK)),
    plant("no-self-send", "M_NO_SELF_SEND", "a storm ends the drain and nobody goes on",
        "wake:storm",
        drop(WAKE, "lapic_send(cpu->apicid, VEC_GALOG);")),
    plant("doorbell-missing", "M_NOTIFY_NO_DOORBELL", "software sets a bit and does not ring",
        "wake:running seeds",
        drop(RUN, "hw_doorbell(where);")),
    plant("notify-no-wake", "M_NOTIFY_NO_WAKE", "an IPI's exit doesn't wake the target",
        "wake:ipi seeds",
        swap(RUN, "if (!running)\n\t\treturn true;", "if (!running)\n\t\treturn false;")),
    plant("ipi-sets-again", "M_IPI_SETS_AGAIN", "an IPI's exit sets the bit once more",
        "wake:ipi seeds",
        swap(EXITS, "ipi.emulate = false;", ";")),
    plant("erratum-1235", "WITH_1235", "erratum 1235 without its workaround",
        "seeds",
        swap(AVIC, "erratum_1235 ? 0 : PHYSICAL_RUNNING", "PHYSICAL_RUNNING")),
]
