// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands for the driver of a passed-through device in the end-to-end tests: takes all clocks,
 * resets and the power domain of its node, and does with them what is written to its files in
 * sysfs. Numbers are positions in the node's lists.
 *
 *   clk_enable   N     clk_prepare_enable()
 *   clk_disable  N     clk_disable_unprepare()
 *   clk_rate     N HZ  clk_set_rate(); read: one line a clock, "name rate enabled-by-us"
 *   clk_parent   N M   clk_set_parent() of clock N to clock M
 *   reset        assert|deassert|pulse N
 *   domain       0|1   the power domain, by pm_runtime
 *   result             what the last of these returned: 0 or a negative errno
 *
 * transfers.c has two more, and stuck.c one.
 */
#include <linux/clk.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/platform_device.h>
#include <linux/pm_runtime.h>
#include <linux/reset.h>
#include <linux/slab.h>

#include "consumer.h"

/* The result goes to "result": the write itself succeeds, so that a shell script goes on. */
ssize_t consumer_done(struct consumer *consumer, int result, size_t count)
{
	consumer->result = result;
	mutex_unlock(&consumer->lock);
	return count;
}

struct consumer *consumer_begin(struct device *dev)
{
	struct consumer *consumer = dev_get_drvdata(dev);

	mutex_lock(&consumer->lock);
	return consumer;
}

static ssize_t clk_enable_store(struct device *dev, struct device_attribute *attr,
				const char *text, size_t count)
{
	struct consumer *consumer = consumer_begin(dev);
	unsigned int n;
	int err = -EINVAL;

	if (!kstrtouint(text, 0, &n) && n < consumer->num_clocks)
		err = clk_prepare_enable(consumer->clocks[n]);
	if (!err)
		consumer->enabled[n]++;
	return consumer_done(consumer, err, count);
}
static DEVICE_ATTR_WO(clk_enable);

static ssize_t clk_disable_store(struct device *dev, struct device_attribute *attr,
				 const char *text, size_t count)
{
	struct consumer *consumer = consumer_begin(dev);
	unsigned int n;
	int err = -EINVAL;

	if (!kstrtouint(text, 0, &n) && n < consumer->num_clocks && consumer->enabled[n]) {
		clk_disable_unprepare(consumer->clocks[n]);
		consumer->enabled[n]--;
		err = 0;
	}
	return consumer_done(consumer, err, count);
}
static DEVICE_ATTR_WO(clk_disable);

static ssize_t clk_rate_store(struct device *dev, struct device_attribute *attr,
			      const char *text, size_t count)
{
	struct consumer *consumer = consumer_begin(dev);
	unsigned long rate;
	unsigned int n;
	int err = -EINVAL;

	if (sscanf(text, "%u %lu", &n, &rate) == 2 && n < consumer->num_clocks)
		err = clk_set_rate(consumer->clocks[n], rate);
	return consumer_done(consumer, err, count);
}

static ssize_t clk_rate_show(struct device *dev, struct device_attribute *attr, char *text)
{
	struct consumer *consumer = consumer_begin(dev);
	ssize_t length = 0;
	unsigned int n;

	for (n = 0; n < consumer->num_clocks; n++)
		length += sysfs_emit_at(text, length, "%u %lu %u\n", n,
					clk_get_rate(consumer->clocks[n]), consumer->enabled[n]);
	mutex_unlock(&consumer->lock);
	return length;
}
static DEVICE_ATTR_RW(clk_rate);

static ssize_t clk_parent_store(struct device *dev, struct device_attribute *attr,
				const char *text, size_t count)
{
	struct consumer *consumer = consumer_begin(dev);
	unsigned int n, m;
	int err = -EINVAL;

	if (sscanf(text, "%u %u", &n, &m) == 2 && n < consumer->num_clocks &&
	    m < consumer->num_clocks)
		err = clk_set_parent(consumer->clocks[n], consumer->clocks[m]);
	return consumer_done(consumer, err, count);
}
static DEVICE_ATTR_WO(clk_parent);

static ssize_t reset_store(struct device *dev, struct device_attribute *attr,
			   const char *text, size_t count)
{
	struct consumer *consumer = consumer_begin(dev);
	char action[16];
	unsigned int n;
	int err = -EINVAL;

	if (sscanf(text, "%15s %u", action, &n) == 2 && n < consumer->num_resets) {
		if (!strcmp(action, "assert"))
			err = reset_control_assert(consumer->resets[n]);
		else if (!strcmp(action, "deassert"))
			err = reset_control_deassert(consumer->resets[n]);
		else if (!strcmp(action, "pulse"))
			err = reset_control_reset(consumer->resets[n]);
	}
	return consumer_done(consumer, err, count);
}
static DEVICE_ATTR_WO(reset);

static ssize_t domain_store(struct device *dev, struct device_attribute *attr,
			    const char *text, size_t count)
{
	struct consumer *consumer = consumer_begin(dev);
	unsigned int on;
	int err = -EINVAL;

	if (!kstrtouint(text, 0, &on))
		err = on ? pm_runtime_resume_and_get(dev) : pm_runtime_put_sync(dev);
	return consumer_done(consumer, min(err, 0), count);
}
static DEVICE_ATTR_WO(domain);

static ssize_t result_show(struct device *dev, struct device_attribute *attr, char *text)
{
	struct consumer *consumer = consumer_begin(dev);
	int result = consumer->result;

	mutex_unlock(&consumer->lock);
	return sysfs_emit(text, "%d\n", result);
}
static DEVICE_ATTR_RO(result);

static struct attribute *consumer_attrs[] = {
	&dev_attr_clk_enable.attr,
	&dev_attr_clk_disable.attr,
	&dev_attr_clk_rate.attr,
	&dev_attr_clk_parent.attr,
	&dev_attr_reset.attr,
	&dev_attr_domain.attr,
	&dev_attr_result.attr,
	NULL,
};

static const struct attribute_group consumer_group = { .attrs = consumer_attrs };

static const struct attribute_group *consumer_groups[] = {
	&consumer_group,
	&consumer_transfer_group,
	&consumer_stuck_group,
	NULL,
};

static int consumer_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	struct consumer *consumer;
	int count, n;

	consumer = devm_kzalloc(dev, sizeof(*consumer), GFP_KERNEL);
	if (!consumer)
		return -ENOMEM;
	mutex_init(&consumer->lock);

	count = of_count_phandle_with_args(dev->of_node, "clocks", "#clock-cells");
	consumer->num_clocks = clamp(count, 0, MAX_CLOCKS);
	for (n = 0; n < consumer->num_clocks; n++) {
		struct clk *clk = of_clk_get(dev->of_node, n);

		if (IS_ERR(clk))
			return dev_err_probe(dev, PTR_ERR(clk), "clock %d\n", n);
		consumer->clocks[n] = clk;
	}
	count = of_count_phandle_with_args(dev->of_node, "resets", "#reset-cells");
	consumer->num_resets = clamp(count, 0, MAX_RESETS);
	for (n = 0; n < consumer->num_resets; n++) {
		struct reset_control *reset;

		reset = devm_reset_control_get_exclusive_by_index(dev, n);
		if (IS_ERR(reset))
			return dev_err_probe(dev, PTR_ERR(reset), "reset %d\n", n);
		consumer->resets[n] = reset;
	}
	count = consumer_find_bpmp(consumer, dev);
	if (count)
		return dev_err_probe(dev, count, "BPMP\n");

	platform_set_drvdata(pdev, consumer);
	pm_runtime_enable(dev);
	dev_info(dev, "%u clocks, %u resets\n", consumer->num_clocks, consumer->num_resets);
	return 0;
}

static const struct of_device_id consumer_match[] = {
	{ .compatible = "bpmp-broker,test-consumer" },
	{ }
};
MODULE_DEVICE_TABLE(of, consumer_match);

static struct platform_driver consumer_driver = {
	.driver = {
		.name = "bpmp-consumer",
		.of_match_table = consumer_match,
		.dev_groups = consumer_groups,
		.suppress_bind_attrs = true,
	},
	.probe = consumer_probe,
};
module_platform_driver(consumer_driver);

MODULE_DESCRIPTION("Test consumer of clocks, resets and power domains");
MODULE_LICENSE("GPL");
