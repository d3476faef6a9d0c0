// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rates and parents of clocks, through the host's clock framework. It says that all is well where
 * the firmware refused, so the firmware is asked afterwards.
 */
#include <linux/clk.h>
#include <linux/clk-provider.h>

#include "bpmp-host.h"

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
		err = parent->ops->on(parent);
	if (err) {
		bpmp_proxy_answer_errno(answer, err);
		goto unlock;
	}

	bpmp_proxy_clock_set_parent_locked(proxy, clk, new, request, answer);
	if (held)
		parent->ops->off(parent);

unlock:
	mutex_unlock(&hold->edge);
}
