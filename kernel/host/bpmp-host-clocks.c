// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clocks, through the host's clock framework.
 */
#include <linux/clk.h>
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

struct clk *bpmp_proxy_clk(struct bpmp_proxy_hold *hold)
{
	return container_of(hold, struct bpmp_proxy_clock, hold)->clk;
}

/* Asks the firmware itself, for a number. False: @answer says why not. */
bool bpmp_proxy_clock_ask(struct bpmp_proxy *proxy, u32 cmd, u32 id, s64 rate,
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
