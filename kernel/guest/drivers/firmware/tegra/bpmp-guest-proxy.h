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

/**
 * struct bpmp_guest - the window, and who uses it
 * @window: BPMP_GUEST_WINDOW_SIZE bytes of registers
 * @has_status: TSTAT and MAGIC are there
 * @lock: held by the one threaded caller that may wait for @busy
 * @busy: bit 0: a caller, threaded or atomic, owns the window
 * @ring: performs the request whose payload and sizes are in the window
 */
struct bpmp_guest {
	void __iomem *window;
	bool has_status;
	struct mutex lock; /* among threaded callers */
	unsigned long busy;
	void (*ring)(struct bpmp_guest *guest, u32 mrq);
};

void bpmp_guest_setup(struct bpmp_guest *guest, void __iomem *window);
int bpmp_guest_perform(struct bpmp_guest *guest, struct tegra_bpmp_message *msg);
int bpmp_guest_transfer(struct bpmp_guest *guest, struct tegra_bpmp_message *msg, bool atomic);

#endif
