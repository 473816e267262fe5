/* SPDX-License-Identifier: MIT */
/* What the IOMMUs logged about devices: reported with the device and its VM. */
#ifndef VMM_EVENTS_H
#define VMM_EVENTS_H

struct cpu;
struct vm;

/* VEC_IOMMU_EVENT, on the boot CPU. A device that keeps faulting is fenced. */
void iommu_report_events(struct cpu *here);
/* A new period (notice.h): its devices' events count from 0. On the same CPU. */
void events_renew(struct vm *vm);

#endif
