// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests as bytes, past the drivers of clocks, resets and power domains: what these would never
 * send. For nodes with the property nvidia,bpmp.
 *
 *   transfer  MRQ TX_SIZE RX_SIZE threaded|atomic [WORD...]
 *             sends it, with zeroes behind the words; "result" is what the transfer returned.
 *             Read: the firmware's error word, and the answer in hexadecimal
 *   soak      N   sends N requests of each kind below, each second one atomic; "result" is how many
 *             had another answer than they should, or a negative errno
 */
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/of.h>
#include <linux/sched.h>
#include <linux/string.h>

#include <soc/tegra/bpmp-abi.h>

#include "consumer.h"

int consumer_find_bpmp(struct consumer *consumer, struct device *dev)
{
	if (!of_find_property(dev->of_node, "nvidia,bpmp", NULL))
		return 0;
	consumer->bpmp = tegra_bpmp_get(dev);
	if (!IS_ERR(consumer->bpmp))
		return 0;
	return PTR_ERR(consumer->bpmp);
}

static int consumer_transfer(struct tegra_bpmp *bpmp, struct tegra_bpmp_message *msg, bool atomic)
{
	unsigned long flags;
	int err;

	if (!bpmp)
		return -ENODEV;
	if (!atomic)
		return tegra_bpmp_transfer(bpmp, msg);
	local_irq_save(flags);
	err = tegra_bpmp_transfer_atomic(bpmp, msg);
	local_irq_restore(flags);
	return err;
}

/* Fills in tx from the words of a line. */
static void consumer_read_words(struct consumer *consumer, const char *text)
{
	unsigned int n = 0;
	int length;

	memset(consumer->tx, 0, sizeof(consumer->tx));
	while (n < ARRAY_SIZE(consumer->tx) &&
	       sscanf(text, "%i%n", (int *)&consumer->tx[n], &length) == 1) {
		text += length;
		n++;
	}
}

static ssize_t transfer_store(struct device *dev, struct device_attribute *attr,
			      const char *text, size_t count)
{
	struct consumer *consumer = consumer_begin(dev);
	unsigned int mrq, tx_size, rx_size;
	struct tegra_bpmp_message msg = { };
	char context[16];
	int length = 0;
	int err;

	if (sscanf(text, "%u %u %u %15s%n", &mrq, &tx_size, &rx_size, context, &length) != 4 ||
	    tx_size > MAX_PAYLOAD || rx_size > MAX_PAYLOAD)
		return consumer_done(consumer, -EINVAL, count);
	consumer_read_words(consumer, text + length);

	/* What an answer must not leave there. */
	memset(consumer->rx, 0xa5, sizeof(consumer->rx));
	consumer->rx_size = rx_size;
	msg.mrq = mrq;
	msg.tx.data = consumer->tx;
	msg.tx.size = tx_size;
	msg.rx.data = consumer->rx;
	msg.rx.size = rx_size;
	msg.rx.ret = 0x5a5a;
	err = consumer_transfer(consumer->bpmp, &msg, !strcmp(context, "atomic"));
	consumer->ret = msg.rx.ret;
	return consumer_done(consumer, err, count);
}

static ssize_t transfer_show(struct device *dev, struct device_attribute *attr, char *text)
{
	struct consumer *consumer = consumer_begin(dev);
	unsigned int n;
	int length;

	length = sysfs_emit(text, "%d ", consumer->ret);
	for (n = 0; n < consumer->rx_size; n++)
		length += sysfs_emit_at(text, length, "%02x", ((u8 *)consumer->rx)[n]);
	length += sysfs_emit_at(text, length, "\n");
	mutex_unlock(&consumer->lock);
	return length;
}
static DEVICE_ATTR_RW(transfer);

/* UARTA's clock, somebody else's, and no command; and what a VM is answered that has UARTA. */
static const struct {
	u32 mrq;
	u32 words[2];
	u32 tx_size;
	u32 rx_size;
	int ret;
} soaked[] = {
	{ MRQ_PING, { 21 }, 4, 4, 0 },
	{ MRQ_CLK, { CMD_CLK_GET_ALL_INFO << 24 | 155 }, 4, 120, 0 },
	{ MRQ_CLK, { CMD_CLK_GET_RATE << 24 | 155 }, 4, 8, 0 },
	{ MRQ_CLK, { CMD_CLK_ENABLE << 24 | 31 }, 4, 4, -BPMP_EACCES },
	{ MRQ_CLK, { 0x3f << 24 | 155 }, 4, 8, -BPMP_EINVAL },
};

/* One of them; 1 if the answer is wrong, for those that succeed: if there is none. */
static int consumer_soak_one(struct consumer *consumer, unsigned int kind, bool atomic)
{
	struct tegra_bpmp_message msg = {
		.mrq = soaked[kind].mrq,
		.tx = { .data = soaked[kind].words, .size = soaked[kind].tx_size },
		.rx = { .data = consumer->rx, .size = soaked[kind].rx_size },
	};
	bool empty;
	int err;

	err = consumer_transfer(consumer->bpmp, &msg, atomic);
	if (err)
		return err;
	empty = !memchr_inv(consumer->rx, 0, soaked[kind].rx_size);
	return msg.rx.ret != soaked[kind].ret || empty != (soaked[kind].ret != 0);
}

static ssize_t soak_store(struct device *dev, struct device_attribute *attr,
			  const char *text, size_t count)
{
	struct consumer *consumer = consumer_begin(dev);
	unsigned int kind, n, rounds;
	int err = -EINVAL;
	int wrong = 0;

	if (kstrtouint(text, 0, &rounds))
		return consumer_done(consumer, err, count);
	for (n = 0; n < rounds; n++) {
		for (kind = 0; kind < ARRAY_SIZE(soaked); kind++) {
			err = consumer_soak_one(consumer, kind, n % 2);
			if (err < 0)
				return consumer_done(consumer, err, count);
			wrong += err;
		}
		cond_resched();
	}
	return consumer_done(consumer, wrong, count);
}
static DEVICE_ATTR_WO(soak);

static struct attribute *consumer_transfer_attrs[] = {
	&dev_attr_transfer.attr,
	&dev_attr_soak.attr,
	NULL,
};

const struct attribute_group consumer_transfer_group = { .attrs = consumer_transfer_attrs };
