// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drives /dev/bpmp-host as its header and its documentation promise, with good requests and hostile
 * ones. For a virtual machine: it ends all holds, and switches the clock, reset and domain given.
 *
 *   host_device_test [-d device] [-c clock] [-p parent] [-r reset] [-g power domain]
 *                    [-C denied clock] [-R denied reset] [-G denied power domain]
 *                    [-n rounds | -e | -s hz | -x]
 *
 * The clock, reset and domain must be allowed, the parent be the clock's and not allowed by itself.
 * One line a check, and one at the end; exits with 0 if nothing failed. With -n, -e or -s no checks,
 * but what soak.c says; with -x those of stuck.c alone, for a host where no change of the clock's
 * rate ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host_device_test.h"

const char *device = "/dev/bpmp-host";
uint32_t clock_id = 155, parent_id = 102, reset_id = 100, domain_id = 18;
uint32_t denied_clock = 284, denied_reset = 113, denied_domain = 29;

int fd;

static unsigned long rounds, hz;
static bool only_attempt, only_stuck;

static void arguments(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "d:c:p:r:g:C:R:G:n:es:x")) != -1) {
		switch (option) {
		case 'd':
			device = optarg;
			break;
		case 'c':
			clock_id = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			parent_id = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			reset_id = strtoul(optarg, NULL, 0);
			break;
		case 'g':
			domain_id = strtoul(optarg, NULL, 0);
			break;
		case 'C':
			denied_clock = strtoul(optarg, NULL, 0);
			break;
		case 'R':
			denied_reset = strtoul(optarg, NULL, 0);
			break;
		case 'G':
			denied_domain = strtoul(optarg, NULL, 0);
			break;
		case 'n':
			rounds = strtoul(optarg, NULL, 0);
			break;
		case 'e':
			only_attempt = true;
			break;
		case 's':
			hz = strtoul(optarg, NULL, 0);
			break;
		case 'x':
			only_stuck = true;
			break;
		default:
			exit(2);
		}
	}
}

static const struct suite *const subjects[] = {
	flat_transfers, flat_structures, flat_refusals, flat_holds, flat_cookies, flat_openers,
	flat_turns, flat_noise, legacy,
};

static void run_suites(const struct suite *suite)
{
	for (; suite->name; suite++) {
		printf("# %s\n", suite->name);
		suite->run();
	}
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	arguments(argc, argv);
	fd = open_device();

	if (rounds || only_attempt || hz) {
		if (rounds)
			soak(rounds);
		else if (hz)
			attempt_rate(hz);
		else
			attempt();
		return 0;
	}

	if (only_stuck) {
		run_suites(stuck);
		return conclude() ? 1 : 0;
	}

	check(release_all() >= 0, "RELEASE_ALL, to begin with");
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
		run_suites(subjects[i]);
	check(release_all() == 0, "no hold at the end");

	return conclude() ? 1 : 0;
}
