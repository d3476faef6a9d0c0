// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the BPMP guest proxy's callers: threaded and atomic ones beside each other, of
 * which each gets its own answer.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/workqueue.h>

#include <soc/tegra/bpmp.h>
#include <soc/tegra/bpmp-abi.h>

#include "bpmp-guest-monitor.h"

/* How many requests of each caller run against the other's. */
#define ROUNDS	500

/* How long an atomic caller keeps its CPU until a threaded one waits for it. */
#define AWAITED_MS	5000

/**
 * struct callers - a threaded caller in a worker, beside the test itself, and what both share
 * @monitor: first, so that a request finds the rest
 * @work: the threaded caller
 * @started: it is there
 * @begin: it may send its request
 * @rung: its request is being performed
 * @answer: its request may be answered
 * @challenge: of its first request
 * @wrong: how many of its requests had another answer than their own
 * @ended: no more will come
 */
struct callers {
	struct bpmp_guest_monitor monitor;
	struct work_struct work;
	struct completion started;
	struct completion begin;
	struct completion rung;
	struct completion answer;
	u32 challenge;
	unsigned int wrong;
	bool ended;
};

/* A PING as the firmware answers it. */
static void callers_pong(struct bpmp_guest_monitor *monitor)
{
	__le32 word = cpu_to_le32(bpmp_guest_monitor_u64(monitor, BPMP_GUEST_TX) << 1);

	bpmp_guest_monitor_answer(monitor, 0, 0, &word, sizeof(word));
}

/* The same, when the test says so. */
static void callers_pong_later(struct bpmp_guest_monitor *monitor)
{
	struct callers *callers = container_of(monitor, struct callers, monitor);

	complete(&callers->rung);
	wait_for_completion(&callers->answer);
	callers_pong(monitor);
}

/* The same, once a threaded caller waits for this one: it has the mutex, and not the window. */
static void callers_pong_when_awaited(struct bpmp_guest_monitor *monitor)
{
	struct callers *callers = container_of(monitor, struct callers, monitor);

	if (!completion_done(&callers->begin)) {
		ktime_t end = ktime_add_ms(ktime_get(), AWAITED_MS);

		complete_all(&callers->begin);
		/* Not for ever: the other CPU may wait for this one. */
		while (!mutex_is_locked(&monitor->guest.lock) && ktime_before(ktime_get(), end))
			cpu_relax();
	}
	callers_pong(monitor);
}

/* Return: 0, -EBADMSG for somebody else's answer, or what the transfer returned. */
static int callers_ping(struct callers *callers, u32 challenge, bool atomic)
{
	struct mrq_ping_request request = { .challenge = challenge };
	struct mrq_ping_response response = { };
	struct tegra_bpmp_message msg = {
		.mrq = MRQ_PING,
		.tx = { .data = &request, .size = sizeof(request) },
		.rx = { .data = &response, .size = sizeof(response) },
	};
	unsigned long flags;
	int err;

	if (atomic)
		local_irq_save(flags);
	err = bpmp_guest_transfer(&callers->monitor.guest, &msg, atomic);
	if (atomic)
		local_irq_restore(flags);
	if (err)
		return err;
	return msg.rx.ret || response.reply != challenge << 1 ? -EBADMSG : 0;
}

static void callers_work(struct work_struct *work)
{
	struct callers *callers = container_of(work, struct callers, work);

	complete(&callers->started);
	wait_for_completion(&callers->begin);
	if (callers_ping(callers, callers->challenge, false))
		callers->wrong++;
	WRITE_ONCE(callers->ended, true);
}

static void callers_work_on(struct work_struct *work)
{
	struct callers *callers = container_of(work, struct callers, work);
	u32 n;

	for (n = 0; n < ROUNDS; n++)
		if (callers_ping(callers, callers->challenge + n, false))
			callers->wrong++;
	WRITE_ONCE(callers->ended, true);
}

static struct callers *callers_new(struct kunit *test, work_func_t work,
				   void (*perform)(struct bpmp_guest_monitor *monitor))
{
	struct callers *callers = kunit_kzalloc(test, sizeof(*callers), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, callers);
	bpmp_guest_monitor_setup(&callers->monitor, BPMP_GUEST_MAGIC_VALUE, perform);
	INIT_WORK(&callers->work, work);
	init_completion(&callers->started);
	init_completion(&callers->begin);
	init_completion(&callers->rung);
	init_completion(&callers->answer);
	callers->challenge = 0x1000;
	return callers;
}

/* The window is nobody's, and either kind of caller can use it. */
static void callers_expect_free(struct kunit *test, struct callers *callers)
{
	KUNIT_EXPECT_EQ(test, callers->monitor.guest.busy, 0UL);
	KUNIT_EXPECT_FALSE(test, mutex_is_locked(&callers->monitor.guest.lock));
	KUNIT_EXPECT_EQ(test, callers->monitor.strange, 0U);

	callers->monitor.perform = callers_pong;
	KUNIT_EXPECT_EQ(test, callers_ping(callers, 21, true), 0);
	KUNIT_EXPECT_EQ(test, callers_ping(callers, 22, false), 0);
	KUNIT_EXPECT_EQ(test, callers_ping(callers, 23, true), 0);
}

/* It tries for as long as it should, gives up, and the answer goes to the one that waits for it. */
static void bpmp_guest_test_atomic_beside_threaded(struct kunit *test)
{
	struct callers *callers = callers_new(test, callers_work, callers_pong_later);
	unsigned int accesses;
	ktime_t start;

	complete(&callers->begin);
	schedule_work(&callers->work);
	wait_for_completion(&callers->rung);
	KUNIT_EXPECT_TRUE(test, mutex_is_locked(&callers->monitor.guest.lock));

	accesses = callers->monitor.accesses;
	start = ktime_get();
	KUNIT_EXPECT_EQ(test, callers_ping(callers, 21, true), -EAGAIN);
	KUNIT_EXPECT_GE(test, ktime_us_delta(ktime_get(), start), BPMP_GUEST_ATOMIC_TRY_US);
	KUNIT_EXPECT_EQ(test, callers->monitor.accesses, accesses);

	complete(&callers->answer);
	flush_work(&callers->work);
	KUNIT_EXPECT_EQ(test, callers->wrong, 0U);
	KUNIT_EXPECT_EQ(test, callers->monitor.rings, 1U);
	callers_expect_free(test, callers);
}

/* It waits for the window, and gets its own answer after that. */
static void bpmp_guest_test_threaded_beside_atomic(struct kunit *test)
{
	struct callers *callers = callers_new(test, callers_work, callers_pong_when_awaited);
	unsigned int other;

	if (num_online_cpus() < 2)
		kunit_skip(test, "one CPU can't be in both");

	/* The atomic caller takes its CPU for itself. */
	migrate_disable();
	other = cpumask_any_but(cpu_online_mask, smp_processor_id());
	schedule_work_on(other, &callers->work);
	wait_for_completion(&callers->started);
	KUNIT_EXPECT_EQ(test, callers_ping(callers, 21, true), 0);
	migrate_enable();

	flush_work(&callers->work);
	KUNIT_EXPECT_EQ(test, callers->wrong, 0U);
	KUNIT_EXPECT_EQ(test, callers->monitor.rings, 2U);
	callers_expect_free(test, callers);
}

/* Whatever comes between: its own answer, or, for an atomic caller, none. */
static void bpmp_guest_test_many_of_both(struct kunit *test)
{
	struct callers *callers = callers_new(test, callers_work_on, callers_pong);
	unsigned int answered = 0, wrong = 0;
	u32 n;

	queue_work(system_unbound_wq, &callers->work);
	for (n = 0; n < ROUNDS || !READ_ONCE(callers->ended); n++) {
		int err = callers_ping(callers, 0x100000 + n, true);

		answered += !err;
		wrong += err && err != -EAGAIN;
		cond_resched();
	}
	flush_work(&callers->work);
	KUNIT_EXPECT_EQ(test, wrong, 0U);
	KUNIT_EXPECT_EQ(test, callers->wrong, 0U);
	KUNIT_EXPECT_GT(test, answered, 0U);
	KUNIT_EXPECT_EQ(test, callers->monitor.rings, answered + ROUNDS);
	callers_expect_free(test, callers);
}

static struct kunit_case bpmp_guest_callers_cases[] = {
	KUNIT_CASE(bpmp_guest_test_atomic_beside_threaded),
	KUNIT_CASE(bpmp_guest_test_threaded_beside_atomic),
	KUNIT_CASE(bpmp_guest_test_many_of_both),
	{}
};

static struct kunit_suite bpmp_guest_callers_suite = {
	.name = "tegra-bpmp-guest-callers",
	.test_cases = bpmp_guest_callers_cases,
};

kunit_test_suite(bpmp_guest_callers_suite);
