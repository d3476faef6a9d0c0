// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes to requests and back, for the requests that the proxy serves. Nothing else gets through:
 * what reaches the firmware is written anew from what was understood here.
 */
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "bpmp-host-decode.h"

#define CLK_ID_MASK		GENMASK(23, 0)
#define CLK_CMD_SHIFT		24

/*
 * Withdrawn from the ABI, and from the headers of newer kernels, but not from every firmware. 13
 * drops the references of everyone.
 */
#define CLK_WITHDRAWN_FIRST	9
#define CLK_WITHDRAWN_LAST	13

static const struct bpmp_proxy_command bpmp_proxy_commands[] = {
	{ MRQ_PING, 0, BPMP_PROXY_READ, .word = true, .rx_size = 4 },
	{ MRQ_THREADED_PING, 0, BPMP_PROXY_READ, .word = true, .rx_size = 4 },
	{ MRQ_QUERY_ABI, 0, BPMP_PROXY_READ, .word = true, .rx_size = 4 },
	{ MRQ_QUERY_FW_TAG, 0, BPMP_PROXY_READ, .rx_size = 32 },

	{ MRQ_CLK, CMD_CLK_GET_RATE, BPMP_PROXY_READ, .rx_size = 8 },
	{ MRQ_CLK, CMD_CLK_SET_RATE, BPMP_PROXY_CONTROL, .rate = true, .rx_size = 8 },
	{ MRQ_CLK, CMD_CLK_ROUND_RATE, BPMP_PROXY_READ, .rate = true, .rx_size = 8 },
	{ MRQ_CLK, CMD_CLK_GET_PARENT, BPMP_PROXY_READ, .rx_size = 4 },
	{ MRQ_CLK, CMD_CLK_SET_PARENT, BPMP_PROXY_CONTROL, .word = true, .rx_size = 4 },
	{ MRQ_CLK, CMD_CLK_IS_ENABLED, BPMP_PROXY_READ, .rx_size = 4 },
	{ MRQ_CLK, CMD_CLK_ENABLE, BPMP_PROXY_ENABLE },
	{ MRQ_CLK, CMD_CLK_DISABLE, BPMP_PROXY_ENABLE },
	{ MRQ_CLK, CMD_CLK_GET_ALL_INFO, BPMP_PROXY_READ,
	  .rx_size = sizeof(struct cmd_clk_get_all_info_response) },
	{ MRQ_CLK, CMD_CLK_GET_MAX_CLK_ID, BPMP_PROXY_READ, .rx_size = 4 },
	{ MRQ_CLK, CMD_CLK_GET_FMAX_AT_VMIN, BPMP_PROXY_READ, .rx_size = 8 },

	{ MRQ_RESET, CMD_RESET_ASSERT, BPMP_PROXY_CONTROL },
	{ MRQ_RESET, CMD_RESET_DEASSERT, BPMP_PROXY_CONTROL },
	{ MRQ_RESET, CMD_RESET_MODULE, BPMP_PROXY_CONTROL },
	{ MRQ_RESET, CMD_RESET_GET_MAX_ID, BPMP_PROXY_READ, .rx_size = 4 },

	{ MRQ_PG, CMD_PG_QUERY_ABI, BPMP_PROXY_READ, .word = true },
	{ MRQ_PG, CMD_PG_SET_STATE, BPMP_PROXY_ENABLE, .word = true },
	{ MRQ_PG, CMD_PG_GET_STATE, BPMP_PROXY_READ, .rx_size = 4 },
	{ MRQ_PG, CMD_PG_GET_NAME, BPMP_PROXY_READ, .rx_size = MRQ_PG_NAME_MAXLEN },
	{ MRQ_PG, CMD_PG_GET_MAX_ID, BPMP_PROXY_READ, .rx_size = 4 },
};

static const struct bpmp_proxy_command *bpmp_proxy_command_find(u32 mrq, u32 cmd)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bpmp_proxy_commands); i++) {
		const struct bpmp_proxy_command *command = &bpmp_proxy_commands[i];

		if (command->mrq == mrq && command->cmd == cmd)
			return command;
	}

	return NULL;
}

/* Where the number after command and id stands; also the bytes that those two take. */
static size_t bpmp_proxy_word_offset(u32 mrq)
{
	switch (mrq) {
	case MRQ_CLK:
		return 4;
	case MRQ_RESET:
	case MRQ_PG:
		return 8;
	default:
		return 0;
	}
}

/* The bytes that a request can't do without. */
static size_t bpmp_proxy_min_size(const struct bpmp_proxy_command *command)
{
	if (command->rate)
		return 16;

	return bpmp_proxy_word_offset(command->mrq) + (command->word ? 4 : 0);
}

static void bpmp_proxy_decode_head(u32 mrq, const u8 *tx, u32 *cmd, u32 *id)
{
	*cmd = 0;
	*id = 0;

	switch (mrq) {
	case MRQ_CLK:
		*cmd = get_unaligned_le32(tx) >> CLK_CMD_SHIFT;
		*id = get_unaligned_le32(tx) & CLK_ID_MASK;
		break;
	case MRQ_RESET:
	case MRQ_PG:
		*cmd = get_unaligned_le32(tx);
		*id = get_unaligned_le32(tx + 4);
		break;
	}
}

/**
 * bpmp_proxy_decode() - read a request
 * @mrq: its number
 * @tx: its payload, from anyone; may be NULL if there is none
 * @size: of @tx, anything
 * @request: out
 *
 * Members of @request that the command doesn't have are zero, whatever the bytes were.
 *
 * Return: 0, or a negative BPMP error.
 */
int bpmp_proxy_decode(u32 mrq, const u8 *tx, size_t size,
		      struct bpmp_proxy_request *request)
{
	size_t offset = bpmp_proxy_word_offset(mrq);
	const struct bpmp_proxy_command *command;
	u32 cmd, id;

	memset(request, 0, sizeof(*request));

	if (size > MSG_DATA_MIN_SZ || size < offset)
		return -BPMP_EINVAL;

	bpmp_proxy_decode_head(mrq, tx, &cmd, &id);

	command = bpmp_proxy_command_find(mrq, cmd);
	if (!command) {
		if (mrq == MRQ_CLK && cmd >= CLK_WITHDRAWN_FIRST && cmd <= CLK_WITHDRAWN_LAST)
			return -BPMP_EBADCMD;
		return -BPMP_EINVAL;
	}

	if (size < bpmp_proxy_min_size(command))
		return -BPMP_EINVAL;

	request->command = command;
	request->id = id;
	if (command->rate)
		request->rate = get_unaligned_le64(tx + 8);
	if (command->word)
		request->word = get_unaligned_le32(tx + offset);

	return 0;
}

/**
 * bpmp_proxy_encode() - write a request
 * @request: what bpmp_proxy_decode() understood
 * @tx: out, zero where there is nothing
 *
 * Return: the bytes that Linux's own drivers send of it.
 */
size_t bpmp_proxy_encode(const struct bpmp_proxy_request *request,
			 u8 tx[MSG_DATA_MIN_SZ])
{
	const struct bpmp_proxy_command *command = request->command;

	BUILD_BUG_ON(sizeof(struct mrq_clk_request) != 16);

	memset(tx, 0, MSG_DATA_MIN_SZ);

	if (command->rate)
		put_unaligned_le64(request->rate, tx + 8);
	if (command->word)
		put_unaligned_le32(request->word,
				   tx + bpmp_proxy_word_offset(command->mrq));

	switch (command->mrq) {
	case MRQ_CLK:
		put_unaligned_le32(command->cmd << CLK_CMD_SHIFT |
				   (request->id & CLK_ID_MASK), tx);
		return sizeof(struct mrq_clk_request);
	case MRQ_RESET:
		put_unaligned_le32(command->cmd, tx);
		put_unaligned_le32(request->id, tx + 4);
		return 8;
	case MRQ_PG:
		put_unaligned_le32(command->cmd, tx);
		put_unaligned_le32(request->id, tx + 4);
		return 12;
	default:
		return command->word ? 4 : 0;
	}
}

/**
 * bpmp_proxy_read_request() - make a request of our own
 * @request: out
 * @mrq: its number
 * @cmd: its command
 * @id: of what
 *
 * Return: 0, or -BPMP_EINVAL if there is no such command.
 */
int bpmp_proxy_read_request(struct bpmp_proxy_request *request, u32 mrq, u32 cmd,
			    u32 id)
{
	memset(request, 0, sizeof(*request));

	request->command = bpmp_proxy_command_find(mrq, cmd);
	request->id = id;

	return request->command ? 0 : -BPMP_EINVAL;
}
