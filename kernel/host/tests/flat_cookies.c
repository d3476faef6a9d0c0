// SPDX-License-Identifier: GPL-2.0-only
/* Requests that are submitted, and their answers, which are read by cookie. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "host_device_test.h"

static int take(int file, uint64_t cookie, struct bpmp_host_transfer *transfer)
{
	*transfer = blank(0, 0);
	transfer->timeout_ms = 0;
	transfer->cookie = cookie;

	return do_ioctl(file, BPMP_HOST_RESULT, transfer);
}

static int abandon(int file, uint64_t cookie)
{
	return do_ioctl(file, BPMP_HOST_ABANDON, &cookie);
}

static void answers_are_read_by_cookie(void)
{
	struct bpmp_host_transfer transfer;
	uint64_t first, second;
	int other = open_device();

	check_is(take(fd, 0, &transfer), -ENOENT, "RESULT of nothing");
	first = submit(fd, ping(11));
	check(first, "SUBMIT");
	second = submit(fd, ping(22));
	check(second && second != first, "SUBMIT gives another cookie");
	check_is(take(other, first, &transfer), -ENOENT, "RESULT by another file");
	check_is(abandon(other, first), -ENOENT, "ABANDON by another file");

	while (take(fd, second, &transfer) == -EAGAIN)
		wait_for(fd, POLLIN);
	check(transfer.cookie == second && !transfer.status && !transfer.err &&
	      get32(transfer.rx) == 44, "RESULT of the second");
	check_is(take(fd, second, &transfer), -ENOENT, "RESULT of it again");

	check(wait_for(fd, POLLIN), "POLLIN for the first");
	check(take(fd, 0, &transfer) == 0 && transfer.cookie == first && get32(transfer.rx) == 22,
	      "RESULT of whichever");
	check_is(take(fd, 0, &transfer), -ENOENT, "RESULT of no more");
	check_is(take(fd, UINT64_MAX, &transfer), -ENOENT, "RESULT of a cookie that never was");

	close(other);
}

static void answers_are_given_up(void)
{
	struct bpmp_host_transfer transfer;
	uint64_t cookie = submit(fd, ping(1));

	check_is(abandon(fd, cookie), 0, "ABANDON");
	check_is(abandon(fd, cookie), -ENOENT, "ABANDON again");
	check_is(take(fd, cookie, &transfer), -ENOENT, "RESULT of what was given up");
	check_is(abandon(fd, 0), -ENOENT, "ABANDON of cookie zero");
	check_is(abandon(fd, UINT64_MAX), -ENOENT, "ABANDON of a cookie that never was");

	cookie = submit(fd, ping(1));
	wait_for(fd, POLLIN);
	check_is(abandon(fd, cookie), 0, "ABANDON of what is done");
	check_is(take(fd, 0, &transfer), -ENOENT, "and it is gone");
}

static void unread_answers_are_bounded(void)
{
	struct bpmp_host_transfer transfer;
	int submitted = 0, taken = 0, other = open_device();

	while (submitted < 64 && submit(other, ping(submitted)))
		submitted++;
	check_is(submitted, 64, "64 answers may wait");

	wait_for(fd, POLLOUT);
	transfer = ping(1);
	transfer.timeout_ms = 0;
	check_is(do_ioctl(other, BPMP_HOST_SUBMIT, &transfer), -ENOBUFS, "one more may not");
	transfer = ping(5);
	check(run(fd, &transfer) == 0 && get32(transfer.rx) == 10, "another file doesn't mind");

	while (wait_for(other, POLLIN) && !take(other, 0, &transfer) && ++taken < 64)
		;
	check_is(taken, 64, "all are read");
	check(submit(other, ping(1)), "and more may come");
	close(other);
}

const struct suite flat_cookies[] = {
	{ "answers are read by cookie", answers_are_read_by_cookie },
	{ "answers are given up", answers_are_given_up },
	{ "unread answers are bounded", unread_answers_are_bounded },
	{ NULL, NULL },
};
