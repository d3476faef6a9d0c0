// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transfers that never end. Whoever runs this has seen to it that no change of the clock's rate
 * does, and looks at what becomes of them afterwards.
 */
#include <errno.h>
#include <unistd.h>

#include "host_device_test.h"

static int other;
static uint64_t rate;

static struct bpmp_host_transfer within(struct bpmp_host_transfer transfer, uint32_t timeout_ms)
{
	transfer.timeout_ms = timeout_ms;

	return transfer;
}

static void set_rate(void)
{
	struct bpmp_host_transfer transfer = within(clk(SET_RATE, clock_id, rate / 2),
						    BPMP_HOST_MAX_TIMEOUT_MS);

	do_ioctl(fd, BPMP_HOST_TRANSFER, &transfer);
}

static void wait_for_a_slot(void)
{
	struct bpmp_host_transfer transfer = within(ping(1), BPMP_HOST_MAX_TIMEOUT_MS);

	do_ioctl(fd, BPMP_HOST_TRANSFER, &transfer);
}

static void write_ping(void)
{
	struct bpmp_host_transfer transfer = ping(1);

	run_write(&transfer);
}

static void end_all_holds(void)
{
	release_all();
}

static void each_has_its_slot(void)
{
	struct bpmp_host_transfer transfer = clk(GET_RATE, clock_id, 0);

	other = open_device();
	/* What it has already would be no change. */
	check(run(fd, &transfer) == 0 && get64(transfer.rx) > 1, "GET_RATE");
	rate = get64(transfer.rx);

	killed_in(set_rate, "a process is killed while its transfer runs");
	check(may_submit(fd), "one slot is left");

	transfer = within(clk(ENABLE, clock_id, 0), 100);
	check_is(do_ioctl(other, BPMP_HOST_TRANSFER, &transfer), -ETIMEDOUT,
		 "TRANSFER has a limit");
	check(!may_submit(fd), "and no slot is left");
}

static void who_comes_then_goes_on(void)
{
	struct bpmp_host_transfer transfer = within(ping(1), 100);

	check_is(do_ioctl(fd, BPMP_HOST_TRANSFER, &transfer), -EAGAIN, "TRANSFER without a slot");
	transfer = within(ping(1), 0);
	check_is(do_ioctl(fd, BPMP_HOST_SUBMIT, &transfer), -EAGAIN, "SUBMIT without a slot");
	check_is(holds(), 0, "INFO answers");
	check_is(hold_flags(fd, BPMP_HOST_CLOCK, clock_id), -1, "HOLDS answers");

	killed_in(wait_for_a_slot, "a process is killed while it waits in TRANSFER");
	killed_in(write_ping, "in write()");
	killed_in(end_all_holds, "in RELEASE_ALL");
}

static void closing_does_not_wait(void)
{
	check_is(result(close(other)), 0, "close() of a file with a transfer that hangs");
}

const struct suite stuck[] = {
	{ "transfers that don't end: each has its slot", each_has_its_slot },
	{ "who comes then goes on", who_comes_then_goes_on },
	{ "closing doesn't wait", closing_does_not_wait },
	{ NULL, NULL },
};
