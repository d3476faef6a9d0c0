// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of what the firmware's tree of clocks adds to the list, and takes from it.
 */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "bpmp-host-policy.h"
#include "bpmp-host-tree.h"

/*
 * osc (1) feeds pll (2) and spare (3); pll feeds bus (4) and the host's own clock (8); either pll
 * or spare feeds link (5); link and bus feed lane (6), which is its own parent as far as the
 * firmware says. 7 is a hole, and 9 names a parent that isn't there.
 */
static struct bpmp_proxy_node bpmp_proxy_test_nodes[] = {
	[1] = { true, 0 },
	[2] = { true, 1, { 1 } },
	[3] = { true, 1, { 1 } },
	[4] = { true, 1, { 2 } },
	[5] = { true, 2, { 2, 3 } },
	[6] = { true, 3, { 5, 4, 6 } },
	[7] = { false, 0 },
	[8] = { true, 1, { 2 } },
	[9] = { true, 2, { 1000, U32_MAX } },
};

static const struct bpmp_proxy_tree bpmp_proxy_test_tree = {
	ARRAY_SIZE(bpmp_proxy_test_nodes), bpmp_proxy_test_nodes,
};

static void bpmp_proxy_test_apply(struct kunit *test, const u32 *ids, unsigned int count,
				  struct bpmp_proxy_list *list)
{
	unsigned int i;

	memset(list, 0, sizeof(*list));
	for (i = 0; i < count; i++)
		KUNIT_ASSERT_EQ(test, bpmp_proxy_list_add(list, ids[i], true), 0);
	KUNIT_ASSERT_EQ(test, bpmp_proxy_tree_apply(&bpmp_proxy_test_tree, list), 0);
}

/* 'c' control, 'e' enable, '-' nothing; the clocks of the tree by id. */
static void bpmp_proxy_test_expect(struct kunit *test, struct bpmp_proxy_list *list,
				   const char *expected)
{
	char got[ARRAY_SIZE(bpmp_proxy_test_nodes) + 1] = { 0 };
	unsigned int id;

	for (id = 0; id < ARRAY_SIZE(bpmp_proxy_test_nodes); id++) {
		struct bpmp_proxy_grant *grant = bpmp_proxy_list_find(list, id);

		got[id] = !grant ? '-' : grant->control ? 'c' : 'e';
	}

	KUNIT_EXPECT_STREQ(test, got, expected);
}

static void bpmp_proxy_test_tree_ancestors(struct kunit *test)
{
	static const u32 link[] = { 5 }, lane[] = { 6 }, broken[] = { 9 };
	struct bpmp_proxy_list list;

	/* Either parent of a mux, up to the root. Link feeds lane, which is not allowed. */
	bpmp_proxy_test_apply(test, link, ARRAY_SIZE(link), &list);
	bpmp_proxy_test_expect(test, &list, "-eee-e----");
	kfree(list.grants);

	bpmp_proxy_test_apply(test, lane, ARRAY_SIZE(lane), &list);
	bpmp_proxy_test_expect(test, &list, "-eeeeec---");
	kfree(list.grants);

	bpmp_proxy_test_apply(test, broken, ARRAY_SIZE(broken), &list);
	bpmp_proxy_test_expect(test, &list, "---------c");
	kfree(list.grants);
}

static void bpmp_proxy_test_tree_control(struct kunit *test)
{
	static const u32 device[] = { 4, 5, 6 }, root[] = { 1, 2, 5, 6 }, strange[] = { 7, 99 };
	struct bpmp_proxy_list list;

	/* What feeds nothing but its own. */
	bpmp_proxy_test_apply(test, device, ARRAY_SIZE(device), &list);
	bpmp_proxy_test_expect(test, &list, "-eeeccc---");
	kfree(list.grants);

	/* Roots that are listed, and that the host needs as well. */
	bpmp_proxy_test_apply(test, root, ARRAY_SIZE(root), &list);
	bpmp_proxy_test_expect(test, &list, "-eeeecc---");
	kfree(list.grants);

	/* What the firmware doesn't have stays listed, and harms nobody. */
	bpmp_proxy_test_apply(test, strange, ARRAY_SIZE(strange), &list);
	bpmp_proxy_test_expect(test, &list, "-------c--");
	KUNIT_EXPECT_EQ(test, list.count, 2);
	kfree(list.grants);
}

static struct kunit_case bpmp_proxy_tree_cases[] = {
	KUNIT_CASE(bpmp_proxy_test_tree_ancestors),
	KUNIT_CASE(bpmp_proxy_test_tree_control),
	{ }
};

static struct kunit_suite bpmp_proxy_tree_suite = {
	.name = "tegra-bpmp-host-tree",
	.test_cases = bpmp_proxy_tree_cases,
};

kunit_test_suite(bpmp_proxy_tree_suite);
