// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clocks, through the host's clock framework.
 */
#include <linux/clk.h>
#include <linux/clk-provider.h>
#include <linux/err.h>
#include <linux/of.h>
#include <linux/slab.h>

#include "bpmp-host.h"

/**
 * struct bpmp_proxy_clock - a clock that may be used
 * @hold: our reference
 * @proxy: the device
 * @clk: our handle in the framework
 */
struct bpmp_proxy_clock {
	struct bpmp_proxy_hold hold;
	struct bpmp_proxy *proxy;
	struct clk *clk;
};

static struct clk *bpmp_proxy_clk(struct bpmp_proxy_hold *hold)
{
	return container_of(hold, struct bpmp_proxy_clock, hold)->clk;
}

/* Asks the firmware itself, for a number. False: @answer says why not. */
static bool bpmp_proxy_clock_ask(struct bpmp_proxy *proxy, u32 cmd, u32 id, s64 rate,
				 struct bpmp_proxy_answer *answer, u64 *number)
{
	struct bpmp_proxy_request request;

	answer->status = 0;
	answer->err = bpmp_proxy_read_request(&request, MRQ_CLK, cmd, id);
	if (answer->err)
		return false;

	request.rate = rate;
	bpmp_proxy_forward(proxy, &request, answer);
	if (answer->status || answer->err)
		return false;

	*number = request.command->rx_size == 8 ? get_unaligned_le64(answer->rx) :
						  get_unaligned_le32(answer->rx);

	return true;
}

/*
 * The driver has nothing to do for a clock whose state the firmware lets nobody change, and so
 * says that all is well. The firmware knows whether it runs.
 */
static int bpmp_proxy_clock_on(struct bpmp_proxy_hold *hold)
{
	struct bpmp_proxy_clock *clock = container_of(hold, struct bpmp_proxy_clock, hold);
	struct bpmp_proxy_answer answer;
	u64 enabled = 0;
	int err;

	err = clk_prepare_enable(clock->clk);
	if (err)
		return err;

	if (bpmp_proxy_clock_ask(clock->proxy, CMD_CLK_IS_ENABLED, hold->id, 0, &answer,
				 &enabled) &&
	    enabled)
		return 0;

	clk_disable_unprepare(clock->clk);

	if (answer.status)
		return answer.status;

	return answer.err ? -EINVAL : -EACCES;
}

/* The driver logs a firmware's refusal and tells nobody; the reference is gone in any case. */
static int bpmp_proxy_clock_off(struct bpmp_proxy_hold *hold)
{
	clk_disable_unprepare(bpmp_proxy_clk(hold));

	return 0;
}

static void bpmp_proxy_clock_free(struct bpmp_proxy_hold *hold)
{
	struct bpmp_proxy_clock *clock = container_of(hold, struct bpmp_proxy_clock, hold);

	clk_put(clock->clk);
	kfree(clock);
}

static const struct bpmp_proxy_hold_ops bpmp_proxy_clock_ops = {
	.on = bpmp_proxy_clock_on,
	.off = bpmp_proxy_clock_off,
	.free = bpmp_proxy_clock_free,
};

/*
 * A clock that the BPMP's driver could not register stays in its table as an error, and every
 * lookup that comes past it takes it for a pointer.
 */
static bool bpmp_proxy_clocks_sound(struct tegra_bpmp *bpmp)
{
	unsigned int i;

	for (i = 0; i < bpmp->num_clocks; i++)
		if (IS_ERR(bpmp->clocks[i]))
			return false;

	return true;
}

/**
 * bpmp_proxy_clock_new() - find a clock
 * @proxy: the device
 * @id: the firmware's number
 *
 * Return: its hold, not held; NULL if the host has no such clock; or -ENOMEM.
 */
struct bpmp_proxy_hold *bpmp_proxy_clock_new(struct bpmp_proxy *proxy, u32 id)
{
	struct of_phandle_args args = {
		.np = proxy->bpmp->dev->of_node,
		.args_count = 1,
		.args = { id },
	};
	struct bpmp_proxy_clock *clock;

	clock = kzalloc(sizeof(*clock), GFP_KERNEL);
	if (!clock)
		return ERR_PTR(-ENOMEM);

	/* The BPMP's driver has NULL for an id that it doesn't know: a clock that does nothing. */
	clock->clk = bpmp_proxy_clocks_sound(proxy->bpmp) ? of_clk_get_from_provider(&args) : NULL;
	if (IS_ERR_OR_NULL(clock->clk)) {
		dev_warn(proxy->dev, "the host has no clock %u\n", id);
		kfree(clock);
		return NULL;
	}

	clock->proxy = proxy;
	bpmp_proxy_hold_init(&clock->hold, &bpmp_proxy_clock_ops, BPMP_HOST_CLOCK, id);

	return &clock->hold;
}

/*
 * The framework doesn't always get what the firmware could give. It sends nothing when it
 * believes that the clock has the rate already, while the firmware moves clocks that hang
 * together; and it sends the rounded rate, which the firmware may round once more. Where the host
 * has no limit of its own on the rate, the firmware is then asked itself, and says at least why
 * not.
 */
static bool bpmp_proxy_clock_insist(struct bpmp_proxy *proxy, struct clk *clk,
				    const struct bpmp_proxy_request *request, s64 wanted,
				    struct bpmp_proxy_answer *answer, s64 *now)
{
	u64 number;

	if (clk_round_rate(clk, request->rate) != wanted)
		return true;

	if (!bpmp_proxy_clock_ask(proxy, CMD_CLK_SET_RATE, request->id, request->rate, answer,
				  &number) ||
	    !bpmp_proxy_clock_ask(proxy, CMD_CLK_GET_RATE, request->id, 0, answer, &number))
		return false;

	*now = number;

	/* Let the framework know, where that changes nothing. */
	if (clk_get_rate(clk) != number && clk_round_rate(clk, number) == number)
		clk_set_rate(clk, number);

	return true;
}

static void bpmp_proxy_clock_set_rate_locked(struct bpmp_proxy *proxy, struct clk *clk,
					     const struct bpmp_proxy_request *request,
					     struct bpmp_proxy_answer *answer)
{
	u64 number;
	s64 wanted, now;
	int err;

	if (!bpmp_proxy_clock_ask(proxy, CMD_CLK_ROUND_RATE, request->id, request->rate, answer,
				  &number))
		return;
	wanted = number;

	err = clk_set_rate(clk, request->rate);
	if (err) {
		bpmp_proxy_answer_errno(answer, err);
		return;
	}

	/* The driver's refusal is no error of clk_set_rate(), so look. */
	if (!bpmp_proxy_clock_ask(proxy, CMD_CLK_GET_RATE, request->id, 0, answer, &number))
		return;
	now = number;

	if (now != wanted && now != request->rate &&
	    !bpmp_proxy_clock_insist(proxy, clk, request, wanted, answer, &now))
		return;

	if (now != wanted && now != request->rate)
		bpmp_proxy_answer_errno(answer, -EINVAL);
	else
		put_unaligned_le64(now, answer->rx);
}

/**
 * bpmp_proxy_clock_set_rate() - set a rate, and make sure of it
 * @proxy: the device
 * @hold: the clock; need not be held
 * @request: the rate
 * @answer: out: success only if the clock now has the rate, or what the firmware rounds it to
 */
void bpmp_proxy_clock_set_rate(struct bpmp_proxy *proxy, struct bpmp_proxy_hold *hold,
			       const struct bpmp_proxy_request *request,
			       struct bpmp_proxy_answer *answer)
{
	if (request->rate < 0 || request->rate > ULONG_MAX) {
		answer->err = -BPMP_EINVAL;
		return;
	}

	mutex_lock(&hold->edge);
	bpmp_proxy_clock_set_rate_locked(proxy, bpmp_proxy_clk(hold), request, answer);
	mutex_unlock(&hold->edge);
}

/* Whether the firmware says that the parent is the one asked for. False: @answer says why not. */
static bool bpmp_proxy_clock_has_parent(struct bpmp_proxy *proxy,
					const struct bpmp_proxy_request *request,
					struct bpmp_proxy_answer *answer)
{
	u64 number;

	if (!bpmp_proxy_clock_ask(proxy, CMD_CLK_GET_PARENT, request->id, 0, answer, &number))
		return false;

	if (number == request->word)
		return true;

	bpmp_proxy_answer_errno(answer, -EINVAL);

	return false;
}

static void bpmp_proxy_clock_set_parent_locked(struct bpmp_proxy *proxy, struct clk *clk,
					       struct clk *parent,
					       const struct bpmp_proxy_request *request,
					       struct bpmp_proxy_answer *answer)
{
	struct bpmp_proxy_answer answered;
	int err;

	err = clk_set_parent(clk, parent);
	if (err) {
		bpmp_proxy_answer_errno(answer, err);
		return;
	}

	if (bpmp_proxy_clock_has_parent(proxy, request, answer) || answer->err != -BPMP_EIO)
		return;

	/* The framework believed that it was so already, and sent nothing. */
	bpmp_proxy_forward(proxy, request, &answered);
	if (answered.status || answered.err)
		*answer = answered;
	else
		bpmp_proxy_clock_has_parent(proxy, request, answer);
}

/**
 * bpmp_proxy_clock_set_parent() - switch a mux
 * @proxy: the device
 * @hold: the clock; need not be held
 * @parent: its new parent
 * @request: both ids
 * @answer: out: success only if the firmware says that it is the parent now
 */
void bpmp_proxy_clock_set_parent(struct bpmp_proxy *proxy, struct bpmp_proxy_hold *hold,
				 struct bpmp_proxy_hold *parent,
				 const struct bpmp_proxy_request *request,
				 struct bpmp_proxy_answer *answer)
{
	struct clk *clk = bpmp_proxy_clk(hold), *new = bpmp_proxy_clk(parent);
	bool held;
	int err = 0;

	if (!clk_has_parent(clk, new)) {
		answer->err = -BPMP_EINVAL;
		return;
	}

	mutex_lock(&hold->edge);

	/*
	 * A clock that somebody needs must not move to one that doesn't run. The framework would
	 * switch the new parent on, but not mind if that failed. One that runs since the boot
	 * loader and that nobody needs is left to the firmware, as the framework does.
	 */
	held = hold->held || __clk_is_enabled(clk);
	if (held)
		err = bpmp_proxy_clock_on(parent);
	if (err) {
		bpmp_proxy_answer_errno(answer, err);
		goto unlock;
	}

	bpmp_proxy_clock_set_parent_locked(proxy, clk, new, request, answer);
	if (held)
		bpmp_proxy_clock_off(parent);

unlock:
	mutex_unlock(&hold->edge);
}
