// SPDX-License-Identifier: GPL-2.0-only
/* Well-formed requests that are refused: by their size, command, MRQ or id. */
#include <stdio.h>
#include <string.h>

#include "host_device_test.h"

static void payloads_are_checked(void)
{
	static const struct {
		uint32_t mrq, size;
	} least[] = {
		{ MRQ_PING, 4 }, { MRQ_CLK, 4 }, { MRQ_RESET, 8 }, { MRQ_QUERY_ABI, 4 },
		{ MRQ_PG, 8 },
	};
	struct bpmp_host_transfer transfer;
	char what[64];

	for (size_t i = 0; i < ARRAY_SIZE(least); i++) {
		for (uint32_t size = 0; size < least[i].size; size++) {
			transfer = blank(least[i].mrq, size);
			snprintf(what, sizeof(what), "MRQ %u with %u bytes", least[i].mrq,
				 size);
			check_is(run(fd, &transfer), -BPMP_EINVAL, what);
			check(all(transfer.rx, sizeof(transfer.rx), 0), "and nothing in its answer");
		}
	}

	transfer = clk(SET_RATE, clock_id, 1000000);
	transfer.tx_size = 8;
	memset(transfer.tx + 8, 0, 8);
	check_is(run(fd, &transfer), -BPMP_EINVAL, "SET_RATE with half a rate");
	transfer = clk(SET_PARENT, clock_id, parent_id);
	transfer.tx_size = 4;
	memset(transfer.tx + 4, 0, 12);
	check_is(run(fd, &transfer), -BPMP_EINVAL, "SET_PARENT without a parent");
}

static void commands_are_checked(void)
{
	static const uint32_t bad[] = { 0, 17, 18, 0x17, 0x27, 0x47, 0x87, 0xff };
	char what[64];

	for (uint32_t cmd = 9; cmd <= 13; cmd++) {
		snprintf(what, sizeof(what), "withdrawn clock command %u", cmd);
		check_is(run_clk(cmd, clock_id, 0), -BPMP_EBADCMD, what);
	}

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(what, sizeof(what), "clock command %#x", bad[i]);
		check_is(run_clk(bad[i], clock_id, 0), -BPMP_EINVAL, what);
	}

	check_is(run_reset(0, reset_id), -BPMP_EINVAL, "reset command 0");
	check_is(run_reset(5, reset_id), -BPMP_EINVAL, "reset command 5");
	check_is(run_reset(0x101, reset_id), -BPMP_EINVAL, "reset command 0x101");
	check_is(run_pg(5, domain_id, 1), -BPMP_EINVAL, "power domain command 5");
	check_is(run_pg(0x10001, domain_id, 1), -BPMP_EINVAL, "power domain command 0x10001");
	check_is(run_clk(SET_RATE, clock_id, UINT64_MAX), -BPMP_EINVAL, "a negative rate");
}

static void other_requests_are_refused(void)
{
	static const uint32_t mrqs[] = {
		1, 2, 4, 5, 7, 8, 11, 19, 21, 25, 26, 27, 28, 29, 31, 49, 64, 65, 67, 68, 69, 70,
		72, 73, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 96, 278, 65558, 0x80000016,
		UINT32_MAX,
	};
	struct bpmp_host_transfer transfer;
	char what[64];

	for (size_t i = 0; i < ARRAY_SIZE(mrqs); i++) {
		transfer = blank(mrqs[i], 120);
		put32(transfer.tx, 1);
		snprintf(what, sizeof(what), "MRQ %u", mrqs[i]);
		check_is(run(fd, &transfer), -BPMP_EINVAL, what);
	}
}

static void what_is_not_allowed_is_denied(void)
{
	check_is(run_clk(ENABLE, denied_clock, 0), -BPMP_EACCES, "ENABLE of a clock");
	check_is(run_clk(DISABLE, denied_clock, 0), -BPMP_EACCES, "DISABLE of a clock");
	check_is(run_clk(SET_RATE, denied_clock, 1000000), -BPMP_EACCES, "SET_RATE of a clock");
	check_is(run_clk(SET_PARENT, denied_clock, parent_id), -BPMP_EACCES,
		 "SET_PARENT of a clock");
	check_is(run_clk(SET_PARENT, clock_id, denied_clock), -BPMP_EACCES,
		 "SET_PARENT to a clock");
	check_is(run_clk(SET_PARENT, clock_id, 0x1000000 | parent_id), -BPMP_EACCES,
		 "SET_PARENT to what is more than an id");
	check_is(run_clk(ENABLE, clock_id | 0x1000, 0), -BPMP_EACCES, "bit 12 of a clock's id");
	check_is(run_clk(ENABLE, clock_id | 0x800000, 0), -BPMP_EACCES, "bit 23 of a clock's id");
	check_is(run_reset(ASSERT, denied_reset), -BPMP_EACCES, "ASSERT");
	check_is(run_reset(DEASSERT, denied_reset), -BPMP_EACCES, "DEASSERT");
	check_is(run_reset(MODULE, denied_reset), -BPMP_EACCES, "MODULE");
	check_is(run_reset(ASSERT, reset_id | 0x100), -BPMP_EACCES, "bit 8 of a reset's id");
	check_is(run_reset(ASSERT, reset_id | 0x80000000), -BPMP_EACCES, "bit 31 of a reset's id");
	check_is(run_pg(SET_STATE, denied_domain, 1), -BPMP_EACCES, "a domain on");
	check_is(run_pg(SET_STATE, denied_domain, 0), -BPMP_EACCES, "a domain off");
	check_is(run_pg(SET_STATE, domain_id | 0x10000, 1), -BPMP_EACCES,
		 "bit 16 of a domain's id");
	check_is(holds(), 0, "no hold of all that");
}

const struct suite flat_refusals[] = {
	{ "payloads are checked", payloads_are_checked },
	{ "commands are checked", commands_are_checked },
	{ "other requests are refused", other_requests_are_refused },
	{ "what is not allowed is denied", what_is_not_allowed_is_denied },
	{ NULL, NULL },
};
