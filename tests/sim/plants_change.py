# SPDX-License-Identifier: MIT
"""Plants: the mechanism is switched, a message moves to another vCPU."""
from plant import GALOG, GAPPI, IRTE, ROUTE, RUN, WAKE, drop, plant, swap

POST = "static err_t post("
ROUTED = "err_t assign_route("
SWITCH = "err_t wake_switch("
WORD = "shared_add32(&wake_word, 0x100u + (uint32_t)to - (wake_word & 0xff));"

CHANGE = [
    plant("switch-wakes-nobody", "M_SWITCH_WAKES_NOBODY", "a switch of mechanism wakes nobody",
        "change:switch_mechanism seeds",
        swap(WAKE, "vcpu_wake(cpu, v);", "(void)v;", SWITCH)),
    plant("switch-word-late", "M_SWITCH_WORD_LATE", "the new word comes after the wake-ups",
        "seeds",
        drop(WAKE, WORD),
        swap(WAKE, "trace_cause(cpu, CAUSE_EVENT);", "trace_cause(cpu, CAUSE_EVENT);\n\t" + WORD,
            SWITCH)),
    plant("word-overlooked", "M_NO_WORD_LOOK", "the second look overlooks the word",
        "seeds",
        drop("vmm/vcpu.c", "shared_load32(&wake_word) != word || ")),
    plant("both-on", "M_SWITCH_ON_FIRST", "GAPPI goes on before the log is off",
        "change:switch_mechanism seeds",
        drop(WAKE, "if (!err && to == WAKE_GAPPI)\n\t\terr = gappi_enable(u);"),
        swap(WAKE, "gappi_disable(u);",
            "if (to == WAKE_GAPPI)\n\t\terr = gappi_enable(u);\n\telse\n\t\tgappi_disable(u);"),
        swap(GAPPI, "if (u->galog.enabled)", "if (false)")),
    plant("not-drained", "M_NO_DRAINING", "the log is started anew while it is drained",
        "seeds:switches",
        swap(GALOG, "err = await_drained(&u->galog);", ";")),
    plant("route-no-detach", "M_ROUTE_NO_DETACH", "the old vCPU goes on writing the entry",
        "change:route_galog seeds",
        swap(ROUTE, "detach(irq);", ";", POST)),
    plant("no-invalidation", "M_ROUTE_NO_INVALIDATE", "the IOMMU goes on with the old IRTE",
        "change:route_galog seeds",
        drop(IRTE, "cmd_invalidate_interrupts(u, dev);")),
    plant("no-completion", "M_ROUTE_NO_WAIT", "the invalidation isn't waited for",
        "change:route_late",
        swap("iommu/cmd.c", "while (shared_load64(u->cmd.done) != want)", "while (false)")),
    plant("attach-quiet", "M_ROUTE_ATTACH_BLIND", "an attached IRTE stays quiet",
        "wake:running",
        drop(RUN, "publish_irte(post, a->running, a->put, a->target);")),
    plant("route-looks-early", "M_ROUTE_LOOK_EARLY", "the old vCPU looks before the invalidation",
        "change:route_late",
        drop(ROUTE, "if (old != target)\n\t\tlook(here, old);"),
        swap(ROUTE, "spin_lock(&d->lock);\n\tstruct vcpu *old = irq->target;",
            "look(here, irq->target);\n\tspin_lock(&d->lock);", ROUTED)),
    plant("old-untold", "M_ROUTE_NO_LOOK_OLD", "the old vCPU doesn't look",
        "change:route_galog",
        swap(ROUTE, "look(here, old);", ";", ROUTED)),
    plant("attach-untold", "M_ROUTE_NO_LOOK_NEW", "the new vCPU doesn't look",
        "wake:running",
        drop(ROUTE, "look(here, target);", ROUTED)),
]
