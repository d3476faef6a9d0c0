// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of what the lists allow.
 */
#include <kunit/test.h>
#include <linux/bits.h>
#include <linux/limits.h>
#include <linux/slab.h>

#include "bpmp-host-decode.h"
#include "bpmp-host-policy.h"

static void bpmp_proxy_test_list(struct kunit *test)
{
	static const u32 ids[] = { 155, 7, 102, U32_MAX, 0, 155, 103 };
	struct bpmp_proxy_list list = { NULL, 0 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		KUNIT_ASSERT_EQ(test, bpmp_proxy_list_add(&list, ids[i], i == 0), 0);

	KUNIT_ASSERT_EQ(test, list.count, 6);
	for (i = 1; i < list.count; i++)
		KUNIT_EXPECT_LT(test, list.grants[i - 1].id, list.grants[i].id);

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		KUNIT_EXPECT_NOT_NULL(test, bpmp_proxy_list_find(&list, ids[i]));
	KUNIT_EXPECT_NULL(test, bpmp_proxy_list_find(&list, 1));
	KUNIT_EXPECT_NULL(test, bpmp_proxy_list_find(&list, 101));
	KUNIT_EXPECT_NULL(test, bpmp_proxy_list_find(&list, U32_MAX - 1));

	/* Added again without control, it has it still. */
	KUNIT_EXPECT_TRUE(test, bpmp_proxy_list_find(&list, 155)->control);
	KUNIT_EXPECT_FALSE(test, bpmp_proxy_list_find(&list, 102)->control);

	kfree(list.grants);
}

/* A UART, a clock above it, its reset, and a power domain. */
static struct bpmp_proxy_grant bpmp_proxy_test_clocks[] = {
	{ .id = 102 }, { .id = 155, .control = true },
};

static struct bpmp_proxy_grant bpmp_proxy_test_resets[] = {
	{ .id = 100, .control = true },
};

static struct bpmp_proxy_grant bpmp_proxy_test_domains[] = {
	{ .id = 18, .control = true },
};

static const struct bpmp_proxy_policy bpmp_proxy_test_policy = {
	.clocks = { bpmp_proxy_test_clocks, ARRAY_SIZE(bpmp_proxy_test_clocks) },
	.resets = { bpmp_proxy_test_resets, ARRAY_SIZE(bpmp_proxy_test_resets) },
	.domains = { bpmp_proxy_test_domains, ARRAY_SIZE(bpmp_proxy_test_domains) },
};

static int bpmp_proxy_test_ask(struct kunit *test, u32 mrq, u32 cmd, u32 id, u32 word)
{
	struct bpmp_proxy_request request;

	KUNIT_ASSERT_EQ(test, bpmp_proxy_read_request(&request, mrq, cmd, id), 0);
	request.word = word;

	return bpmp_proxy_policy_check(&bpmp_proxy_test_policy, &request);
}

static void bpmp_proxy_test_allowed(struct kunit *test, u32 mrq, u32 cmd, u32 id, u32 word)
{
	KUNIT_EXPECT_EQ_MSG(test, bpmp_proxy_test_ask(test, mrq, cmd, id, word), 0,
			    "%u.%u of %u with %u", mrq, cmd, id, word);
}

static void bpmp_proxy_test_denied(struct kunit *test, u32 mrq, u32 cmd, u32 id, u32 word)
{
	KUNIT_EXPECT_EQ_MSG(test, bpmp_proxy_test_ask(test, mrq, cmd, id, word), -BPMP_EACCES,
			    "%u.%u of %u with %u", mrq, cmd, id, word);
}

static void bpmp_proxy_test_changes(struct kunit *test)
{
	bpmp_proxy_test_allowed(test, MRQ_CLK, CMD_CLK_ENABLE, 155, 0);
	bpmp_proxy_test_allowed(test, MRQ_CLK, CMD_CLK_DISABLE, 155, 0);
	bpmp_proxy_test_allowed(test, MRQ_CLK, CMD_CLK_SET_RATE, 155, 0);
	bpmp_proxy_test_allowed(test, MRQ_RESET, CMD_RESET_ASSERT, 100, 0);
	bpmp_proxy_test_allowed(test, MRQ_RESET, CMD_RESET_DEASSERT, 100, 0);
	bpmp_proxy_test_allowed(test, MRQ_RESET, CMD_RESET_MODULE, 100, 0);
	bpmp_proxy_test_allowed(test, MRQ_PG, CMD_PG_SET_STATE, 18, PG_STATE_ON);
	bpmp_proxy_test_allowed(test, MRQ_PG, CMD_PG_SET_STATE, 18, PG_STATE_OFF);

	/* Ids of one kind are none of another. */
	bpmp_proxy_test_denied(test, MRQ_CLK, CMD_CLK_ENABLE, 100, 0);
	bpmp_proxy_test_denied(test, MRQ_CLK, CMD_CLK_DISABLE, 18, 0);
	bpmp_proxy_test_denied(test, MRQ_CLK, CMD_CLK_SET_RATE, 156, 0);
	bpmp_proxy_test_denied(test, MRQ_RESET, CMD_RESET_ASSERT, 155, 0);
	bpmp_proxy_test_denied(test, MRQ_RESET, CMD_RESET_MODULE, 18, 0);
	bpmp_proxy_test_denied(test, MRQ_PG, CMD_PG_SET_STATE, 100, PG_STATE_ON);
	bpmp_proxy_test_denied(test, MRQ_PG, CMD_PG_SET_STATE, 155, PG_STATE_OFF);
}

static void bpmp_proxy_test_ancestors(struct kunit *test)
{
	bpmp_proxy_test_allowed(test, MRQ_CLK, CMD_CLK_ENABLE, 102, 0);
	bpmp_proxy_test_allowed(test, MRQ_CLK, CMD_CLK_DISABLE, 102, 0);
	bpmp_proxy_test_denied(test, MRQ_CLK, CMD_CLK_SET_RATE, 102, 0);
	bpmp_proxy_test_denied(test, MRQ_CLK, CMD_CLK_SET_PARENT, 102, 155);

	bpmp_proxy_test_allowed(test, MRQ_CLK, CMD_CLK_SET_PARENT, 155, 102);
	bpmp_proxy_test_denied(test, MRQ_CLK, CMD_CLK_SET_PARENT, 155, 103);
	bpmp_proxy_test_denied(test, MRQ_CLK, CMD_CLK_SET_PARENT, 103, 102);
}

/* An id with a bit more is another id. */
static void bpmp_proxy_test_wide_ids(struct kunit *test)
{
	unsigned int bit;

	for (bit = 8; bit < 24; bit++)
		bpmp_proxy_test_denied(test, MRQ_CLK, CMD_CLK_ENABLE, 155 | BIT(bit), 0);

	for (bit = 8; bit < 32; bit++) {
		bpmp_proxy_test_denied(test, MRQ_RESET, CMD_RESET_ASSERT, 100 | BIT(bit), 0);
		bpmp_proxy_test_denied(test, MRQ_PG, CMD_PG_SET_STATE, 18 | BIT(bit), 1);
	}
}

static void bpmp_proxy_test_reads(struct kunit *test)
{
	bpmp_proxy_test_allowed(test, MRQ_CLK, CMD_CLK_GET_RATE, 1, 0);
	bpmp_proxy_test_allowed(test, MRQ_CLK, CMD_CLK_ROUND_RATE, 1, 0);
	bpmp_proxy_test_allowed(test, MRQ_CLK, CMD_CLK_GET_PARENT, 1, 0);
	bpmp_proxy_test_allowed(test, MRQ_CLK, CMD_CLK_IS_ENABLED, 1, 0);
	bpmp_proxy_test_allowed(test, MRQ_CLK, CMD_CLK_GET_ALL_INFO, 1, 0);
	bpmp_proxy_test_allowed(test, MRQ_CLK, CMD_CLK_GET_MAX_CLK_ID, 0, 0);
	bpmp_proxy_test_allowed(test, MRQ_CLK, CMD_CLK_GET_FMAX_AT_VMIN, 1, 0);
	bpmp_proxy_test_allowed(test, MRQ_RESET, CMD_RESET_GET_MAX_ID, 0, 0);
	bpmp_proxy_test_allowed(test, MRQ_PG, CMD_PG_QUERY_ABI, 0, 1);
	bpmp_proxy_test_allowed(test, MRQ_PG, CMD_PG_GET_STATE, 1, 0);
	bpmp_proxy_test_allowed(test, MRQ_PG, CMD_PG_GET_NAME, 1, 0);
	bpmp_proxy_test_allowed(test, MRQ_PG, CMD_PG_GET_MAX_ID, 0, 0);
	bpmp_proxy_test_allowed(test, MRQ_PING, 0, 0, 1);
	bpmp_proxy_test_allowed(test, MRQ_THREADED_PING, 0, 0, 1);
	bpmp_proxy_test_allowed(test, MRQ_QUERY_ABI, 0, 0, MRQ_DEBUG);
	bpmp_proxy_test_allowed(test, MRQ_QUERY_FW_TAG, 0, 0, 0);
}

static struct kunit_case bpmp_proxy_policy_cases[] = {
	KUNIT_CASE(bpmp_proxy_test_list),
	KUNIT_CASE(bpmp_proxy_test_changes),
	KUNIT_CASE(bpmp_proxy_test_ancestors),
	KUNIT_CASE(bpmp_proxy_test_wide_ids),
	KUNIT_CASE(bpmp_proxy_test_reads),
	{ }
};

static struct kunit_suite bpmp_proxy_policy_suite = {
	.name = "tegra-bpmp-host-policy",
	.test_cases = bpmp_proxy_policy_cases,
};

kunit_test_suite(bpmp_proxy_policy_suite);
