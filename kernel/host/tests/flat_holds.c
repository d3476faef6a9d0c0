// SPDX-License-Identifier: GPL-2.0-only
/* What is allowed, and what is held by it. */
#include <errno.h>
#include <unistd.h>

#include "host_device_test.h"

static void ancestors_are_enable_only(void)
{
	check_is(run_clk(ENABLE, parent_id, 0), 0, "ENABLE of a parent");
	check_is(hold_flags(fd, BPMP_HOST_CLOCK, parent_id), 0, "is a hold");
	check_is(run_clk(SET_RATE, parent_id, 1000000), -BPMP_EACCES, "SET_RATE of a parent");
	check_is(run_clk(SET_PARENT, parent_id, clock_id), -BPMP_EACCES,
		 "SET_PARENT of a parent");
	check_is(run_clk(DISABLE, parent_id, 0), 0, "DISABLE of a parent");
	check_is(hold_flags(fd, BPMP_HOST_CLOCK, parent_id), -1, "ends the hold");
}

static void clocks_are_held_once(void)
{
	struct bpmp_host_transfer transfer = clk(IS_ENABLED, clock_id, 0);

	check_is(run_clk(ENABLE, clock_id, 0), 0, "ENABLE");
	check_is(run_clk(ENABLE, clock_id, 0), 0, "ENABLE again");
	check_is(holds(), 1, "one hold");
	check_is(hold_flags(fd, BPMP_HOST_CLOCK, clock_id), 0, "of the clock, and no orphan");
	check(run(fd, &transfer) == 0 && get32(transfer.rx) == 1, "the firmware says it is enabled");
	check_is(run_clk(DISABLE, clock_id, 0), 0, "DISABLE");
	check_is(holds(), 0, "no hold");
	check_is(run_clk(DISABLE, clock_id, 0), 0, "DISABLE again");
}

static void clocks_are_set(void)
{
	struct bpmp_host_transfer transfer = clk(GET_RATE, clock_id, 0);
	struct bpmp_host_transfer rounded, now;
	uint64_t rate;

	check_is(run(fd, &transfer), 0, "GET_RATE");
	rate = get64(transfer.rx);

	transfer = clk(SET_RATE, clock_id, rate);
	check(run(fd, &transfer) == 0 && get64(transfer.rx) == rate, "SET_RATE to what it is");

	rounded = clk(ROUND_RATE, clock_id, rate / 2);
	check_is(run(fd, &rounded), 0, "ROUND_RATE to half");
	transfer = clk(SET_RATE, clock_id, rate / 2);
	check(run(fd, &transfer) == 0 && get64(transfer.rx) == get64(rounded.rx),
	      "SET_RATE to half");
	now = clk(GET_RATE, clock_id, 0);
	check(run(fd, &now) == 0 && get64(now.rx) == get64(rounded.rx), "GET_RATE says the same");

	/* No rate that a divider makes, so that its rounded rate may round to yet another. */
	rounded = clk(ROUND_RATE, clock_id, rate / 10 * 9);
	transfer = clk(SET_RATE, clock_id, rate / 10 * 9);
	check(run(fd, &rounded) == 0 && run(fd, &transfer) == 0 &&
	      get64(transfer.rx) == get64(rounded.rx), "SET_RATE to nine tenths");
	check_is(run_clk(SET_RATE, clock_id, rate), 0, "SET_RATE back");

	transfer = clk(SET_PARENT, clock_id, parent_id);
	check(run(fd, &transfer) == 0 && get32(transfer.rx) == parent_id,
	      "SET_PARENT to what it is");
	check_is(holds(), 0, "no hold by any of that");
}

static void resets_are_done(void)
{
	check_is(run_reset(ASSERT, reset_id), 0, "ASSERT");
	check_is(run_reset(DEASSERT, reset_id), 0, "DEASSERT");
	check_is(run_reset(MODULE, reset_id), 0, "MODULE");
}

static void domains_are_held_once(void)
{
	struct bpmp_host_transfer transfer = three(MRQ_PG, GET_STATE, domain_id, 0);

	check_is(run_pg(SET_STATE, domain_id, 1), 0, "power on");
	check_is(run_pg(SET_STATE, domain_id, 1), 0, "power on again");
	check_is(hold_flags(fd, BPMP_HOST_POWER_DOMAIN, domain_id), 0, "a hold, and no orphan");
	check_is(holds(), 1, "one hold");
	check(run(fd, &transfer) == 0 && get32(transfer.rx) == 1, "the firmware says it is on");
	check_is(run_pg(SET_STATE, domain_id, 7), -BPMP_EINVAL, "a state that isn't one");
	check_is(run_pg(SET_STATE, domain_id, 0), 0, "power off");
	check_is(holds(), 0, "no hold");
	check_is(run_pg(SET_STATE, domain_id, 0), 0, "power off again");
}

static void holds_are_listed(void)
{
	struct bpmp_host_holds list = { 0 };

	run_pg(SET_STATE, domain_id, 1);
	run_clk(ENABLE, clock_id, 0);
	run_clk(ENABLE, parent_id, 0);

	check_is(do_ioctl(fd, BPMP_HOST_HOLDS, &list), 0, "HOLDS");
	check(list.count == 3 && list.total == 3, "three");
	check(list.hold[0].type == BPMP_HOST_CLOCK && list.hold[1].type == BPMP_HOST_CLOCK &&
	      list.hold[0].id < list.hold[1].id && list.hold[2].type == BPMP_HOST_POWER_DOMAIN &&
	      list.hold[2].id == domain_id, "in the order of type and id");

	list = (struct bpmp_host_holds){ .start = 2 };
	check(!do_ioctl(fd, BPMP_HOST_HOLDS, &list) && list.count == 1 && list.total == 3 &&
	      list.hold[0].id == domain_id, "the third alone");
	list = (struct bpmp_host_holds){ .start = UINT32_MAX };
	check(!do_ioctl(fd, BPMP_HOST_HOLDS, &list) && list.count == 0 && list.total == 3,
	      "none behind the last");
	list = (struct bpmp_host_holds){ .pad = 1 };
	check_is(do_ioctl(fd, BPMP_HOST_HOLDS, &list), -EINVAL, "HOLDS, pad not zero");

	check_is(release_all(), 3, "RELEASE_ALL ends three");
	check_is(holds(), 0, "none is left");
	check_is(release_all(), 0, "RELEASE_ALL ends none");
}

static void holds_outlive_their_file(void)
{
	struct bpmp_host_transfer transfer = clk(ENABLE, clock_id, 0);
	struct bpmp_host_release release = { .reserved = { 1 } };
	int other = open_device();

	check_is(run(other, &transfer), 0, "another file's ENABLE");
	check_is(hold_flags(fd, BPMP_HOST_CLOCK, clock_id), 0, "is a hold");
	close(other);
	check_is(hold_flags(fd, BPMP_HOST_CLOCK, clock_id), BPMP_HOST_HOLD_ORPHAN,
		 "is an orphan when that file is closed");
	check_is(do_ioctl(fd, BPMP_HOST_ADOPT, NULL), 0, "ADOPT");
	check_is(hold_flags(fd, BPMP_HOST_CLOCK, clock_id), 0, "is no orphan any more");
	check_is(do_ioctl(fd, BPMP_HOST_RELEASE_ALL, &release), -EINVAL,
		 "RELEASE_ALL, reserved not zero");
	check_is(holds(), 1, "ends nothing");
	check_is(release_all(), 1, "RELEASE_ALL");
}

const struct suite flat_holds[] = {
	{ "ancestors are enable-only", ancestors_are_enable_only },
	{ "clocks are held once", clocks_are_held_once },
	{ "clocks are set", clocks_are_set },
	{ "resets are done", resets_are_done },
	{ "domains are held once", domains_are_held_once },
	{ "holds are listed", holds_are_listed },
	{ "holds outlive their file", holds_outlive_their_file },
	{ NULL, NULL },
};
