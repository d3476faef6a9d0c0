// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lists, from the proxy's node of the device tree, and the firmware's clocks to go with them.
 */
#include <linux/of.h>
#include <linux/slab.h>

#include "bpmp-host.h"

#define BPMP_PROXY_CLOCK_IDS	BIT(24)

/* How many numbers a property has, or none; an error if its bytes make no whole ones. */
static int bpmp_proxy_count_cells(const struct device_node *np, const char *property)
{
	int length;

	if (!of_find_property(np, property, &length))
		return 0;

	if (length % sizeof(u32))
		return -EINVAL;

	return length / sizeof(u32);
}

/* Adds the numbers of a property, if it is there. */
static int bpmp_proxy_add_ids(struct bpmp_proxy *proxy, const char *property,
			      struct bpmp_proxy_list *list)
{
	struct device_node *np = proxy->dev->of_node;
	bool clocks = list == &proxy->policy.clocks;
	int count, i, err;
	u32 id;

	count = bpmp_proxy_count_cells(np, property);
	if (count < 0)
		return dev_err_probe(proxy->dev, count, "%s: not a list of numbers\n", property);

	for (i = 0; i < count; i++) {
		err = of_property_read_u32_index(np, property, i, &id);
		if (err)
			return err;

		if (clocks && id >= BPMP_PROXY_CLOCK_IDS)
			return dev_err_probe(proxy->dev, -EINVAL, "%s: %u is no clock\n",
					     property, id);

		err = bpmp_proxy_list_add(list, id, true);
		if (err)
			return err;
	}

	return 0;
}

/* Adds what one property of a device's node names, as far as it is the BPMP's. */
static int bpmp_proxy_add_references(struct bpmp_proxy *proxy, struct device_node *np,
				     const char *property, const char *cells,
				     struct bpmp_proxy_list *list)
{
	struct of_phandle_args args;
	int count, i, err = 0;

	count = bpmp_proxy_count_cells(np, property);
	if (count > 0)
		count = of_count_phandle_with_args(np, property, cells);
	if (count < 0)
		return dev_err_probe(proxy->dev, count, "%pOF: bad %s\n", np, property);

	for (i = 0; i < count && !err; i++) {
		err = of_parse_phandle_with_args(np, property, cells, i, &args);
		if (err == -ENOENT) {
			/* A hole in the list. */
			err = 0;
			continue;
		}
		if (err)
			return dev_err_probe(proxy->dev, err, "%pOF: bad %s\n", np, property);

		if (args.np == proxy->bpmp->dev->of_node && args.args_count == 1)
			err = bpmp_proxy_list_add(list, args.args[0], true);

		of_node_put(args.np);
	}

	return err;
}

static int bpmp_proxy_add_devices(struct bpmp_proxy *proxy)
{
	struct bpmp_proxy_policy *policy = &proxy->policy;
	struct device_node *np;
	int count, i, err = 0;

	count = bpmp_proxy_count_cells(proxy->dev->of_node, "allowed-devices");
	if (count < 0)
		return dev_err_probe(proxy->dev, count, "allowed-devices: not a list of nodes\n");

	for (i = 0; i < count && !err; i++) {
		np = of_parse_phandle(proxy->dev->of_node, "allowed-devices", i);
		if (!np)
			return dev_err_probe(proxy->dev, -EINVAL,
					     "allowed-devices: entry %d is no node\n", i);

		err = bpmp_proxy_add_references(proxy, np, "clocks", "#clock-cells",
						&policy->clocks);
		if (!err)
			err = bpmp_proxy_add_references(proxy, np, "resets", "#reset-cells",
							&policy->resets);
		if (!err)
			err = bpmp_proxy_add_references(proxy, np, "power-domains",
							"#power-domain-cells",
							&policy->domains);
		of_node_put(np);
	}

	return err;
}

/* What the firmware's refusal to describe a clock says of it. */
static int bpmp_proxy_refusal(s32 err)
{
	switch (err) {
	case 0:
		return 0;
	case -BPMP_EINVAL:
	case -BPMP_ENOENT:
	case -BPMP_ENODEV:
	case -BPMP_ENOTSUP:
		return -ENOENT;
	case -BPMP_EACCES:
	case -BPMP_EPERM:
		return -EACCES;
	default:
		return -EIO;
	}
}

/*
 * Asks the firmware. Return: 0; -ENOENT for what is no clock; -EACCES for one that is none for the
 * host; else that nothing is known.
 */
static int bpmp_proxy_ask_clock(struct bpmp_proxy *proxy, u32 cmd, u32 id,
				struct bpmp_proxy_answer *answer)
{
	struct bpmp_proxy_request request;
	int err;

	if (bpmp_proxy_read_request(&request, MRQ_CLK, cmd, id))
		return -ENOENT;

	bpmp_proxy_forward(proxy, &request, answer);
	if (answer->status)
		return answer->status;

	err = bpmp_proxy_refusal(answer->err);
	if (err == -EIO)
		dev_err(proxy->dev, "clock %u can't be read: firmware error %d\n", id,
			answer->err);

	return err;
}

static void bpmp_proxy_read_node(const u8 *rx, struct bpmp_proxy_node *node)
{
	const u8 *parents = rx + offsetof(struct cmd_clk_get_all_info_response, parents);
	unsigned int i;

	node->named = rx[offsetof(struct cmd_clk_get_all_info_response, name)];
	if (!node->named)
		return;

	node->num_parents = min_t(u8, MRQ_CLK_MAX_PARENTS,
				  rx[offsetof(struct cmd_clk_get_all_info_response,
					      num_parents)]);
	for (i = 0; i < node->num_parents; i++)
		node->parents[i] = get_unaligned_le32(parents + 4 * i);
}

static int bpmp_proxy_read_nodes(struct bpmp_proxy *proxy, struct bpmp_proxy_tree *tree,
				 struct bpmp_proxy_answer *answer)
{
	unsigned int id, hidden = 0;
	int err;

	for (id = 0; id < tree->count; id++) {
		err = bpmp_proxy_ask_clock(proxy, CMD_CLK_GET_ALL_INFO, id, answer);
		if (!err)
			bpmp_proxy_read_node(answer->rx, &tree->nodes[id]);
		else if (err == -EACCES)
			hidden++;
		else if (err != -ENOENT)
			return err;
	}

	if (hidden)
		dev_warn(proxy->dev, "%u clocks are hidden from the host, and what feeds them\n",
			 hidden);

	return 0;
}

/* Reads the firmware's clocks and fits the list to them: without them nothing is known about it. */
static int bpmp_proxy_apply_clocks(struct bpmp_proxy *proxy)
{
	struct bpmp_proxy_answer answer;
	struct bpmp_proxy_tree tree;
	u32 max;
	int err;

	err = bpmp_proxy_ask_clock(proxy, CMD_CLK_GET_MAX_CLK_ID, 0, &answer);
	if (err)
		return err;

	max = get_unaligned_le32(answer.rx);
	if (max >= BPMP_PROXY_CLOCKS_MAX)
		return -E2BIG;

	tree.count = max + 1;
	tree.nodes = kvcalloc(tree.count, sizeof(*tree.nodes), GFP_KERNEL);
	if (!tree.nodes)
		return -ENOMEM;

	err = bpmp_proxy_read_nodes(proxy, &tree, &answer);
	if (!err)
		err = bpmp_proxy_tree_apply(&tree, &proxy->policy.clocks);

	kvfree(tree.nodes);

	return err;
}

/**
 * bpmp_proxy_devicetree() - make the lists
 * @proxy: in: dev, bpmp; out: policy, to be freed on failure too
 *
 * Return: 0 or an error. A list that can't be understood is one: what it allows is not guessed.
 */
int bpmp_proxy_devicetree(struct bpmp_proxy *proxy)
{
	struct bpmp_proxy_policy *policy = &proxy->policy;
	int err;

	err = bpmp_proxy_add_ids(proxy, "allowed-clocks", &policy->clocks);
	if (!err)
		err = bpmp_proxy_add_ids(proxy, "controlled-clocks", &policy->clocks);
	if (!err)
		err = bpmp_proxy_add_ids(proxy, "allowed-resets", &policy->resets);
	if (!err)
		err = bpmp_proxy_add_ids(proxy, "allowed-power-domains", &policy->domains);
	if (!err)
		err = bpmp_proxy_add_devices(proxy);
	if (err)
		return err;

	if (policy->clocks.count) {
		err = bpmp_proxy_apply_clocks(proxy);
		if (err)
			return dev_err_probe(proxy->dev, err, "can't read the BPMP's clocks\n");
	}

	/* Again, for what the clocks' tree took away: here the administrator insists. */
	return bpmp_proxy_add_ids(proxy, "controlled-clocks", &policy->clocks);
}
