// SPDX-License-Identifier: GPL-2.0-only
/* Openers that close, die, or are many at once. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host_device_test.h"

static void closing_gives_up_all(void)
{
	int other, i;

	for (i = 0; i < 200; i++) {
		struct bpmp_host_transfer transfer = ping(i);

		other = open_device();
		transfer.timeout_ms = 0;
		do_ioctl(other, BPMP_HOST_SUBMIT, &transfer);
		do_ioctl(other, BPMP_HOST_SUBMIT, &transfer);
		close(other);
	}
	check(wait_for(fd, POLLOUT), "200 files closed with requests in flight");

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

static void *switcher(void *unused)
{
	(void)unused;
	for (int i = 0; i < 50; i++) {
		run_clk(ENABLE, clock_id, 0);
		run_pg(SET_STATE, domain_id, 1);
		run_clk(DISABLE, clock_id, 0);
		run_pg(SET_STATE, domain_id, 0);
	}

	return NULL;
}

static void switching_at_once(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, switcher, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	check_is(holds(), 0, "four threads switch one clock and domain: none is left");
}

/* A process that is killed while it waits leaves the device usable. */
static void killed_while_waiting(void)
{
	int status;
	pid_t child = fork();

	if (!child) {
		for (;;) {
			struct bpmp_host_transfer transfer = ping(1);

			ioctl(fd, BPMP_HOST_TRANSFER, &transfer);
		}
	}

	usleep(50000);
	kill(child, SIGKILL);
	check(waitpid(child, &status, 0) == child && WIFSIGNALED(status), "a killed process ends");
	check_is(run_clk(GET_RATE, clock_id, 0), 0, "the device works");
}

const struct suite flat_openers[] = {
	{ "closing gives up all", closing_gives_up_all },
	{ "many at once", many_at_once },
	{ "switching at once", switching_at_once },
	{ "killed while waiting", killed_while_waiting },
	{ NULL, NULL },
};
