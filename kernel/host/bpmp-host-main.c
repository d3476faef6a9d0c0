// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPMP host proxy: lets one arbiter in user space (the BPMP broker) act on the BPMP for virtual
 * machines, within the bound of the device tree and beside the host's own drivers.
 */
#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "bpmp-host.h"

static void bpmp_proxy_free(struct kref *ref)
{
	struct bpmp_proxy *proxy = container_of(ref, struct bpmp_proxy, ref);

	bpmp_proxy_policy_free(&proxy->policy);
	kfree(proxy);
}

/* The platform device or a file lets go. */
void bpmp_proxy_put(struct bpmp_proxy *proxy)
{
	kref_put(&proxy->ref, bpmp_proxy_free);
}

/* One name in /dev, and one list: several devices would not share the slots. */
static atomic_t bpmp_proxy_exists = ATOMIC_INIT(0);

/* The devm actions, in the order of probe; they are undone backwards. */

static void bpmp_proxy_undo_exists(void *data)
{
	atomic_set(&bpmp_proxy_exists, 0);
}

static void bpmp_proxy_undo_new(void *data)
{
	bpmp_proxy_put(data);
}

static void bpmp_proxy_undo_find(void *data)
{
	struct bpmp_proxy *proxy = data;

	tegra_bpmp_put(proxy->bpmp);
}

static void bpmp_proxy_undo_holds(void *data)
{
	bpmp_proxy_holds_free(data);
}

static bool bpmp_proxy_idle(struct bpmp_proxy *proxy)
{
	bool idle;

	spin_lock(&proxy->lock);
	idle = !proxy->busy;
	spin_unlock(&proxy->lock);

	return idle;
}

static void bpmp_proxy_undo_workers(void *data)
{
	struct bpmp_proxy *proxy = data;

	spin_lock(&proxy->lock);
	WRITE_ONCE(proxy->gone, true);
	spin_unlock(&proxy->lock);
	wake_up_all(&proxy->slots);

	/* A job may have its slot and not be queued yet. */
	wait_event(proxy->slots, bpmp_proxy_idle(proxy));
	destroy_workqueue(proxy->workers);
}

static void bpmp_proxy_undo_debugfs(void *data)
{
	struct bpmp_proxy *proxy = data;

	debugfs_remove_recursive(proxy->debugfs);
}

static void bpmp_proxy_undo_misc(void *data)
{
	struct bpmp_proxy *proxy = data;

	misc_deregister(&proxy->misc);
}

static struct bpmp_proxy *bpmp_proxy_new(struct device *dev)
{
	struct bpmp_proxy *proxy = kzalloc(sizeof(*proxy), GFP_KERNEL);

	if (!proxy)
		return NULL;

	kref_init(&proxy->ref);
	proxy->dev = dev;
	init_waitqueue_head(&proxy->slots);
	spin_lock_init(&proxy->lock);
	INIT_LIST_HEAD(&proxy->waiting);
	INIT_LIST_HEAD(&proxy->running);
	proxy->misc.minor = MISC_DYNAMIC_MINOR;
	proxy->misc.name = "bpmp-host";
	proxy->misc.mode = 0600;
	proxy->misc.fops = &bpmp_proxy_fops;
	proxy->misc.parent = dev;

	return proxy;
}

/* What the device needs before anybody can open it. */
static int bpmp_proxy_setup(struct device *dev, struct bpmp_proxy *proxy)
{
	int err;

	proxy->bpmp = bpmp_proxy_find(dev);
	if (IS_ERR(proxy->bpmp))
		return PTR_ERR(proxy->bpmp);
	err = devm_add_action_or_reset(dev, bpmp_proxy_undo_find, proxy);
	if (err)
		return err;

	err = bpmp_proxy_devicetree(proxy);
	if (err)
		return err;

	err = devm_add_action_or_reset(dev, bpmp_proxy_undo_holds, proxy);
	if (err)
		return err;
	err = bpmp_proxy_holds_setup(proxy);
	if (err)
		return err;

	/* Freezable: what is in flight ends before the BPMP's driver suspends. */
	proxy->workers = alloc_workqueue("bpmp-host", WQ_UNBOUND | WQ_FREEZABLE,
					 BPMP_PROXY_SLOTS);
	if (!proxy->workers)
		return -ENOMEM;

	return devm_add_action_or_reset(dev, bpmp_proxy_undo_workers, proxy);
}

static int bpmp_proxy_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	struct bpmp_proxy *proxy;
	int err;

	if (atomic_xchg(&bpmp_proxy_exists, 1))
		return dev_err_probe(dev, -EBUSY, "there is a proxy already\n");
	err = devm_add_action_or_reset(dev, bpmp_proxy_undo_exists, NULL);
	if (err)
		return err;

	proxy = bpmp_proxy_new(dev);
	if (!proxy)
		return -ENOMEM;
	err = devm_add_action_or_reset(dev, bpmp_proxy_undo_new, proxy);
	if (err)
		return err;

	err = bpmp_proxy_setup(dev, proxy);
	if (err)
		return err;

	err = misc_register(&proxy->misc);
	if (err)
		return dev_err_probe(dev, err, "can't make /dev/%s\n", proxy->misc.name);
	err = devm_add_action_or_reset(dev, bpmp_proxy_undo_misc, proxy);
	if (err)
		return err;

	bpmp_proxy_debugfs_init(proxy);
	err = devm_add_action_or_reset(dev, bpmp_proxy_undo_debugfs, proxy);
	if (err)
		return err;

	dev_info(dev, "/dev/%s: %u clocks, %u resets, %u power domains\n", proxy->misc.name,
		 proxy->policy.clocks.count, proxy->policy.resets.count,
		 proxy->policy.domains.count);

	return 0;
}

static const struct of_device_id bpmp_proxy_match[] = {
	{ .compatible = "nvidia,bpmp-host-proxy" },
	{ }
};
MODULE_DEVICE_TABLE(of, bpmp_proxy_match);

static struct platform_driver bpmp_proxy_driver = {
	.probe = bpmp_proxy_probe,
	.driver = {
		.name = "bpmp-host-proxy",
		.of_match_table = bpmp_proxy_match,
		/* Holds are ended by name, and not by the way. */
		.suppress_bind_attrs = true,
	},
};
module_platform_driver(bpmp_proxy_driver);

MODULE_DESCRIPTION("BPMP host proxy, for requests of virtual machines");
MODULE_LICENSE("GPL");
MODULE_VERSION("1.0"); /* as dkms.conf */
