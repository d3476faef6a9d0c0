// SPDX-License-Identifier: GPL-2.0-only
/*
 * Not checks of their own: many requests, for whoever counts the kernel's objects before and after,
 * and some that change something, for whoever makes them fail or forbids them.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "host_device_test.h"

/* By SUBMIT and RESULT what run() does by TRANSFER. */
static int run_submitted(struct bpmp_host_transfer *transfer)
{
	uint64_t cookie = submit(fd, *transfer);
	int returned;

	if (!cookie)
		return 1;
	do {
		*transfer = blank(0, 0);
		transfer->timeout_ms = 0;
		transfer->cookie = cookie;
		returned = do_ioctl(fd, BPMP_HOST_RESULT, transfer);
	} while (returned == -EAGAIN && wait_for(fd, POLLIN));

	return returned || transfer->status ? 1 : transfer->err;
}

static int run_ioctl(struct bpmp_host_transfer *transfer)
{
	return run(fd, transfer);
}

static int (*const ways[])(struct bpmp_host_transfer *transfer) = {
	run_ioctl, run_submitted, run_write,
};

void soak(unsigned long rounds)
{
	unsigned long sent = 0, wrong = 0;

	for (unsigned long n = 0; n < rounds; n++) {
		const struct {
			struct bpmp_host_transfer transfer;
			int err;
		} kinds[] = {
			{ ping(n), 0 },
			{ clk(GET_ALL_INFO, clock_id, 0), 0 },
			{ clk(ENABLE, denied_clock, 0), -BPMP_EACCES },
			{ blank(MRQ_CLK, 0), -BPMP_EINVAL },
		};

		for (size_t kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
			for (size_t way = 0; way < ARRAY_SIZE(ways); way++) {
				struct bpmp_host_transfer transfer = kinds[kind].transfer;
				int err = ways[way](&transfer);

				sent++;
				wrong += err != kinds[kind].err ||
					 all(transfer.rx, 4, 0) != (err || (!kind && !n));
			}
		}
	}
	printf("soak: %lu requests, %lu wrong answers\n", sent, wrong);
}

void attempt(void)
{
	struct bpmp_host_transfer transfer = clk(ENABLE, clock_id, 0);
	int returned = do_ioctl(fd, BPMP_HOST_TRANSFER, &transfer);

	printf("ENABLE by ioctl: returned %d, status %d, err %d, answer %s\n", returned,
	       transfer.status, transfer.err,
	       all(transfer.rx, sizeof(transfer.rx), 0) ? "empty" : "not empty");
	transfer = clk(ENABLE, clock_id, 0);
	printf("ENABLE by write: %d\n", run_write(&transfer));
	transfer = three(MRQ_RESET, ASSERT, reset_id, 0);
	returned = do_ioctl(fd, BPMP_HOST_TRANSFER, &transfer);
	printf("ASSERT by ioctl: returned %d, status %d, err %d\n", returned, transfer.status,
	       transfer.err);
	transfer = three(MRQ_RESET, ASSERT, reset_id, 0);
	printf("ASSERT by write: %d\n", run_write(&transfer));
	printf("holds: %d\n", holds());
}

void attempt_rate(uint64_t hz)
{
	struct bpmp_host_transfer transfer = clk(SET_RATE, clock_id, hz);
	int err = run(fd, &transfer);

	printf("SET_RATE of clock %u: err %d, rate %llu\n", clock_id, err,
	       (unsigned long long)get64(transfer.rx));
}
