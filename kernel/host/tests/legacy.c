// SPDX-License-Identifier: GPL-2.0-only
/* write() of a raw struct tegra_bpmp_message, as the users of older proxies do. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "host_device_test.h"

struct message {
	uint32_t mrq;
	uint32_t reserved;
	uint64_t tx_data;
	uint64_t tx_size;
	uint64_t rx_data;
	uint64_t rx_size;
	int32_t ret;
	uint32_t reserved2;
	uint64_t flags;
};

static uint8_t tx[256], rx[256];

static struct message message(uint32_t mrq, uint64_t tx_size, uint64_t rx_size)
{
	memset(rx, 0xa5, sizeof(rx));

	return (struct message){
		.mrq = mrq,
		.reserved = 0xdeadbeef,
		.tx_data = (uintptr_t)tx,
		.tx_size = tx_size,
		.rx_data = (uintptr_t)rx,
		.rx_size = rx_size,
		.ret = 0x5a5a,
		.reserved2 = 0xdeadbeef,
		.flags = UINT64_MAX,
	};
}

static int do_write(const struct message *message, size_t size)
{
	return result(write(fd, message, size));
}

int run_write(struct bpmp_host_transfer *transfer)
{
	struct message ask = message(transfer->mrq, transfer->tx_size, transfer->rx_size);
	int returned;

	ask.tx_data = (uintptr_t)transfer->tx;
	ask.rx_data = (uintptr_t)transfer->rx;
	returned = do_write(&ask, 48);

	return returned == 48 ? ask.ret : returned;
}

/* The NULL dereference of the first of these proxies. */
static void clk_without_payload_is_refused(void)
{
	for (size_t size = 48; size <= 56; size += 8) {
		for (int with_data = 0; with_data < 2; with_data++) {
			struct message ask = message(MRQ_CLK, 0, 8);

			if (!with_data)
				ask.tx_data = 0;
			check(do_write(&ask, size) == (int)size && ask.ret == -BPMP_EINVAL,
			      "MRQ 22 with tx.size 0");
			check(all(rx, 8, 0), "and nothing in its answer");
		}
	}
}

static void messages_of_both_sizes(void)
{
	for (size_t size = 48; size <= 56; size += 8) {
		struct message ask = message(MRQ_PING, 4, 4);
		struct message before = ask;

		put32(tx, 0x01020304);
		check_is(do_write(&ask, size), size, "write() of a PING");
		check(ask.ret == 0 && get32(rx) == 0x02040608, "its reply");
		check(all(rx + 4, sizeof(rx) - 4, 0xa5), "nothing behind rx_size is written");
		before.ret = ask.ret;
		check(!memcmp(&before, &ask, sizeof(ask)), "nothing but ret is written");

		put32(tx, ENABLE << 24 | clock_id);
		ask = message(MRQ_CLK, 16, 0);
		check(do_write(&ask, size) == (int)size && ask.ret == 0, "ENABLE");
		check_is(hold_flags(fd, BPMP_HOST_CLOCK, clock_id), 0, "is a hold");
		put32(tx, DISABLE << 24 | clock_id);
		ask = message(MRQ_CLK, 16, 0);
		check(do_write(&ask, size) == (int)size && ask.ret == 0, "DISABLE");
		check_is(holds(), 0, "ends it");

		put32(tx, ENABLE << 24 | denied_clock);
		ask = message(MRQ_CLK, 16, 4);
		check(do_write(&ask, size) == (int)size && ask.ret == -BPMP_EACCES,
		      "ENABLE of a clock that isn't allowed");
		check(all(rx, 4, 0), "has nothing in its answer");
		put32(tx, 13 << 24 | clock_id);
		ask = message(MRQ_CLK, 16, 0);
		check(do_write(&ask, size) == (int)size && ask.ret == -BPMP_EBADCMD,
		      "a withdrawn command");
		ask = message(75, 120, 120);
		check(do_write(&ask, size) == (int)size && ask.ret == -BPMP_EINVAL, "DEBUG");
	}
}

static void messages_with_wrong_sizes(void)
{
	static const uint64_t sizes[] = {
		121, 512, 1025, 0x100000000ULL, 1ULL << 63, UINT64_MAX,
	};
	static const size_t lengths[] = { 0, 1, 40, 47, 49, 52, 55, 57, 64 };
	uint8_t buffer[64] = { 0 };
	struct message ask;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ask = message(MRQ_CLK, sizes[i], 8);
		check(do_write(&ask, 48) == 48 && ask.ret == -BPMP_EINVAL, "tx.size too large");
		ask = message(MRQ_PING, 4, sizes[i]);
		check(do_write(&ask, 48) == 48 && ask.ret == -BPMP_EINVAL, "rx.size too large");
		check(all(rx, sizeof(rx), 0xa5), "nothing is written");
	}

	ask = message(MRQ_FW_TAG, 0, 32);
	ask.tx_data = 0;
	check(do_write(&ask, 48) == 48 && ask.ret == 0, "QUERY_FW_TAG without anything");

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		int returned = result(write(fd, buffer, lengths[i]));

		check(returned == -EINVAL || (!lengths[i] && !returned),
		      "write() of another length");
	}
}

static void messages_with_wrong_pointers(void)
{
	struct message ask = message(MRQ_PING, 4, 4);

	ask.tx_data = 8;
	check_is(do_write(&ask, 48), -EFAULT, "tx.data is nothing");
	ask = message(MRQ_PING, 4, 4);
	ask.tx_data = 0xffff000000000000ULL;
	check_is(do_write(&ask, 48), -EFAULT, "tx.data is the kernel's");
	ask = message(MRQ_PING, 4, 4);
	ask.rx_data = 8;
	check_is(do_write(&ask, 48), -EFAULT, "rx.data is nothing");
	ask = message(MRQ_CLK, 4, 4);
	put32(tx, ENABLE << 24 | clock_id);
	ask.rx_data = 8;
	check_is(do_write(&ask, 48), -EFAULT, "ENABLE, rx.data is nothing");
	check_is(holds(), 0, "and nothing was done");
	ask = message(MRQ_PING, 4, 4);
	ask.rx_data = 0xffff000000000000ULL;
	check_is(do_write(&ask, 48), -EFAULT, "rx.data is the kernel's");
	check_is(result(write(fd, nowhere, 48)), -EFAULT, "the message is nothing");

	ask = message(MRQ_PING, 4, 4);
	check(do_write(&ask, 48) == 48 && !ask.ret, "the device works");
}

const struct suite legacy[] = {
	{ "a CLK request without payload is refused", clk_without_payload_is_refused },
	{ "messages of both sizes", messages_of_both_sizes },
	{ "messages with wrong sizes", messages_with_wrong_sizes },
	{ "messages with wrong pointers", messages_with_wrong_pointers },
	{ NULL, NULL },
};
