// SPDX-License-Identifier: GPL-2.0-only
/* What the device is, and reads, which everybody may do. */
#include <errno.h>

#include "host_device_test.h"

static void info_says_what_it_is(void)
{
	struct bpmp_host_info info = { .features = 1, .abi_version = 99 };

	check_is(do_ioctl(fd, BPMP_HOST_INFO, &info), 0, "INFO");
	check(info.abi_version >= BPMP_HOST_ABI_VERSION && info.abi_version < 99, "INFO's version");
	check(info.slots >= 1 && info.slots <= 3, "INFO's slots leave one for the host");
	check_is(info.features, 0, "INFO's features");

	info.reserved[3] = 1;
	check_is(do_ioctl(fd, BPMP_HOST_INFO, &info), -EINVAL, "INFO, reserved not zero");
	check_is(do_ioctl(fd, BPMP_HOST_INFO, NULL), -EFAULT, "INFO without memory");
}

static void reads_are_answered(void)
{
	struct bpmp_host_transfer transfer = ping(0x01020304);

	check_is(run(fd, &transfer), 0, "PING");
	check_is(get32(transfer.rx), 0x02040608, "PING's reply is twice the challenge");
	check(all(transfer.rx + 4, sizeof(transfer.rx) - 4, 0), "zeroes behind the reply");
	check_is(transfer.cookie, 0, "TRANSFER gives no cookie");
	check(transfer.mrq == MRQ_PING && transfer.tx_size == 4 && get32(transfer.tx) == 0x01020304,
	      "the request is as it was");

	transfer = ping(0x01020304);
	transfer.rx_size = 2;
	check_is(run(fd, &transfer), 0, "PING, half of its answer");
	check(get32(transfer.rx) == 0x0608 && all(transfer.rx + 4, sizeof(transfer.rx) - 4, 0),
	      "no more than rx_size bytes, and zeroes");

	transfer = blank(MRQ_FW_TAG, 0);
	check_is(run(fd, &transfer), 0, "QUERY_FW_TAG");
	transfer = blank(MRQ_QUERY_ABI, 4);
	put32(transfer.tx, MRQ_CLK);
	check(run(fd, &transfer) == 0 && get32(transfer.rx) == 0, "QUERY_ABI of CLK");

	transfer = clk(GET_MAX_CLK_ID, 0, 0);
	check(run(fd, &transfer) == 0 && get32(transfer.rx) >= clock_id, "GET_MAX_CLK_ID");
	transfer = clk(GET_ALL_INFO, denied_clock, 0);
	check(run(fd, &transfer) == 0 && transfer.rx[73], "a clock that isn't allowed has a name");
	check_is(run_clk(GET_RATE, denied_clock, 0), 0, "and a rate");
	check_is(run_clk(IS_ENABLED, denied_clock, 0), 0, "and a state");
	transfer = three(MRQ_RESET, RESET_MAX_ID, 0, 0);
	check(run(fd, &transfer) == 0 && get32(transfer.rx) >= reset_id, "RESET GET_MAX_ID");
	check_is(run_pg(GET_STATE, denied_domain, 0), 0, "a domain that isn't allowed has a state");
}

const struct suite flat_transfers[] = {
	{ "info says what it is", info_says_what_it_is },
	{ "reads are answered", reads_are_answered },
	{ NULL, NULL },
};
