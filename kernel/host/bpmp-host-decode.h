/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests, and the bytes that they come as.
 */
#ifndef BPMP_HOST_DECODE_H
#define BPMP_HOST_DECODE_H

#include <linux/types.h>

#include <soc/tegra/bpmp-abi.h>

#include "bpmp-host-compat.h"

/**
 * enum bpmp_proxy_need - what a request needs of the lists
 * @BPMP_PROXY_READ: nothing, it changes nothing
 * @BPMP_PROXY_ENABLE: its id, or an allowed clock below it
 * @BPMP_PROXY_CONTROL: its id, with control
 */
enum bpmp_proxy_need {
	BPMP_PROXY_READ,
	BPMP_PROXY_ENABLE,
	BPMP_PROXY_CONTROL,
};

/**
 * struct bpmp_proxy_command - one command that the proxy serves
 * @mrq: the request's number
 * @cmd: the command in it; 0 where there is none
 * @need: what the lists must say
 * @rate: it has an s64 rate
 * @word: it has an u32 besides command and id
 * @rx_size: bytes of a successful answer
 */
struct bpmp_proxy_command {
	u32 mrq;
	u32 cmd;
	enum bpmp_proxy_need need;
	bool rate;
	bool word;
	u32 rx_size;
};

/**
 * struct bpmp_proxy_request - a request, out of its bytes
 * @command: what is asked
 * @id: of what: a clock, reset or power domain
 * @rate: in Hz, where the command has one
 * @word: a parent, a state, a challenge or an MRQ's number, where the command has one
 */
struct bpmp_proxy_request {
	const struct bpmp_proxy_command *command;
	u32 id;
	s64 rate;
	u32 word;
};

int bpmp_proxy_decode(u32 mrq, const u8 *tx, size_t size,
		      struct bpmp_proxy_request *request);
size_t bpmp_proxy_encode(const struct bpmp_proxy_request *request,
			 u8 tx[MSG_DATA_MIN_SZ]);
int bpmp_proxy_read_request(struct bpmp_proxy_request *request, u32 mrq, u32 cmd,
			    u32 id);

#endif /* BPMP_HOST_DECODE_H */
