/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __FIRMWARE_TEGRA_BPMP_GUEST_MONITOR_H
#define __FIRMWARE_TEGRA_BPMP_GUEST_MONITOR_H

#include <linux/types.h>

#include "bpmp-guest-proxy.h"

struct kunit;

/* What nobody has written to is filled with this. */
#define BPMP_GUEST_UNTOUCHED	0xa5

/**
 * struct bpmp_guest_monitor - for KUnit tests: a virtual machine monitor with its window
 * @guest: the proxy under test; first, so that its accesses find the rest
 * @window: the registers
 * @accesses: loads and stores so far
 * @strange: those of them that no register or word of payload answers to
 * @rings: requests so far
 * @mrq: of the last request
 * @perform: what a request does; it may sleep if its caller may
 */
struct bpmp_guest_monitor {
	struct bpmp_guest guest;
	u8 window[BPMP_GUEST_WINDOW_SIZE];
	unsigned int accesses;
	unsigned int strange;
	unsigned int rings;
	u32 mrq;
	void (*perform)(struct bpmp_guest_monitor *monitor);
};

void bpmp_guest_monitor_setup(struct bpmp_guest_monitor *monitor, u32 magic,
			      void (*perform)(struct bpmp_guest_monitor *monitor));
u64 bpmp_guest_monitor_u64(const struct bpmp_guest_monitor *monitor, unsigned int offset);
void bpmp_guest_monitor_answer(struct bpmp_guest_monitor *monitor, s32 status, s32 err,
			       const void *bytes, size_t size);

#endif
