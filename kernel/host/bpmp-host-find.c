// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the BPMP is. Not by tegra_bpmp_get(): that knows the phandle only, which nodes in use don't
 * have, and on 6.12 it hands out a BPMP whose driver is still probing, or failed to.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/of.h>
#include <linux/of_platform.h>
#include <linux/platform_device.h>

#include "bpmp-host.h"

/* What drivers/firmware/tegra binds to with three channels; the BPMP of Tegra210 has one. */
static const struct of_device_id bpmp_proxy_bpmps[] = {
	{ .compatible = "nvidia,tegra186-bpmp" },
	{ .compatible = "nvidia,tegra194-bpmp" },
	{ .compatible = "nvidia,tegra234-bpmp" },
	{ .compatible = "nvidia,tegra264-bpmp" },
	{ }
};

static struct device_node *bpmp_proxy_find_node(struct device *dev)
{
	struct device_node *np = of_parse_phandle(dev->of_node, "nvidia,bpmp", 0);

	if (np) {
		if (of_match_node(bpmp_proxy_bpmps, np))
			return np;
		dev_err(dev, "nvidia,bpmp: %pOF is no BPMP\n", np);
		of_node_put(np);
		return NULL;
	}

	for_each_matching_node(np, bpmp_proxy_bpmps)
		if (of_device_is_available(np))
			return np;

	dev_err(dev, "no BPMP in the device tree\n");
	return NULL;
}

/*
 * Whether the BPMP's driver has probed to the end. What device_is_bound() says, which 6.1 doesn't
 * export; the driver core sets the two together.
 */
static bool bpmp_proxy_is_bound(struct device *bpmp)
{
	return READ_ONCE(bpmp->links.status) == DL_DEV_DRIVER_BOUND;
}

/**
 * bpmp_proxy_find() - find the BPMP, by phandle or by compatible string
 * @dev: the proxy's device
 *
 * @dev is unbound and suspended before the BPMP from then on.
 *
 * Return: the BPMP with its device counted, -EPROBE_DEFER if its driver is not there yet, or
 * another error.
 */
struct tegra_bpmp *bpmp_proxy_find(struct device *dev)
{
	struct platform_device *pdev;
	struct tegra_bpmp *bpmp;
	struct device_node *np;

	np = bpmp_proxy_find_node(dev);
	if (!np)
		return ERR_PTR(-ENODEV);

	pdev = of_find_device_by_node(np);
	of_node_put(np);
	if (!pdev)
		return ERR_PTR(-EPROBE_DEFER);

	if (!bpmp_proxy_is_bound(&pdev->dev)) {
		bpmp = ERR_PTR(-EPROBE_DEFER);
		goto put;
	}

	bpmp = platform_get_drvdata(pdev);
	if (!bpmp || bpmp->dev != &pdev->dev) {
		dev_err(dev, "%pOF has another driver\n", pdev->dev.of_node);
		bpmp = ERR_PTR(-ENODEV);
		goto put;
	}

	if (!device_link_add(dev, &pdev->dev, DL_FLAG_AUTOREMOVE_CONSUMER)) {
		bpmp = ERR_PTR(-EINVAL);
		goto put;
	}

	return bpmp;

put:
	put_device(&pdev->dev);
	return bpmp;
}
