// SPDX-License-Identifier: GPL-2.0-only
/*
 * The BPMP of a virtual machine: requests go through a window of registers that the virtual machine
 * monitor answers, instead of the mailbox and the shared memory of the hardware.
 *
 * The window, version 1 (all registers little-endian):
 *
 *   0x000  TX       request payload, 512 bytes
 *   0x200  RX       answer payload, 512 bytes
 *   0x400  TX_SIZE  u64
 *   0x408  RX_SIZE  u64
 *   0x410  RET      s32, the firmware's error word
 *   0x414  TSTAT    s32, 0 or a negative errno of the transport   (only where MAGIC reads back)
 *   0x418  MAGIC    u32, "BPM2"
 *   0x500  MRQ      u32, the store performs the request and returns when it is answered
 *
 * Only payloads are moved, in accesses of 8 bytes: each access is an exit to the monitor.
 */
#include <linux/bitops.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/of.h>
#include <linux/string.h>

#include <soc/tegra/bpmp.h>
#include <soc/tegra/bpmp-abi.h>

#include "bpmp-private.h"
#include "bpmp-guest-proxy.h"

static u64 bpmp_guest_mmio_read(struct bpmp_guest *guest, unsigned int offset,
				unsigned int size)
{
	void __iomem *at = guest->window + offset;

	return size == sizeof(u64) ? readq(at) : readl(at);
}

static void bpmp_guest_mmio_write(struct bpmp_guest *guest, unsigned int offset,
				  unsigned int size, u64 value)
{
	void __iomem *at = guest->window + offset;

	if (size == sizeof(u64))
		writeq(value, at);
	else
		writel(value, at);
}

static const struct bpmp_guest_bus bpmp_guest_mmio = {
	.read = bpmp_guest_mmio_read,
	.write = bpmp_guest_mmio_write,
};

static u64 bpmp_guest_read(struct bpmp_guest *guest, unsigned int offset, unsigned int size)
{
	return guest->bus->read(guest, offset, size);
}

static void bpmp_guest_write(struct bpmp_guest *guest, unsigned int offset, unsigned int size,
			     u64 value)
{
	guest->bus->write(guest, offset, size, value);
}

static void bpmp_guest_write_payload(struct bpmp_guest *guest, const void *data, size_t size)
{
	unsigned int offset = BPMP_GUEST_TX;
	const u8 *from = data;
	__le64 word;

	for (; size; offset += sizeof(word)) {
		size_t step = min(size, sizeof(word));

		word = 0;
		memcpy(&word, from, step);
		bpmp_guest_write(guest, offset, sizeof(word), le64_to_cpu(word));
		from += step;
		size -= step;
	}
}

static void bpmp_guest_read_payload(struct bpmp_guest *guest, void *data, size_t size)
{
	unsigned int offset = BPMP_GUEST_RX;
	u8 *to = data;
	__le64 word;

	for (; size; offset += sizeof(word)) {
		size_t step = min(size, sizeof(word));

		word = cpu_to_le64(bpmp_guest_read(guest, offset, sizeof(word)));
		memcpy(to, &word, step);
		to += step;
		size -= step;
	}
}

/*
 * The request as such; the caller owns the window.
 *
 * A monitor of the first kind leaves RET alone when it could not forward a request: then RET still
 * has what was stored there before, which is no error number of the BPMP's.
 */
int bpmp_guest_perform(struct bpmp_guest *guest, struct tegra_bpmp_message *msg)
{
	u64 both;
	int err;

	bpmp_guest_write(guest, BPMP_GUEST_TX_SIZE, sizeof(u64), msg->tx.size);
	bpmp_guest_write(guest, BPMP_GUEST_RX_SIZE, sizeof(u64), msg->rx.size);
	bpmp_guest_write_payload(guest, msg->tx.data, msg->tx.size);
	if (!guest->has_status)
		bpmp_guest_write(guest, BPMP_GUEST_RET, sizeof(u32), BPMP_GUEST_NO_ANSWER);

	bpmp_guest_write(guest, BPMP_GUEST_MRQ, sizeof(u32), msg->mrq);

	if (guest->has_status) {
		both = bpmp_guest_read(guest, BPMP_GUEST_RET, sizeof(u64));
		msg->rx.ret = lower_32_bits(both);
		err = upper_32_bits(both);
	} else {
		msg->rx.ret = bpmp_guest_read(guest, BPMP_GUEST_RET, sizeof(u32));
		err = msg->rx.ret == BPMP_GUEST_NO_ANSWER ? -EIO : 0;
	}
	if (err) {
		memset(msg->rx.data, 0, msg->rx.size);
		return IS_ERR_VALUE((long)err) ? err : -EIO;
	}
	bpmp_guest_read_payload(guest, msg->rx.data, msg->rx.size);
	return 0;
}

/* Looks whether the window has TSTAT, so the bus must work. */
void bpmp_guest_setup(struct bpmp_guest *guest, const struct bpmp_guest_bus *bus)
{
	guest->bus = bus;
	guest->busy = 0;
	guest->has_status = bpmp_guest_read(guest, BPMP_GUEST_MAGIC, sizeof(u32)) ==
			    BPMP_GUEST_MAGIC_VALUE;
	mutex_init(&guest->lock);
}

static int bpmp_guest_transfer_atomic(struct bpmp_guest *guest,
				      struct tegra_bpmp_message *msg)
{
	ktime_t end = ktime_add_us(ktime_get(), BPMP_GUEST_ATOMIC_TRY_US);
	int err;

	while (test_and_set_bit_lock(0, &guest->busy)) {
		if (ktime_after(ktime_get(), end))
			return -EAGAIN;
		cpu_relax();
	}
	err = bpmp_guest_perform(guest, msg);
	clear_bit_unlock(0, &guest->busy);
	return err;
}

static int bpmp_guest_transfer_threaded(struct bpmp_guest *guest,
					struct tegra_bpmp_message *msg)
{
	int err;

	mutex_lock(&guest->lock);
	/* An atomic caller on another CPU has it for as long as one answer takes. */
	while (test_and_set_bit_lock(0, &guest->busy))
		usleep_range(20, 100);
	err = bpmp_guest_perform(guest, msg);
	clear_bit_unlock(0, &guest->busy);
	mutex_unlock(&guest->lock);
	return err;
}

int bpmp_guest_transfer(struct bpmp_guest *guest, struct tegra_bpmp_message *msg, bool atomic)
{
	if (atomic)
		return bpmp_guest_transfer_atomic(guest, msg);
	return bpmp_guest_transfer_threaded(guest, msg);
}

/* Whether something answers there: a wrong address must not read as a firmware without clocks. */
static int bpmp_guest_ping(struct bpmp_guest *guest)
{
	struct mrq_ping_request request = { .challenge = 0x5bd1 };
	struct mrq_ping_response response = { };
	struct tegra_bpmp_message msg = {
		.mrq = MRQ_PING,
		.tx = { .data = &request, .size = sizeof(request) },
		.rx = { .data = &response, .size = sizeof(response) },
	};
	int err;

	err = bpmp_guest_transfer(guest, &msg, false);
	if (err)
		return err;
	if (msg.rx.ret < 0 || response.reply != request.challenge << 1)
		return -ENODEV;
	return 0;
}

static int bpmp_guest_address(struct device *dev, phys_addr_t *address)
{
	const __be32 *cells;
	int length;

	cells = of_get_property(dev->of_node, "virtual-pa", &length);
	if (!cells || (length != sizeof(u32) && length != sizeof(u64))) {
		dev_err(dev, "virtual-pa needs one address, of one or two cells\n");
		return -EINVAL;
	}
	*address = of_read_number(cells, length / sizeof(u32));
	return 0;
}

static int tegra_bpmp_guest_init(struct tegra_bpmp *bpmp)
{
	struct bpmp_guest *guest;
	phys_addr_t address;
	int err;

	err = bpmp_guest_address(bpmp->dev, &address);
	if (err)
		return err;

	guest = devm_kzalloc(bpmp->dev, sizeof(*guest), GFP_KERNEL);
	if (!guest)
		return -ENOMEM;
	guest->window = devm_ioremap(bpmp->dev, address, BPMP_GUEST_WINDOW_SIZE);
	if (!guest->window)
		return -ENOMEM;
	bpmp_guest_setup(guest, &bpmp_guest_mmio);
	bpmp->priv = guest;

	err = bpmp_guest_ping(guest);
	if (err) {
		dev_err(bpmp->dev, "no BPMP answers at virtual-pa %pa: %d\n", &address, err);
		return err;
	}
	dev_info(bpmp->dev, "window at %pa, %s\n", &address,
		 guest->has_status ? "with transport status" : "without transport status");
	return 0;
}

static int tegra_bpmp_guest_op(struct tegra_bpmp *bpmp, struct tegra_bpmp_message *msg,
			       bool atomic)
{
	return bpmp_guest_transfer(bpmp->priv, msg, atomic);
}

static const struct tegra_bpmp_ops tegra_bpmp_guest_ops = {
	.init = tegra_bpmp_guest_init,
	.transfer = tegra_bpmp_guest_op,
};

/* The channels' counts size arrays that stay unused; resets are as many as on the hardware. */
const struct tegra_bpmp_soc tegra_bpmp_guest_soc = {
	.channels = {
		.thread = { .count = 1 },
	},
	.ops = &tegra_bpmp_guest_ops,
	.num_resets = 193,
};
