// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests/bench: lets a program of the guest do, with one pread() of /dev/bpmp-bench each,
 *
 *   at 0   one IS_ENABLED, through the kernel's BPMP driver, which the broker answers by itself
 *   at 4   192 stores and 192 loads of 8 bytes in the BPMP's window, as the known guest proxy makes
 *          them for each message, without ringing the doorbell
 *   at 8   the same in the registers of the clock, whose device in QEMU declares no sizes of
 *          accesses, as the known BPMP device: there QEMU splits each of these in two. At offsets
 *          where that device does nothing
 *   at 12  one IS_ENABLED with interrupts off
 *   at 16  one GET_RATE, for which the broker asks the firmware
 *
 * and read 4 bytes: the clock's state, or 0. Without a window, those at 4 and 8 fail.
 */
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/of_address.h>
#include <linux/of_platform.h>
#include <linux/platform_device.h>
#include <linux/uaccess.h>

#include <soc/tegra/bpmp.h>
#include <soc/tegra/bpmp-abi.h>

#define WINDOW_SIZE	0x600
#define WINDOW_MRQ	0x500
#define WINDOW_UNUSED	0x508
#define CLOCK_UNUSED	0x100 /* of the PL031, as long as the window */
#define WORDS		(WINDOW_SIZE / sizeof(u64))

static unsigned int clock = 155;
module_param(clock, uint, 0444);
MODULE_PARM_DESC(clock, "which clock is asked for");

static struct tegra_bpmp *bpmp;
static void __iomem *window;
static void __iomem *undeclared;
static u64 words[WORDS];

static int bench_ask(u32 command, void *response, size_t size, bool atomic)
{
	struct mrq_clk_request request = { .cmd_and_id = command << 24 | clock };
	struct tegra_bpmp_message msg = {
		.mrq = MRQ_CLK,
		.tx = { .data = &request, .size = sizeof(request) },
		.rx = { .data = response, .size = size },
	};
	unsigned long flags;
	int err;

	if (atomic) {
		local_irq_save(flags);
		err = tegra_bpmp_transfer_atomic(bpmp, &msg);
		local_irq_restore(flags);
	} else {
		err = tegra_bpmp_transfer(bpmp, &msg);
	}
	if (err)
		return err;
	return msg.rx.ret ? -EIO : 0;
}

static int bench_is_enabled(u32 *answer)
{
	return bench_ask(CMD_CLK_IS_ENABLED, answer, sizeof(*answer), false);
}

static int bench_is_enabled_atomic(u32 *answer)
{
	return bench_ask(CMD_CLK_IS_ENABLED, answer, sizeof(*answer), true);
}

static int bench_get_rate(u32 *answer)
{
	s64 rate;

	*answer = 0;
	return bench_ask(CMD_CLK_GET_RATE, &rate, sizeof(rate), false);
}

static void bench_copy(void __iomem *base, unsigned int doorbell, unsigned int instead)
{
	unsigned int n, offset;

	for (n = 0; n < WORDS; n++) {
		offset = n * sizeof(u64);
		__raw_writeq(words[n], base + (offset == doorbell ? instead : offset));
	}
	for (n = 0; n < WORDS; n++)
		words[n] = __raw_readq(base + n * sizeof(u64));
}

static int bench_copy_window(u32 *answer)
{
	if (!window)
		return -ENODEV;
	bench_copy(window, WINDOW_MRQ, WINDOW_UNUSED);
	*answer = 0;
	return 0;
}

static int bench_copy_undeclared(u32 *answer)
{
	if (!window)
		return -ENODEV;
	bench_copy(undeclared + CLOCK_UNUSED, WINDOW_MRQ, WINDOW_UNUSED);
	*answer = 0;
	return 0;
}

static int (*const actions[])(u32 *answer) = {
	bench_is_enabled,
	bench_copy_window,
	bench_copy_undeclared,
	bench_is_enabled_atomic,
	bench_get_rate,
};

static ssize_t bench_read(struct file *file, char __user *to, size_t count, loff_t *position)
{
	u64 which = *position / sizeof(u32);
	u32 answer;
	int err;

	if (count != sizeof(answer) || which >= ARRAY_SIZE(actions))
		return -EINVAL;
	err = actions[which](&answer);
	if (err)
		return err;
	return copy_to_user(to, &answer, sizeof(answer)) ? -EFAULT : sizeof(answer);
}

static const struct file_operations bench_operations = {
	.owner = THIS_MODULE,
	.read = bench_read,
	.llseek = default_llseek,
};

static struct miscdevice bench_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "bpmp-bench",
	.fops = &bench_operations,
};

static int __init bench_find_bpmp(void)
{
	struct platform_device *device;
	struct device_node *node;
	u64 address;

	node = of_find_compatible_node(NULL, NULL, "nvidia,tegra186-bpmp");
	if (!node)
		return -ENODEV;
	device = of_find_device_by_node(node);
	bpmp = device ? platform_get_drvdata(device) : NULL;
	if (!bpmp)
		return -ENODEV;
	if (of_property_read_u64(node, "virtual-pa", &address))
		return 0;
	window = ioremap(address, WINDOW_SIZE);
	return window ? 0 : -ENOMEM;
}

/* Loaded once, in a guest that lives as long as the measurement: nothing is given back. */
static int __init bench_init(void)
{
	struct device_node *node;
	int err;

	err = bench_find_bpmp();
	if (err)
		return err;
	node = of_find_compatible_node(NULL, NULL, "arm,pl031");
	undeclared = node ? of_iomap(node, 0) : NULL;
	if (!undeclared)
		return -ENODEV;
	return misc_register(&bench_device);
}
module_init(bench_init);

MODULE_DESCRIPTION("Measures the way to the BPMP from user space");
MODULE_LICENSE("GPL");
