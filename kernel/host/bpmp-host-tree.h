/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The firmware's clocks, as far as the list of clocks depends on them.
 */
#ifndef BPMP_HOST_TREE_H
#define BPMP_HOST_TREE_H

#include <linux/types.h>

#include <soc/tegra/bpmp-abi.h>

struct bpmp_proxy_list;

/**
 * struct bpmp_proxy_node - a clock of the firmware
 * @named: there is one; without it the id is a hole
 * @num_parents: of @parents, the candidates
 * @parents: ids of the clocks that can feed it
 */
struct bpmp_proxy_node {
	bool named;
	u8 num_parents;
	u32 parents[MRQ_CLK_MAX_PARENTS];
};

/**
 * struct bpmp_proxy_tree - which clock can feed which
 * @count: one more than the highest id
 * @nodes: by id
 */
struct bpmp_proxy_tree {
	unsigned int count;
	struct bpmp_proxy_node *nodes;
};

int bpmp_proxy_tree_apply(const struct bpmp_proxy_tree *tree,
			  struct bpmp_proxy_list *clocks);

#endif /* BPMP_HOST_TREE_H */
