// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the BPMP guest proxy: a window in memory, and a monitor that answers at once.
 */
#include <kunit/test.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/string.h>

#include <soc/tegra/bpmp.h>

#include "bpmp-guest-proxy.h"

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

/* What the proxy must not touch is filled with this. */
#define UNTOUCHED	0xa5

/**
 * struct monitor - what stands behind the doorbell
 * @guest: the proxy under test; first, so that the doorbell finds the rest
 * @window: its registers
 * @mrq: of the last request
 * @rings: how often the doorbell rang
 * @tstat: the transport's status of the answer
 * @answer: the answer; none: RET stays as it is
 */
struct monitor {
	struct bpmp_guest guest;
	u8 *window;
	u32 mrq;
	unsigned int rings;
	s32 tstat;
	const struct vector *answer;
};

static void monitor_ring(struct bpmp_guest *guest, u32 mrq)
{
	struct monitor *monitor = container_of(guest, struct monitor, guest);
	const struct vector *answer = monitor->answer;

	monitor->mrq = mrq;
	monitor->rings++;
	if (!answer)
		return;
	memset(monitor->window + BPMP_GUEST_RX, 0, 0x200);
	memcpy(monitor->window + BPMP_GUEST_RX, answer->bytes, answer->size);
	memcpy(monitor->window + BPMP_GUEST_RET, &answer->err, sizeof(answer->err));
	memcpy(monitor->window + BPMP_GUEST_TSTAT, &monitor->tstat, sizeof(monitor->tstat));
}

static struct monitor *monitor_new(struct kunit *test, u32 magic)
{
	struct monitor *monitor = kunit_kzalloc(test, sizeof(*monitor), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, monitor);
	monitor->window = kunit_kzalloc(test, BPMP_GUEST_WINDOW_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, monitor->window);
	memset(monitor->window, UNTOUCHED, BPMP_GUEST_WINDOW_SIZE);
	memcpy(monitor->window + BPMP_GUEST_MAGIC, &magic, sizeof(magic));
	bpmp_guest_setup(&monitor->guest, (void __force __iomem *)monitor->window);
	monitor->guest.ring = monitor_ring;
	return monitor;
}

static u64 monitor_u64(const struct monitor *monitor, unsigned int offset)
{
	u64 value;

	memcpy(&value, monitor->window + offset, sizeof(value));
	return value;
}

static const struct vector nothing = { "nothing", 0, 0, "", 0 };

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
		memset(monitor->window + BPMP_GUEST_TX, UNTOUCHED, 0x200);
		KUNIT_EXPECT_EQ(test, bpmp_guest_perform(&monitor->guest, &msg), 0);
		KUNIT_EXPECT_EQ(test, monitor->mrq, request->mrq);
		KUNIT_EXPECT_EQ(test, monitor_u64(monitor, BPMP_GUEST_TX_SIZE),
				(u64)request->size);
		KUNIT_EXPECT_EQ(test, monitor_u64(monitor, BPMP_GUEST_RX_SIZE), 0ULL);
		KUNIT_EXPECT_EQ_MSG(test, 0,
				    memcmp(monitor->window + BPMP_GUEST_TX, request->bytes,
					   request->size), "%s", request->label);
		KUNIT_EXPECT_EQ_MSG(test, monitor->window[round_up(request->size, 8)],
				    UNTOUCHED, "%s", request->label);
	}
	KUNIT_EXPECT_GT(test, monitor->rings, 50U);
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
		memset(rx, UNTOUCHED, sizeof(rx));
		KUNIT_EXPECT_EQ(test, bpmp_guest_perform(&monitor->guest, &msg), 0);
		KUNIT_EXPECT_EQ(test, msg.rx.ret, answer->err);
		KUNIT_EXPECT_EQ_MSG(test, 0, memcmp(rx, answer->bytes, answer->size), "%s",
				    answer->label);
		KUNIT_EXPECT_EQ_MSG(test, rx[answer->size], UNTOUCHED, "%s", answer->label);
	}
	KUNIT_EXPECT_GT(test, monitor->rings, 20U);
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
	KUNIT_EXPECT_EQ(test, bpmp_guest_perform(&monitor->guest, &msg), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, msg.rx.ret, -23);
	KUNIT_EXPECT_EQ(test, rx, 0U);

	/* A status that is no errno is an error all the same. */
	monitor->tstat = 5;
	KUNIT_EXPECT_EQ(test, bpmp_guest_perform(&monitor->guest, &msg), -EIO);
}

/* A monitor without TSTAT that leaves RET alone has not answered. */
static void bpmp_guest_test_known_monitor(struct kunit *test)
{
	static const struct vector denied = { "denied", 0, -13, "\0\0\0\0", 4 };
	struct monitor *monitor = monitor_new(test, 0);
	u32 rx = 0x12345678;
	struct tegra_bpmp_message msg = { .rx = { .data = &rx, .size = sizeof(rx) } };

	KUNIT_EXPECT_FALSE(test, monitor->guest.has_status);
	KUNIT_EXPECT_EQ(test, bpmp_guest_perform(&monitor->guest, &msg), -EIO);
	KUNIT_EXPECT_EQ(test, rx, 0U);

	/* There, 0x414 is no status. */
	monitor->tstat = -ETIMEDOUT;
	monitor->answer = &denied;
	KUNIT_EXPECT_EQ(test, bpmp_guest_perform(&monitor->guest, &msg), 0);
	KUNIT_EXPECT_EQ(test, msg.rx.ret, -13);
}

/* An atomic caller doesn't wait for a window that stays taken, and doesn't touch it. */
static void bpmp_guest_test_atomic_gives_up(struct kunit *test)
{
	struct monitor *monitor = monitor_new(test, BPMP_GUEST_MAGIC_VALUE);
	struct tegra_bpmp_message msg = { };
	unsigned long flags;
	int err;

	monitor->answer = &nothing;
	monitor->guest.busy = BIT(0);
	local_irq_save(flags);
	err = bpmp_guest_transfer(&monitor->guest, &msg, true);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, err, -EAGAIN);
	KUNIT_EXPECT_EQ(test, monitor->rings, 0U);

	monitor->guest.busy = 0;
	local_irq_save(flags);
	err = bpmp_guest_transfer(&monitor->guest, &msg, true);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_EQ(test, bpmp_guest_transfer(&monitor->guest, &msg, false), 0);
	KUNIT_EXPECT_EQ(test, monitor->rings, 2U);
	KUNIT_EXPECT_EQ(test, monitor->guest.busy, 0UL);
}

static struct kunit_case bpmp_guest_test_cases[] = {
	KUNIT_CASE(bpmp_guest_test_requests),
	KUNIT_CASE(bpmp_guest_test_answers),
	KUNIT_CASE(bpmp_guest_test_transport_status),
	KUNIT_CASE(bpmp_guest_test_known_monitor),
	KUNIT_CASE(bpmp_guest_test_atomic_gives_up),
	{}
};

static struct kunit_suite bpmp_guest_test_suite = {
	.name = "tegra-bpmp-guest-proxy",
	.test_cases = bpmp_guest_test_cases,
};

kunit_test_suite(bpmp_guest_test_suite);
