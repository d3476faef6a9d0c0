// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the known guest proxy uses the window, to measure ours against: for each message all of the
 * window is written, 192 words of 8 bytes in ascending order with the doorbell among them, and then
 * all of it is read, with the interrupts off. Written from a description of its accesses. It stands
 * in for drivers/firmware/tegra/bpmp-guest-proxy.c (kernel/build.sh --guest-proxy).
 *
 * Left out, since it costs nothing or is wrong: what the known proxy does on the way besides the
 * accesses, and its mistakes. A message's result is what it is with ours: the same guest boots.
 */
#include <linux/device.h>
#include <linux/io.h>
#include <linux/of.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include <soc/tegra/bpmp.h>

#include "bpmp-private.h"
#include "bpmp-guest-proxy.h"

#define WORDS	(BPMP_GUEST_WINDOW_SIZE / sizeof(u64))

/**
 * struct known_guest - the window, and who uses it
 * @window: of registers
 * @copy: of all that is in it
 * @lock: held for a message; protects @copy
 */
struct known_guest {
	void __iomem *window;
	u64 copy[WORDS];
	spinlock_t lock; /* held for a message */
};

static void known_guest_copy(struct known_guest *guest, struct tegra_bpmp_message *msg)
{
	u8 *bytes = (u8 *)guest->copy;
	unsigned int n;

	memcpy(bytes + BPMP_GUEST_TX, msg->tx.data, msg->tx.size);
	guest->copy[BPMP_GUEST_TX_SIZE / sizeof(u64)] = msg->tx.size;
	guest->copy[BPMP_GUEST_RX_SIZE / sizeof(u64)] = msg->rx.size;
	guest->copy[BPMP_GUEST_MRQ / sizeof(u64)] = msg->mrq;
	for (n = 0; n < WORDS; n++)
		__raw_writeq(guest->copy[n], guest->window + n * sizeof(u64));
	for (n = 0; n < WORDS; n++)
		guest->copy[n] = __raw_readq(guest->window + n * sizeof(u64));
	memcpy(msg->rx.data, bytes + BPMP_GUEST_RX, msg->rx.size);
	msg->rx.ret = lower_32_bits(guest->copy[BPMP_GUEST_RET / sizeof(u64)]);
}

static int known_guest_transfer(struct tegra_bpmp *bpmp, struct tegra_bpmp_message *msg,
				bool atomic)
{
	struct known_guest *guest = bpmp->priv;
	unsigned long flags;

	spin_lock_irqsave(&guest->lock, flags);
	known_guest_copy(guest, msg);
	spin_unlock_irqrestore(&guest->lock, flags);
	return 0;
}

static int known_guest_init(struct tegra_bpmp *bpmp)
{
	struct device *dev = bpmp->dev;
	struct known_guest *guest;
	u64 address;
	int err;

	err = of_property_read_u64(dev->of_node, "virtual-pa", &address);
	if (err)
		return err;
	guest = devm_kzalloc(dev, sizeof(*guest), GFP_KERNEL);
	if (!guest)
		return -ENOMEM;
	spin_lock_init(&guest->lock);
	guest->window = devm_ioremap(dev, address, BPMP_GUEST_WINDOW_SIZE);
	if (!guest->window)
		return -ENOMEM;
	bpmp->priv = guest;
	return 0;
}

static const struct tegra_bpmp_ops known_guest_ops = {
	.init = known_guest_init,
	.transfer = known_guest_transfer,
};

const struct tegra_bpmp_soc tegra_bpmp_guest_soc = {
	.channels = {
		.thread = { .count = 1 },
	},
	.ops = &known_guest_ops,
	.num_resets = 193,
};
