// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the BPMP guest proxy: how messages become accesses to the window, and answers
 * come back.
 */
#include <kunit/test.h>
#include <linux/string.h>

#include <soc/tegra/bpmp.h>

#include "bpmp-guest-monitor.h"

struct vector {
	const char *label;
	u32 mrq;
	s32 err;
	const char *bytes;
	size_t size;
};

#define VECTOR(label, mrq, bytes, size, ...)	{ label, mrq, 0, bytes, size },
#define ANSWER(...)
static const struct vector requests[] = {
#include "conformance-vectors.h"
};

#undef VECTOR
#undef ANSWER

#define VECTOR(...)
#define ANSWER(label, err, bytes, size)		{ label, 0, err, bytes, size },
static const struct vector answers[] = {
#include "conformance-vectors.h"
};

/**
 * struct monitor - a monitor that answers at once
 * @base: first, so that a request finds the rest
 * @tstat: the transport's status of the answer
 * @answer: the answer; none: RET stays as it is
 */
struct monitor {
	struct bpmp_guest_monitor base;
	s32 tstat;
	const struct vector *answer;
};

static void monitor_perform(struct bpmp_guest_monitor *base)
{
	struct monitor *monitor = container_of(base, struct monitor, base);
	const struct vector *answer = monitor->answer;

	if (answer)
		bpmp_guest_monitor_answer(base, monitor->tstat, answer->err, answer->bytes,
					  answer->size);
}

static struct monitor *monitor_new(struct kunit *test, u32 magic)
{
	struct monitor *monitor = kunit_kzalloc(test, sizeof(*monitor), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, monitor);
	bpmp_guest_monitor_setup(&monitor->base, magic, monitor_perform);
	return monitor;
}

static const struct vector nothing = { "nothing", 0, 0, "", 0 };

/*
 * Performs it, and counts: a word for each 8 bytes or less of either payload, and besides two
 * sizes, the doorbell, and RET with TSTAT; where there is no TSTAT, RET once more. That is the
 * proxy's promise: never more than 5 + tx / 8 + rx / 8, each of the two rounded up.
 */
static int monitor_request(struct kunit *test, struct monitor *monitor,
			   struct tegra_bpmp_message *msg)
{
	unsigned int before = monitor->base.accesses;
	unsigned int registers = monitor->base.guest.has_status ? 4 : 5;
	int err = bpmp_guest_perform(&monitor->base.guest, msg);

	KUNIT_EXPECT_EQ_MSG(test, monitor->base.accesses - before,
			    registers + DIV_ROUND_UP(msg->tx.size, 8) +
			    (err ? 0 : DIV_ROUND_UP(msg->rx.size, 8)),
			    "%zu to %zu bytes", msg->tx.size, msg->rx.size);
	KUNIT_EXPECT_EQ(test, monitor->base.strange, 0U);
	return err;
}

/* Each request of the vectors is in the window as it is, and nothing after its last word is. */
static void bpmp_guest_test_requests(struct kunit *test)
{
	struct monitor *monitor = monitor_new(test, BPMP_GUEST_MAGIC_VALUE);
	size_t i;

	monitor->answer = &nothing;
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		const struct vector *request = &requests[i];
		struct tegra_bpmp_message msg = {
			.mrq = request->mrq,
			.tx = { .data = request->bytes, .size = request->size },
		};

		if (request->size > MSG_DATA_MIN_SZ)
			continue;
		memset(monitor->base.window + BPMP_GUEST_TX, BPMP_GUEST_UNTOUCHED, 0x200);
		KUNIT_EXPECT_EQ(test, monitor_request(test, monitor, &msg), 0);
		KUNIT_EXPECT_EQ(test, monitor->base.mrq, request->mrq);
		KUNIT_EXPECT_EQ(test, bpmp_guest_monitor_u64(&monitor->base, BPMP_GUEST_TX_SIZE),
				(u64)request->size);
		KUNIT_EXPECT_EQ(test, bpmp_guest_monitor_u64(&monitor->base, BPMP_GUEST_RX_SIZE),
				0ULL);
		KUNIT_EXPECT_EQ_MSG(test, 0,
				    memcmp(monitor->base.window + BPMP_GUEST_TX, request->bytes,
					   request->size), "%s", request->label);
		KUNIT_EXPECT_EQ_MSG(test, monitor->base.window[round_up(request->size, 8)],
				    BPMP_GUEST_UNTOUCHED, "%s", request->label);
	}
	KUNIT_EXPECT_GT(test, monitor->base.rings, 50U);
}

/* Each answer of the vectors arrives as it is, errors too, and no byte more than was asked for. */
static void bpmp_guest_test_answers(struct kunit *test)
{
	struct monitor *monitor = monitor_new(test, BPMP_GUEST_MAGIC_VALUE);
	u8 rx[MSG_DATA_MIN_SZ + 1];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		const struct vector *answer = &answers[i];
		struct tegra_bpmp_message msg = {
			.rx = { .data = rx, .size = answer->size },
		};

		if (answer->size > MSG_DATA_MIN_SZ)
			continue;
		monitor->answer = answer;
		memset(rx, BPMP_GUEST_UNTOUCHED, sizeof(rx));
		KUNIT_EXPECT_EQ(test, monitor_request(test, monitor, &msg), 0);
		KUNIT_EXPECT_EQ(test, msg.rx.ret, answer->err);
		KUNIT_EXPECT_EQ_MSG(test, 0, memcmp(rx, answer->bytes, answer->size), "%s",
				    answer->label);
		KUNIT_EXPECT_EQ_MSG(test, rx[answer->size], BPMP_GUEST_UNTOUCHED, "%s",
				    answer->label);
	}
	KUNIT_EXPECT_GT(test, monitor->base.rings, 20U);
}

/* What the transport reports is the result; the buffer has nothing of an earlier answer. */
static void bpmp_guest_test_transport_status(struct kunit *test)
{
	static const struct vector late = { "late", 0, -23, "\xff\xff\xff\xff", 4 };
	struct monitor *monitor = monitor_new(test, BPMP_GUEST_MAGIC_VALUE);
	u32 rx = 0x12345678;
	struct tegra_bpmp_message msg = { .rx = { .data = &rx, .size = sizeof(rx) } };

	monitor->answer = &late;
	monitor->tstat = -ETIMEDOUT;
	KUNIT_EXPECT_EQ(test, monitor_request(test, monitor, &msg), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, msg.rx.ret, -23);
	KUNIT_EXPECT_EQ(test, rx, 0U);

	/* A status that is no errno is an error all the same. */
	monitor->tstat = 5;
	KUNIT_EXPECT_EQ(test, monitor_request(test, monitor, &msg), -EIO);
}

/* A monitor without TSTAT that leaves RET alone has not answered. */
static void bpmp_guest_test_known_monitor(struct kunit *test)
{
	static const struct vector denied = { "denied", 0, -13, "\0\0\0\0", 4 };
	struct monitor *monitor = monitor_new(test, 0);
	u32 rx = 0x12345678;
	struct tegra_bpmp_message msg = { .rx = { .data = &rx, .size = sizeof(rx) } };

	KUNIT_EXPECT_FALSE(test, monitor->base.guest.has_status);
	KUNIT_EXPECT_EQ(test, monitor_request(test, monitor, &msg), -EIO);
	KUNIT_EXPECT_EQ(test, rx, 0U);

	/* There, 0x414 is no status. */
	monitor->tstat = -ETIMEDOUT;
	monitor->answer = &denied;
	KUNIT_EXPECT_EQ(test, monitor_request(test, monitor, &msg), 0);
	KUNIT_EXPECT_EQ(test, msg.rx.ret, -13);
}

/* Every size, with a monitor of either kind. */
static void bpmp_guest_test_accesses(struct kunit *test)
{
	static const u32 magics[] = { BPMP_GUEST_MAGIC_VALUE, 0 };
	static const size_t others[] = { 0, 1, 8, 9, MSG_DATA_MIN_SZ };
	u8 tx[MSG_DATA_MIN_SZ] = { }, rx[MSG_DATA_MIN_SZ];
	size_t magic, size, other;

	for (magic = 0; magic < ARRAY_SIZE(magics); magic++) {
		struct monitor *monitor = monitor_new(test, magics[magic]);

		monitor->answer = &nothing;
		for (size = 0; size <= MSG_DATA_MIN_SZ; size++) {
			for (other = 0; other < ARRAY_SIZE(others); other++) {
				struct tegra_bpmp_message wide = {
					.tx = { .data = tx, .size = size },
					.rx = { .data = rx, .size = others[other] },
				};
				struct tegra_bpmp_message narrow = {
					.tx = { .data = tx, .size = others[other] },
					.rx = { .data = rx, .size = size },
				};

				KUNIT_EXPECT_EQ(test, monitor_request(test, monitor, &wide), 0);
				KUNIT_EXPECT_EQ(test, monitor_request(test, monitor, &narrow), 0);
			}
		}
	}
}

static struct kunit_case bpmp_guest_test_cases[] = {
	KUNIT_CASE(bpmp_guest_test_requests),
	KUNIT_CASE(bpmp_guest_test_answers),
	KUNIT_CASE(bpmp_guest_test_accesses),
	KUNIT_CASE(bpmp_guest_test_transport_status),
	KUNIT_CASE(bpmp_guest_test_known_monitor),
	{}
};

static struct kunit_suite bpmp_guest_test_suite = {
	.name = "tegra-bpmp-guest-proxy",
	.test_cases = bpmp_guest_test_cases,
};

kunit_test_suite(bpmp_guest_test_suite);
