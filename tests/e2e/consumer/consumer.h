/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CONSUMER_H
#define CONSUMER_H

#include <linux/clk.h>
#include <linux/device.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/reset.h>
#include <linux/wait.h>

#include <soc/tegra/bpmp.h>

#define MAX_CLOCKS	16
#define MAX_RESETS	4
#define MAX_PAYLOAD	2048

/**
 * struct consumer - the device
 * @clocks: of the node
 * @enabled: how often each was enabled here
 * @num_clocks: how many there are
 * @resets: of the node
 * @num_resets: how many there are
 * @bpmp: of the node's property nvidia,bpmp, or NULL
 * @tx: payload of a request that is sent as bytes
 * @rx: its answer
 * @rx_size: of the answer
 * @ret: the firmware's error word
 * @notifier: of the first clock, while changes of its rate are to be stuck
 * @stuck: whether they are
 * @unstuck: where they wait
 * @lock: one command at a time; protects what commands change
 * @result: of the last command
 */
struct consumer {
	struct clk *clocks[MAX_CLOCKS];
	unsigned int enabled[MAX_CLOCKS];
	unsigned int num_clocks;
	struct reset_control *resets[MAX_RESETS];
	unsigned int num_resets;
	struct tegra_bpmp *bpmp;
	u32 tx[MAX_PAYLOAD / sizeof(u32)];
	u32 rx[MAX_PAYLOAD / sizeof(u32)];
	unsigned int rx_size;
	int ret;
	struct notifier_block notifier;
	bool stuck;
	wait_queue_head_t unstuck;
	struct mutex lock; /* one command at a time */
	int result;
};

struct consumer *consumer_begin(struct device *dev);
ssize_t consumer_done(struct consumer *consumer, int result, size_t count);

/* transfers.c */
extern const struct attribute_group consumer_transfer_group;
int consumer_find_bpmp(struct consumer *consumer, struct device *dev);

/* stuck.c */
extern const struct attribute_group consumer_stuck_group;

#endif
