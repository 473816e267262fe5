/* SPDX-License-Identifier: MIT */
/*
 * The host's part of an Intel 82576 whose virtual functions were given to VMs: the drivers of those
 * ask it, by a mailbox, for what only the physical function can do. It sorts received packets to
 * the virtual functions by MAC address and answers their messages; it has no queue and no interrupt
 * of its own, and its entry in the device table lets no DMA through. Polled; boot CPU only, no
 * lock.
 *
 * Whoever owns a virtual function can write any message at any time. None of them changes anything
 * of another one: a MAC address that somebody has is refused, and each call handles one message of
 * each virtual function at most.
 */
#ifndef DRIVERS_IGB_PF_H
#define DRIVERS_IGB_PF_H

#include "base/err.h"
#include "pci.h"

/* Resets the device and begins to serve; its virtual functions are on (pci_enable_vfs()), and no VM
 * has one yet. Takes 20 ms. *why says what is wrong: ERR_UNFIT: nobody knows how to serve this
 * device; ERR_TIMEOUT; ERR_NOMEM: too many. */
err_t igb_pf_start(const struct pci_device *pf, const char **why) MUST_USE;

#define IGB_PF_NEVER ~0u
/* Answers what has come; now in ticks. Returns in how many us to call again: a driver waits for an
 * answer for a second, and asks for the next thing as soon as it has one. */
uint32_t igb_pf_poll(uint64_t now);

#endif
