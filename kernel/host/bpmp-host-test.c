// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of what a request's bytes mean, and of what is allowed.
 */
#include <kunit/test.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "bpmp-host.h"

/**
 * struct bpmp_proxy_vector - a line of tests/conformance/vectors
 * @label: its name
 * @mrq: the request
 * @tx: its bytes
 * @tx_size: how many
 * @exact: writing the request gives the same bytes
 * @error: a BPMP_E*, or 0
 * @type: of the request, if there is no error
 * @cmd: as the following, what was meant
 * @id: of what
 * @rate: if it has one
 * @word: parent, argument, challenge or MRQ, if it has one
 * @rx_size: of the answer
 */
struct bpmp_proxy_vector {
	const char *label;
	u32 mrq;
	const char *tx;
	size_t tx_size;
	bool exact;
	int error;
	const char *type;
	u32 cmd;
	u32 id;
	s64 rate;
	u32 word;
	u32 rx_size;
};

/* Answers are not decoded here. */
#define ANSWER(...)
#define VECTOR(...)	{ __VA_ARGS__ },
static const struct bpmp_proxy_vector bpmp_proxy_vectors[] = {
#include "bpmp-host-vectors.h"
};

/* The vectors are for a broker too, which knows more than we serve. */
static bool bpmp_proxy_serves(const char *type)
{
	static const char * const types[] = {
		"ping", "query_abi", "fw_tag", "clk", "reset", "pg"
	};

	return match_string(types, ARRAY_SIZE(types), type) >= 0;
}

static void bpmp_proxy_test_refused(struct kunit *test, const struct bpmp_proxy_vector *vector,
				    int err, const struct bpmp_proxy_request *request)
{
	int expected = vector->error ?: BPMP_EINVAL;

	KUNIT_EXPECT_EQ_MSG(test, err, -expected, "%s", vector->label);
	KUNIT_EXPECT_NULL_MSG(test, request->command, "%s", vector->label);
}

static void bpmp_proxy_test_understood(struct kunit *test,
				       const struct bpmp_proxy_vector *vector, int err,
				       const struct bpmp_proxy_request *request)
{
	u8 tx[MSG_DATA_MIN_SZ];
	size_t size;

	KUNIT_ASSERT_EQ_MSG(test, err, 0, "%s", vector->label);
	KUNIT_ASSERT_NOT_NULL_MSG(test, request->command, "%s", vector->label);

	KUNIT_EXPECT_EQ_MSG(test, request->command->mrq, vector->mrq, "%s", vector->label);
	KUNIT_EXPECT_EQ_MSG(test, request->command->cmd, vector->cmd, "%s", vector->label);
	KUNIT_EXPECT_EQ_MSG(test, request->command->rx_size, vector->rx_size, "%s",
			    vector->label);
	KUNIT_EXPECT_EQ_MSG(test, request->id, vector->id, "%s", vector->label);
	KUNIT_EXPECT_EQ_MSG(test, request->rate, vector->rate, "%s", vector->label);
	KUNIT_EXPECT_EQ_MSG(test, request->word, vector->word, "%s", vector->label);

	memset(tx, 0xa5, sizeof(tx));
	size = bpmp_proxy_encode(request, tx);
	KUNIT_EXPECT_NULL_MSG(test, memchr_inv(tx + size, 0, sizeof(tx) - size), "%s",
			      vector->label);
	if (!vector->exact)
		return;

	KUNIT_ASSERT_EQ_MSG(test, size, vector->tx_size, "%s", vector->label);
	KUNIT_EXPECT_EQ_MSG(test, memcmp(tx, vector->tx, size), 0, "%s", vector->label);
}

static void bpmp_proxy_test_vectors(struct kunit *test)
{
	struct bpmp_proxy_request request;
	unsigned int i, understood = 0;
	int err;

	for (i = 0; i < ARRAY_SIZE(bpmp_proxy_vectors); i++) {
		const struct bpmp_proxy_vector *vector = &bpmp_proxy_vectors[i];

		memset(&request, 0xa5, sizeof(request));
		err = bpmp_proxy_decode(vector->mrq, (const u8 *)vector->tx, vector->tx_size,
					&request);

		if (vector->error || !bpmp_proxy_serves(vector->type)) {
			bpmp_proxy_test_refused(test, vector, err, &request);
		} else {
			bpmp_proxy_test_understood(test, vector, err, &request);
			understood++;
		}
	}

	/* Not an empty folder, nor a type that we mistyped. */
	KUNIT_EXPECT_GE(test, understood, 40);
}

/* Sizes that no vector can have: they are not those of the bytes. */
static void bpmp_proxy_test_sizes(struct kunit *test)
{
	static const u32 mrqs[] = {
		MRQ_PING, MRQ_THREADED_PING, MRQ_RESET, MRQ_CLK, MRQ_QUERY_ABI, MRQ_PG,
	};
	struct bpmp_proxy_request request;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mrqs); i++) {
		KUNIT_EXPECT_EQ(test, bpmp_proxy_decode(mrqs[i], NULL, 0, &request),
				-BPMP_EINVAL);
		KUNIT_EXPECT_EQ(test, bpmp_proxy_decode(mrqs[i], NULL, SIZE_MAX, &request),
				-BPMP_EINVAL);
	}

	KUNIT_EXPECT_EQ(test, bpmp_proxy_decode(MRQ_QUERY_FW_TAG, NULL, 0, &request), 0);
}

static void bpmp_proxy_test_read_request(struct kunit *test)
{
	struct bpmp_proxy_request request;
	u8 tx[MSG_DATA_MIN_SZ];

	KUNIT_ASSERT_EQ(test, bpmp_proxy_read_request(&request, MRQ_CLK, CMD_CLK_GET_RATE, 155),
			0);
	KUNIT_EXPECT_EQ(test, bpmp_proxy_encode(&request, tx), 16);
	KUNIT_EXPECT_EQ(test, get_unaligned_le32(tx), 0x0100009bu);

	KUNIT_EXPECT_EQ(test, bpmp_proxy_read_request(&request, MRQ_DEBUG, 0, 0), -BPMP_EINVAL);
}

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

static struct kunit_case bpmp_proxy_test_cases[] = {
	KUNIT_CASE(bpmp_proxy_test_vectors),
	KUNIT_CASE(bpmp_proxy_test_sizes),
	KUNIT_CASE(bpmp_proxy_test_read_request),
	KUNIT_CASE(bpmp_proxy_test_list),
	KUNIT_CASE(bpmp_proxy_test_changes),
	KUNIT_CASE(bpmp_proxy_test_ancestors),
	KUNIT_CASE(bpmp_proxy_test_wide_ids),
	KUNIT_CASE(bpmp_proxy_test_reads),
	KUNIT_CASE(bpmp_proxy_test_tree_ancestors),
	KUNIT_CASE(bpmp_proxy_test_tree_control),
	{ }
};

static struct kunit_suite bpmp_proxy_test_suite = {
	.name = "tegra-bpmp-host-proxy",
	.test_cases = bpmp_proxy_test_cases,
};

kunit_test_suite(bpmp_proxy_test_suite);
