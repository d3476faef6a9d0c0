// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the firmware's tree of clocks adds to the list of allowed clocks, and takes from it.
 *
 * Adds: a clock runs only when what feeds it runs, so a guest enables all of that, one by one.
 * Clocks above an allowed one may be enabled, and no more.
 *
 * Takes: whoever sets the rate of a clock sets it for everything below. A clock that can feed one
 * that is not allowed may be enabled, and no more. Lists in use have such roots (pllp_out0 beside
 * a UART), because without them nothing could be enabled.
 *
 * "Can feed" goes by all candidate parents, not by today's: the host may switch a mux at any time.
 */
#include <linux/bitmap.h>
#include <linux/slab.h>

#include "bpmp-host-policy.h"
#include "bpmp-host-tree.h"

/* Sets in @feeders all that can feed the clocks of @from, directly or not. Uses up @from. */
static void bpmp_proxy_tree_feeders(const struct bpmp_proxy_tree *tree,
				    unsigned long *from, unsigned long *feeders)
{
	unsigned int id, i;

	while ((id = find_first_bit(from, tree->count)) < tree->count) {
		const struct bpmp_proxy_node *node = &tree->nodes[id];

		__clear_bit(id, from);

		for (i = 0; i < node->num_parents; i++) {
			u32 parent = node->parents[i];

			/* Each is added once, so that a cycle ends too. */
			if (parent < tree->count && !__test_and_set_bit(parent, feeders))
				__set_bit(parent, from);
		}
	}
}

/* Sets in @from the named clocks that are in the list, or those that aren't. */
static void bpmp_proxy_tree_select(const struct bpmp_proxy_tree *tree,
				   const struct bpmp_proxy_list *clocks, bool listed,
				   unsigned long *from)
{
	unsigned int id;

	bitmap_zero(from, tree->count);

	for (id = 0; id < tree->count; id++)
		if (tree->nodes[id].named && !!bpmp_proxy_list_find(clocks, id) == listed)
			__set_bit(id, from);
}

/**
 * bpmp_proxy_tree_apply() - fit the list of clocks to the tree
 * @tree: the firmware's
 * @clocks: in: what the device tree allows, with control; out: see above
 *
 * Return: 0 or -ENOMEM.
 */
int bpmp_proxy_tree_apply(const struct bpmp_proxy_tree *tree,
			  struct bpmp_proxy_list *clocks)
{
	unsigned long *from, *feeders;
	unsigned int id;
	int err = 0;

	from = bitmap_zalloc(tree->count, GFP_KERNEL);
	feeders = bitmap_zalloc(tree->count, GFP_KERNEL);
	if (!from || !feeders) {
		err = -ENOMEM;
		goto free;
	}

	bpmp_proxy_tree_select(tree, clocks, false, from);
	bpmp_proxy_tree_feeders(tree, from, feeders);

	for (id = 0; id < clocks->count; id++)
		if (clocks->grants[id].id < tree->count &&
		    test_bit(clocks->grants[id].id, feeders))
			clocks->grants[id].control = false;

	bitmap_zero(feeders, tree->count);
	bpmp_proxy_tree_select(tree, clocks, true, from);
	bpmp_proxy_tree_feeders(tree, from, feeders);

	for_each_set_bit(id, feeders, tree->count) {
		err = bpmp_proxy_list_add(clocks, id, false);
		if (err)
			break;
	}

free:
	bitmap_free(feeders);
	bitmap_free(from);

	return err;
}
