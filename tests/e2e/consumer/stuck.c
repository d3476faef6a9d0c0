// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests that don't end, for whoever must live with them: a clock's notifier that waits. Whoever
 * changes the rate of the first clock then waits as for a firmware that never answers, deaf to
 * signals, and with the lock of all clocks.
 *
 *   stuck  1  from now on; 0: they go on, and so does everybody. Not for a change by this consumer
 *             itself, whose lock is needed for both
 */
#include <linux/kernel.h>

#include "consumer.h"

static int consumer_rate_changes(struct notifier_block *notifier, unsigned long event, void *data)
{
	struct consumer *consumer = container_of(notifier, struct consumer, notifier);

	if (event == PRE_RATE_CHANGE)
		wait_event(consumer->unstuck, !READ_ONCE(consumer->stuck));
	return NOTIFY_OK;
}

/* Before whatever is stuck begins: it has the lock that both need. */
static int consumer_stick(struct consumer *consumer)
{
	int err;

	if (consumer->stuck || !consumer->num_clocks)
		return -EINVAL;

	init_waitqueue_head(&consumer->unstuck);
	consumer->notifier.notifier_call = consumer_rate_changes;
	err = clk_notifier_register(consumer->clocks[0], &consumer->notifier);
	if (!err)
		WRITE_ONCE(consumer->stuck, true);
	return err;
}

static int consumer_unstick(struct consumer *consumer)
{
	if (!consumer->stuck)
		return -EINVAL;

	WRITE_ONCE(consumer->stuck, false);
	wake_up_all(&consumer->unstuck);
	return clk_notifier_unregister(consumer->clocks[0], &consumer->notifier);
}

static ssize_t stuck_store(struct device *dev, struct device_attribute *attr,
			   const char *text, size_t count)
{
	struct consumer *consumer = consumer_begin(dev);
	bool stuck;
	int err;

	err = kstrtobool(text, &stuck);
	if (!err)
		err = stuck ? consumer_stick(consumer) : consumer_unstick(consumer);
	return consumer_done(consumer, err, count);
}
static DEVICE_ATTR_WO(stuck);

static struct attribute *consumer_stuck_attrs[] = {
	&dev_attr_stuck.attr,
	NULL,
};

const struct attribute_group consumer_stuck_group = { .attrs = consumer_stuck_attrs };
