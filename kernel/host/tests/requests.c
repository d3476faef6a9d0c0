// SPDX-License-Identifier: GPL-2.0-only
/* Requests: how they are made, run and submitted. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "host_device_test.h"

void put32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = value >> (8 * i);
}

uint32_t get32(const uint8_t *at)
{
	return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

uint64_t get64(const uint8_t *at)
{
	return get32(at) | (uint64_t)get32(at + 4) << 32;
}

bool all(const uint8_t *bytes, size_t size, uint8_t value)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != value)
			return false;

	return true;
}

struct bpmp_host_transfer blank(uint32_t mrq, uint32_t tx_size)
{
	struct bpmp_host_transfer transfer = {
		.mrq = mrq,
		.tx_size = tx_size,
		.rx_size = BPMP_HOST_DATA_SIZE,
		.timeout_ms = TIMEOUT_MS,
		.status = 0x5a5a,
		.err = 0x5a5a,
	};

	memset(transfer.rx, 0xa5, sizeof(transfer.rx));

	return transfer;
}

struct bpmp_host_transfer ping(uint32_t challenge)
{
	struct bpmp_host_transfer transfer = blank(MRQ_PING, 4);

	put32(transfer.tx, challenge);

	return transfer;
}

struct bpmp_host_transfer clk(uint32_t cmd, uint32_t id, uint64_t number)
{
	struct bpmp_host_transfer transfer = blank(MRQ_CLK, 16);

	put32(transfer.tx, cmd << 24 | id);
	if (cmd == SET_PARENT) {
		put32(transfer.tx + 4, number);
	} else {
		put32(transfer.tx + 8, number);
		put32(transfer.tx + 12, number >> 32);
	}

	return transfer;
}

struct bpmp_host_transfer three(uint32_t mrq, uint32_t cmd, uint32_t id, uint32_t state)
{
	struct bpmp_host_transfer transfer = blank(mrq, mrq == MRQ_PG ? 12 : 8);

	put32(transfer.tx, cmd);
	put32(transfer.tx + 4, id);
	if (mrq == MRQ_PG)
		put32(transfer.tx + 8, state);

	return transfer;
}

int run(int file, struct bpmp_host_transfer *transfer)
{
	int returned = do_ioctl(file, BPMP_HOST_TRANSFER, transfer);

	if (returned || transfer->status) {
		printf("# ioctl %d, status %d\n", returned, transfer->status);
		return 1;
	}

	return transfer->err;
}

int run_clk(uint32_t cmd, uint32_t id, uint64_t number)
{
	struct bpmp_host_transfer transfer = clk(cmd, id, number);

	return run(fd, &transfer);
}

int run_reset(uint32_t cmd, uint32_t id)
{
	struct bpmp_host_transfer transfer = three(MRQ_RESET, cmd, id, 0);

	return run(fd, &transfer);
}

int run_pg(uint32_t cmd, uint32_t id, uint32_t state)
{
	struct bpmp_host_transfer transfer = three(MRQ_PG, cmd, id, state);

	return run(fd, &transfer);
}

uint64_t submit(int file, struct bpmp_host_transfer transfer)
{
	int returned;

	transfer.timeout_ms = 0;
	do {
		if (!wait_for(file, POLLOUT))
			return 0;
		returned = do_ioctl(file, BPMP_HOST_SUBMIT, &transfer);
	} while (returned == -EAGAIN);

	return returned ? 0 : transfer.cookie;
}
