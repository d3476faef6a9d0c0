/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __FIRMWARE_TEGRA_BPMP_GUEST_PROXY_H
#define __FIRMWARE_TEGRA_BPMP_GUEST_PROXY_H

#include <linux/mutex.h>
#include <linux/types.h>

struct tegra_bpmp_message;

#define BPMP_GUEST_TX		0x000
#define BPMP_GUEST_RX		0x200
#define BPMP_GUEST_TX_SIZE	0x400
#define BPMP_GUEST_RX_SIZE	0x408
#define BPMP_GUEST_RET		0x410
#define BPMP_GUEST_TSTAT	0x414
#define BPMP_GUEST_MAGIC	0x418
#define BPMP_GUEST_MRQ		0x500
#define BPMP_GUEST_WINDOW_SIZE	0x600

/* "BPM2": the window has TSTAT, and its monitor always writes RET. */
#define BPMP_GUEST_MAGIC_VALUE	0x324d5042

/* What RET holds until an answer replaces it, where the monitor may leave it alone. */
#define BPMP_GUEST_NO_ANSWER	0x7fffffff

/*
 * How long an atomic caller, with its interrupts off, tries for a window that another CPU uses.
 * Well above the 0.1 ms that an answer takes, well below what a watchdog notices.
 */
#define BPMP_GUEST_ATOMIC_TRY_US	10000

struct bpmp_guest;

/**
 * struct bpmp_guest_bus - how the window is reached
 * @read: one load of @size bytes, 4 or 8, little-endian
 * @write: one store; at BPMP_GUEST_MRQ it returns when the request is answered
 *
 * Each call is one access, and so one exit to the monitor.
 */
struct bpmp_guest_bus {
	u64 (*read)(struct bpmp_guest *guest, unsigned int offset, unsigned int size);
	void (*write)(struct bpmp_guest *guest, unsigned int offset, unsigned int size, u64 value);
};

/**
 * struct bpmp_guest - the window, and who uses it
 * @bus: the way there
 * @window: BPMP_GUEST_WINDOW_SIZE bytes of registers; the bus's
 * @has_status: TSTAT and MAGIC are there
 * @lock: held by the one threaded caller that may wait for @busy
 * @busy: bit 0: a caller, threaded or atomic, owns the window
 */
struct bpmp_guest {
	const struct bpmp_guest_bus *bus;
	void __iomem *window;
	bool has_status;
	struct mutex lock; /* among threaded callers */
	unsigned long busy;
};

void bpmp_guest_setup(struct bpmp_guest *guest, const struct bpmp_guest_bus *bus);
int bpmp_guest_perform(struct bpmp_guest *guest, struct tegra_bpmp_message *msg);
int bpmp_guest_transfer(struct bpmp_guest *guest, struct tegra_bpmp_message *msg, bool atomic);

#endif
