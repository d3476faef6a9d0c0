// SPDX-License-Identifier: GPL-2.0-only
/* Who gets a slot when: those that wait, in their order, and the end of all holds alone. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "host_device_test.h"

static void pollout_means_that_submit_works(void)
{
	int reader = open(device, O_RDONLY | O_CLOEXEC), other = open_device(), submitted = 0;

	check(wait_for(other, POLLOUT), "POLLOUT");
	check(!may_submit(reader), "none for who may only read");

	while (submitted < 64 && submit(other, ping(submitted)))
		submitted++;
	check(wait_for(fd, POLLOUT) && !may_submit(other), "none with 64 unread answers");

	close(other);
	close(reader);
}

static void release_all_comes_after_what_is_in_flight(void)
{
	int early = 0, left = 0;

	for (int i = 0; i < 100; i++) {
		struct bpmp_host_transfer transfer = { 0 };

		transfer.cookie = submit(fd, clk(ENABLE, clock_id, 0));
		early += release_all() != 1;
		left += holds() != 0;
		while (do_ioctl(fd, BPMP_HOST_RESULT, &transfer) == -EAGAIN)
			wait_for(fd, POLLIN);
	}
	check_is(early, 0, "RELEASE_ALL ends what an ENABLE in flight has begun, each time");
	check_is(left, 0, "and nothing is held when it is over");
}

static atomic_bool stop;

/* Takes a slot whenever there is one, and never waits. */
static void *hog(void *unused)
{
	int file = open_device();

	(void)unused;
	while (!stop) {
		struct bpmp_host_transfer transfer = ping(1);

		transfer.timeout_ms = 0;
		if (!do_ioctl(file, BPMP_HOST_SUBMIT, &transfer))
			do_ioctl(file, BPMP_HOST_ABANDON, &transfer.cookie);
	}
	close(file);

	return NULL;
}

static void those_that_wait_come_first(void)
{
	pthread_t threads[3];
	int failed = 0;

	stop = false;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_create(&threads[i], NULL, hog, NULL);
	for (int i = 0; i < 100; i++) {
		failed += run_clk(GET_RATE, clock_id, 0) != 0;
		failed += release_all() < 0;
	}
	stop = true;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	check_is(failed, 0, "TRANSFER and RELEASE_ALL beside three that submit all the time");
}

const struct suite flat_turns[] = {
	{ "POLLOUT means that SUBMIT works", pollout_means_that_submit_works },
	{ "RELEASE_ALL comes after what is in flight", release_all_comes_after_what_is_in_flight },
	{ "those that wait come first", those_that_wait_come_first },
	{ NULL, NULL },
};
