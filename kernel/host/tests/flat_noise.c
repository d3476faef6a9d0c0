// SPDX-License-Identifier: GPL-2.0-only
/* Requests at random. */
#include <string.h>

#include "host_device_test.h"

static uint32_t noise(void)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;

	return state >> 16;
}

/* Random requests, well-formed as structures. Ids are too wide to be allowed by chance. */
static void noise_is_refused(void)
{
	int unexpected = 0;

	for (int i = 0; i < 3000; i++) {
		struct bpmp_host_transfer transfer = blank(noise() % 100, noise() % 121);

		transfer.rx_size = noise() % 121;
		for (uint32_t at = 0; at < transfer.tx_size; at++)
			transfer.tx[at] = noise();
		if (transfer.mrq == MRQ_CLK && transfer.tx_size > 3) {
			transfer.tx[2] |= 0x80;
			transfer.tx[3] = noise() % 20;
		}
		if (transfer.mrq == MRQ_RESET || transfer.mrq == MRQ_PG) {
			transfer.tx_size = 12;
			put32(transfer.tx, noise() % 6);
			transfer.tx[7] |= 0x80;
			memset(transfer.tx + 12, 0, sizeof(transfer.tx) - 12);
		}

		unexpected += do_ioctl(fd, BPMP_HOST_TRANSFER, &transfer) || transfer.status ||
			      transfer.err > 0;
	}

	check_is(unexpected, 0, "3000 random requests have answers");
	check_is(holds(), 0, "and no hold");
}

const struct suite flat_noise[] = {
	{ "noise is refused", noise_is_refused },
	{ NULL, NULL },
};
