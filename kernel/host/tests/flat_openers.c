// SPDX-License-Identifier: GPL-2.0-only
/* Openers that close, die, or are many at once. */
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "host_device_test.h"

static void closing_gives_up_all(void)
{
	int other, i, submitted = 0;

	for (i = 0; i < 200; i++) {
		struct bpmp_host_transfer transfer = ping(i);

		other = open_device();
		transfer.timeout_ms = 0;
		submitted += !do_ioctl(other, BPMP_HOST_SUBMIT, &transfer);
		submitted += !do_ioctl(other, BPMP_HOST_SUBMIT, &transfer);
		close(other);
	}
	check(submitted > 0, "requests of files that are closed at once");
	check(wait_for(fd, POLLOUT), "200 files closed");

	other = open_device();
	check(submit(other, clk(ENABLE, clock_id, 0)), "SUBMIT of ENABLE");
	close(other);
	for (i = 0; i < 1000 && holds() == 0; i++)
		usleep(20000);
	check_is(hold_flags(fd, BPMP_HOST_CLOCK, clock_id), BPMP_HOST_HOLD_ORPHAN,
		 "its effect counts, and is an orphan");
	check_is(release_all(), 1, "RELEASE_ALL");
}

/* Pings on a file, shared or its own; returns how many answers were wrong. */
static void *pinger(void *shared)
{
	int file = shared ? *(int *)shared : open_device();
	uint32_t mine = (uint32_t)(uintptr_t)pthread_self() & 0x0ffff000;
	uintptr_t wrong = 0;

	for (uint32_t i = 0; i < 200; i++) {
		struct bpmp_host_transfer transfer = ping(mine + i);

		wrong += run(file, &transfer) || get32(transfer.rx) != 2 * (mine + i);
	}

	if (!shared)
		close(file);

	return (void *)wrong;
}

static void many_at_once(void)
{
	pthread_t threads[8];
	uintptr_t wrong = 0;
	void *returned;

	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, pinger, i % 2 ? &fd : NULL);
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], &returned);
		wrong += (uintptr_t)returned;
	}
	check_is(wrong, 0, "eight threads, each has its own answers");
}

/* Returns how many requests failed. */
static void *switcher(void *unused)
{
	uintptr_t failed = 0;

	(void)unused;
	for (int i = 0; i < 50; i++) {
		failed += run_clk(ENABLE, clock_id, 0) != 0;
		failed += run_pg(SET_STATE, domain_id, 1) != 0;
		failed += run_clk(DISABLE, clock_id, 0) != 0;
		failed += run_pg(SET_STATE, domain_id, 0) != 0;
	}

	return (void *)failed;
}

static void switching_at_once(void)
{
	pthread_t threads[4];
	uintptr_t failed = 0;
	void *returned;

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, switcher, NULL);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &returned);
		failed += (uintptr_t)returned;
	}
	check_is(failed, 0, "four threads switch one clock and domain: none fails");
	check_is(holds(), 0, "four threads switch one clock and domain: none is left");
}

static void ping_for_ever(void)
{
	for (;;) {
		struct bpmp_host_transfer transfer = ping(1);

		do_ioctl(fd, BPMP_HOST_TRANSFER, &transfer);
	}
}

/* A process that is killed while it waits leaves the device usable. */
static void killed_while_waiting(void)
{
	killed_in(ping_for_ever, "a killed process ends");
	check_is(run_clk(GET_RATE, clock_id, 0), 0, "the device works");
}

const struct suite flat_openers[] = {
	{ "closing gives up all", closing_gives_up_all },
	{ "many at once", many_at_once },
	{ "switching at once", switching_at_once },
	{ "killed while waiting", killed_while_waiting },
	{ NULL, NULL },
};
