// SPDX-License-Identifier: GPL-2.0-only
/* Counts the checks, and says how each went. */
#include <stdio.h>

#include "host_device_test.h"

static int checks, failures;

void check(bool good, const char *what)
{
	checks++;
	failures += !good;
	printf("%s %d %s\n", good ? "ok" : "not ok", checks, what);
}

void check_is(long got, long wanted, const char *what)
{
	check(got == wanted, what);
	if (got != wanted)
		printf("# got %ld, wanted %ld\n", got, wanted);
}

int conclude(void)
{
	printf("host_device_test: %d checks, %d failures\n", checks, failures);

	return failures;
}
