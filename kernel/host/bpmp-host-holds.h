/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Our references to clocks and power domains, in the host's frameworks.
 */
#ifndef BPMP_HOST_HOLDS_H
#define BPMP_HOST_HOLDS_H

#include <linux/mutex.h>
#include <linux/types.h>

#include <linux/tegra-bpmp-host.h>

struct bpmp_proxy;
struct bpmp_proxy_answer;
struct bpmp_proxy_file;
struct bpmp_proxy_hold;
struct bpmp_proxy_job;
struct bpmp_proxy_request;
struct clk;

/**
 * struct bpmp_proxy_hold_ops - how a reference is taken and dropped in the host's frameworks
 * @on: takes it
 * @off: drops it; on an error it is still there
 * @free: undoes the set-up. What is held stays on
 */
struct bpmp_proxy_hold_ops {
	int (*on)(struct bpmp_proxy_hold *hold);
	int (*off)(struct bpmp_proxy_hold *hold);
	void (*free)(struct bpmp_proxy_hold *hold);
};

/**
 * struct bpmp_proxy_hold - our one reference to a clock or power domain
 * @ops: constant, as @type and @id
 * @type: BPMP_HOST_CLOCK or BPMP_HOST_POWER_DOMAIN
 * @id: the firmware's number
 * @edge: serialises what changes it
 * @held: we have the reference. Changed under @edge and bpmp_proxy.lock, read under either
 * @owner: the file that asked for it or adopted it; NULL: closed. Under bpmp_proxy.lock; compared
 *	only
 */
struct bpmp_proxy_hold {
	const struct bpmp_proxy_hold_ops *ops;
	u32 type;
	u32 id;
	struct mutex edge; /* see bpmp-host.h */
	bool held;
	const struct bpmp_proxy_file *owner;
};

void bpmp_proxy_hold_init(struct bpmp_proxy_hold *hold,
			  const struct bpmp_proxy_hold_ops *ops, u32 type, u32 id);
int bpmp_proxy_hold_take(struct bpmp_proxy_job *job, struct bpmp_proxy_hold *hold);
int bpmp_proxy_hold_drop(struct bpmp_proxy *proxy, struct bpmp_proxy_hold *hold);
void bpmp_proxy_holds_release(struct bpmp_proxy_job *job);
void bpmp_proxy_holds_list(struct bpmp_proxy *proxy, struct bpmp_host_holds *list);
void bpmp_proxy_holds_adopt(struct bpmp_proxy_file *file);
void bpmp_proxy_holds_orphan(struct bpmp_proxy_file *file);
int bpmp_proxy_holds_setup(struct bpmp_proxy *proxy);
void bpmp_proxy_holds_free(struct bpmp_proxy *proxy);

struct bpmp_proxy_hold *bpmp_proxy_domain_new(struct bpmp_proxy *proxy, u32 id);

/* clocks, tuning */

struct bpmp_proxy_hold *bpmp_proxy_clock_new(struct bpmp_proxy *proxy, u32 id);
struct clk *bpmp_proxy_clk(struct bpmp_proxy_hold *hold);
bool bpmp_proxy_clock_ask(struct bpmp_proxy *proxy, u32 cmd, u32 id, s64 rate,
			  struct bpmp_proxy_answer *answer, u64 *number);
void bpmp_proxy_clock_set_rate(struct bpmp_proxy *proxy, struct bpmp_proxy_hold *hold,
			       const struct bpmp_proxy_request *request,
			       struct bpmp_proxy_answer *answer);
void bpmp_proxy_clock_set_parent(struct bpmp_proxy *proxy, struct bpmp_proxy_hold *hold,
				 struct bpmp_proxy_hold *parent,
				 const struct bpmp_proxy_request *request,
				 struct bpmp_proxy_answer *answer);

#endif /* BPMP_HOST_HOLDS_H */
