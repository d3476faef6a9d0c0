// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transfers that never end. Whoever runs this has seen to it that no change of the clock's rate
 * does, and looks at what becomes of them afterwards.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host_device_test.h"

static int other;

static struct bpmp_host_transfer within(struct bpmp_host_transfer transfer, uint32_t timeout_ms)
{
	transfer.timeout_ms = timeout_ms;

	return transfer;
}

static void set_rate(void)
{
	struct bpmp_host_transfer now = clk(GET_RATE, clock_id, 0);
	struct bpmp_host_transfer transfer;

	/* What it has already is no change. */
	run(fd, &now);
	transfer = within(clk(SET_RATE, clock_id, get64(now.rx) / 2), BPMP_HOST_MAX_TIMEOUT_MS);
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

/* Whether a process waits in the kernel, where only a signal that ends it is heard. */
static bool waits(pid_t process)
{
	char path[32], state = '?';
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", process);
	stat = fopen(path, "r");
	if (!stat || fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	if (stat)
		fclose(stat);

	return state == 'D';
}

/* In a process that is killed as soon as it waits. */
static void killed_in(void (*call)(void), const char *what)
{
	pid_t child = fork();
	int status;

	if (!child) {
		call();
		_exit(0);
	}

	while (!waits(child) && !waitpid(child, &status, WNOHANG))
		usleep(1000);
	kill(child, SIGKILL);
	check(waitpid(child, &status, 0) == child && WIFSIGNALED(status), what);
}

static void each_has_its_slot(void)
{
	struct bpmp_host_transfer transfer;

	other = open_device();
	killed_in(set_rate, "a process is killed while its transfer runs");
	check(may_submit(fd), "one slot is left");

	transfer = within(clk(ENABLE, clock_id, 0), 100);
	check_is(do_ioctl(other, BPMP_HOST_TRANSFER, &transfer), -ETIMEDOUT, "TRANSFER has a limit");
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
	transfer = within(ping(1), 100);
	check_is(do_ioctl(fd, BPMP_HOST_TRANSFER, &transfer), -EAGAIN, "nobody stands in the way");
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
