// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does one request: decoded, allowed, and then either written anew and sent to the firmware, or,
 * where it changes what the host keeps account of, asked of the host's frameworks.
 */
#include <linux/minmax.h>
#include <linux/string.h>

#include "bpmp-host.h"

/* The BPMP's driver says ETIME when no channel became free in all that time. */
static int bpmp_proxy_status(int err)
{
	return err == -ETIME ? -ETIMEDOUT : err;
}

/**
 * bpmp_proxy_forward() - send a request to the firmware
 * @proxy: the device
 * @request: what to send
 * @answer: out, all of it
 *
 * Waits for the firmware, for up to ten minutes, whatever happens.
 */
void bpmp_proxy_forward(struct bpmp_proxy *proxy,
			const struct bpmp_proxy_request *request,
			struct bpmp_proxy_answer *answer)
{
	u8 tx[MSG_DATA_MIN_SZ];
	struct tegra_bpmp_message message = {
		.mrq = request->command->mrq,
		/* All of it: behind a shorter one, an earlier message's rest is still there. */
		.tx = { .data = tx, .size = sizeof(tx) },
		.rx = { .data = answer->rx, .size = request->command->rx_size },
	};

	memset(answer, 0, sizeof(*answer));
	bpmp_proxy_encode(request, tx);

	answer->status = bpmp_proxy_status(tegra_bpmp_transfer(proxy->bpmp, &message));
	if (answer->status) {
		dev_warn_ratelimited(proxy->dev, "request %u.%u of %u got no answer: %d\n",
				     message.mrq, request->command->cmd, request->id,
				     answer->status);
	} else {
		answer->err = message.rx.ret;
	}

	/* The firmware leaves there what it likes. */
	if (answer->status || answer->err)
		memset(answer->rx, 0, sizeof(answer->rx));
}

/**
 * bpmp_proxy_answer_errno() - answer with what a framework of the host said
 * @answer: out, all of it
 * @err: 0, or a negative errno
 *
 * The drivers turn all that the firmware refuses into EINVAL, so its own reason is lost: EIO.
 * What the host itself refuses keeps its name. All else is the transport's.
 */
void bpmp_proxy_answer_errno(struct bpmp_proxy_answer *answer, int err)
{
	memset(answer, 0, sizeof(*answer));

	switch (err) {
	case -EINVAL:
		answer->err = -BPMP_EIO;
		break;
	case -EBUSY:
		answer->err = -BPMP_EBUSY;
		break;
	case -EACCES:
	case -EPERM:
		answer->err = -BPMP_EACCES;
		break;
	default:
		answer->status = bpmp_proxy_status(err);
		break;
	}
}

static void bpmp_proxy_switch(struct bpmp_proxy_job *job, struct bpmp_proxy_grant *grant,
			      bool on)
{
	int err;

	if (!grant || !grant->hold) {
		job->answer.err = -BPMP_EINVAL;
		return;
	}

	if (on)
		err = bpmp_proxy_hold_take(job, grant->hold);
	else
		err = bpmp_proxy_hold_drop(job->proxy, grant->hold);

	bpmp_proxy_answer_errno(&job->answer, min(err, 0));
}

static void bpmp_proxy_change_clock(struct bpmp_proxy_job *job,
				    const struct bpmp_proxy_request *request)
{
	const struct bpmp_proxy_list *clocks = &job->proxy->policy.clocks;
	struct bpmp_proxy_grant *grant = bpmp_proxy_list_find(clocks, request->id);
	struct bpmp_proxy_grant *parent;

	switch (request->command->cmd) {
	case CMD_CLK_ENABLE:
		bpmp_proxy_switch(job, grant, true);
		return;
	case CMD_CLK_DISABLE:
		bpmp_proxy_switch(job, grant, false);
		return;
	case CMD_CLK_SET_RATE:
		if (!grant || !grant->hold)
			break;
		bpmp_proxy_clock_set_rate(job->proxy, grant->hold, request, &job->answer);
		return;
	case CMD_CLK_SET_PARENT:
		parent = bpmp_proxy_list_find(clocks, request->word);
		if (!grant || !grant->hold || !parent || !parent->hold)
			break;
		bpmp_proxy_clock_set_parent(job->proxy, grant->hold, parent->hold, request,
					    &job->answer);
		return;
	}

	job->answer.err = -BPMP_EINVAL;
}

static void bpmp_proxy_change_domain(struct bpmp_proxy_job *job,
				     const struct bpmp_proxy_request *request)
{
	const struct bpmp_proxy_list *domains = &job->proxy->policy.domains;

	/* RUNNING is for one controller of Tegra186 alone, and Linux sends it nowhere. */
	if (request->word != PG_STATE_OFF && request->word != PG_STATE_ON) {
		job->answer.err = -BPMP_EINVAL;
		return;
	}

	bpmp_proxy_switch(job, bpmp_proxy_list_find(domains, request->id),
			  request->word == PG_STATE_ON);
}

static void bpmp_proxy_perform(struct bpmp_proxy_job *job,
			       const struct bpmp_proxy_request *request)
{
	const struct bpmp_proxy_command *command = request->command;

	if (command->need == BPMP_PROXY_READ)
		bpmp_proxy_forward(job->proxy, request, &job->answer);
	else if (command->mrq == MRQ_CLK)
		bpmp_proxy_change_clock(job, request);
	else if (command->mrq == MRQ_PG)
		bpmp_proxy_change_domain(job, request);
	else
		/* Resets: the firmware's lines have no state in the host's framework. */
		bpmp_proxy_forward(job->proxy, request, &job->answer);
}

/**
 * bpmp_proxy_execute() - do what a job asks
 * @job: in: the request's bytes; out: answer. Of the worker, in its context
 */
void bpmp_proxy_execute(struct bpmp_proxy_job *job)
{
	struct bpmp_proxy *proxy = job->proxy;
	struct bpmp_proxy_request request;

	job->answer.err = bpmp_proxy_decode(job->mrq, job->tx, job->tx_size, &request);
	if (job->answer.err)
		return;

	job->answer.err = bpmp_proxy_policy_check(&proxy->policy, &request);
	if (job->answer.err) {
		spin_lock(&proxy->lock);
		proxy->denied++;
		spin_unlock(&proxy->lock);
		dev_dbg_ratelimited(proxy->dev, "request %u.%u of %u is not allowed\n",
				    job->mrq, request.command->cmd, request.id);
		return;
	}

	bpmp_proxy_perform(job, &request);
}
