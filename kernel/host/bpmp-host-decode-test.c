// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of what a request's bytes mean.
 */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/string.h>

#include "bpmp-host-decode.h"

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

static struct kunit_case bpmp_proxy_decode_cases[] = {
	KUNIT_CASE(bpmp_proxy_test_vectors),
	KUNIT_CASE(bpmp_proxy_test_sizes),
	KUNIT_CASE(bpmp_proxy_test_read_request),
	{ }
};

static struct kunit_suite bpmp_proxy_decode_suite = {
	.name = "tegra-bpmp-host-decode",
	.test_cases = bpmp_proxy_decode_cases,
};

kunit_test_suite(bpmp_proxy_decode_suite);
