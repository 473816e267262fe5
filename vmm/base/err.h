/* SPDX-License-Identifier: MIT */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/* What went wrong. Must be looked at: every function that returns one is MUST_USE. */
typedef enum err {
	OK = 0,
	ERR_NOMEM,     /* no page, no table entry, no vector left */
	ERR_TIMEOUT,   /* a device didn't answer within its deadline */
	ERR_UNFIT,     /* the platform lacks a feature that was asked for */
	ERR_INVALID,   /* an argument, a table or a guest's request makes no sense */
	ERR_DENIED,    /* not the caller's */
	ERR_BUSY,      /* somebody else is at it; try again */
	ERR_NOT_FOUND, /* no such device, VM, key */
} err_t;

#define MUST_USE __attribute__((warn_unused_result))

#endif
