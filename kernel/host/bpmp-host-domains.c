// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power domains, through the host's generic power domains: each allowed domain has a virtual
 * device of ours in it, which is active while the domain is held. The domain goes off when no
 * device needs it, ours, the host's, and those that vfio-platform holds for a guest: its own put,
 * when QEMU dies, is then not the last one.
 *
 * At the host's system sleep the domains go off with everything else, and come back at resume.
 */
#include <linux/err.h>
#include <linux/of.h>
#include <linux/pm_domain.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>

#include "bpmp-host.h"

/**
 * struct bpmp_proxy_domain - a power domain that may be used
 * @hold: our reference
 * @dev: our device in the domain
 */
struct bpmp_proxy_domain {
	struct bpmp_proxy_hold hold;
	struct device dev;
};

static struct device *bpmp_proxy_domain_dev(struct bpmp_proxy_hold *hold)
{
	return &container_of(hold, struct bpmp_proxy_domain, hold)->dev;
}

static int bpmp_proxy_domain_on(struct bpmp_proxy_hold *hold)
{
	struct device *dev = bpmp_proxy_domain_dev(hold);
	int err;

	err = pm_runtime_resume_and_get(dev);
	/* The error would stick to the device, and fail all later attempts. */
	if (err < 0)
		pm_runtime_set_suspended(dev);

	return err < 0 ? err : 0;
}

static int bpmp_proxy_domain_off(struct bpmp_proxy_hold *hold)
{
	struct device *dev = bpmp_proxy_domain_dev(hold);
	int err;

	err = pm_runtime_put_sync_suspend(dev);
	if (err >= 0)
		return 0;

	pm_runtime_get_noresume(dev);
	/* As above; without an error to clear it does nothing. */
	pm_runtime_set_active(dev);

	return err;
}

static void bpmp_proxy_domain_free(struct bpmp_proxy_hold *hold)
{
	struct device *dev = bpmp_proxy_domain_dev(hold);

	int err;

	pm_runtime_disable(dev);
	err = pm_genpd_remove_device(dev);
	if (err) {
		/* The domain still points to it: better it stays. */
		dev_warn(dev, "stays in its power domain: %d\n", err);
		return;
	}

	device_unregister(dev);
}

static const struct bpmp_proxy_hold_ops bpmp_proxy_domain_ops = {
	.on = bpmp_proxy_domain_on,
	.off = bpmp_proxy_domain_off,
	.free = bpmp_proxy_domain_free,
};

static void bpmp_proxy_domain_release(struct device *dev)
{
	kfree(container_of(dev, struct bpmp_proxy_domain, dev));
}

static int bpmp_proxy_domain_attach(struct bpmp_proxy *proxy, struct device *dev, u32 id)
{
	struct of_phandle_args args = {
		.np = proxy->bpmp->dev->of_node,
		.args_count = 1,
		.args = { id },
	};
	int err;

	err = device_add(dev);
	if (err)
		return err;

	err = of_genpd_add_device(&args, dev);
	if (err) {
		device_del(dev);
		return err;
	}

	pm_runtime_enable(dev);

	return 0;
}

/**
 * bpmp_proxy_domain_new() - find a power domain, and put a device in it
 * @proxy: the device
 * @id: the firmware's number
 *
 * Return: its hold, not held; NULL if the host has no such domain; or -ENOMEM.
 */
struct bpmp_proxy_hold *bpmp_proxy_domain_new(struct bpmp_proxy *proxy, u32 id)
{
	struct bpmp_proxy_domain *domain;
	int err;

	domain = kzalloc(sizeof(*domain), GFP_KERNEL);
	if (!domain)
		return ERR_PTR(-ENOMEM);

	bpmp_proxy_hold_init(&domain->hold, &bpmp_proxy_domain_ops, BPMP_HOST_POWER_DOMAIN,
			     id);

	device_initialize(&domain->dev);
	domain->dev.parent = proxy->dev;
	domain->dev.release = bpmp_proxy_domain_release;

	err = dev_set_name(&domain->dev, "bpmp-host-domain.%u", id);
	if (!err)
		err = bpmp_proxy_domain_attach(proxy, &domain->dev, id);
	if (!err)
		return &domain->hold;

	put_device(&domain->dev);
	if (err == -ENOMEM)
		return ERR_PTR(err);

	dev_warn(proxy->dev, "the host has no power domain %u: %d\n", id, err);
	return NULL;
}
