/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What may be changed.
 */
#ifndef BPMP_HOST_POLICY_H
#define BPMP_HOST_POLICY_H

#include <linux/types.h>

struct bpmp_proxy_hold;
struct bpmp_proxy_request;

/**
 * struct bpmp_proxy_grant - an id that may be used
 * @id: the firmware's number
 * @control: rate, parent and reset too, and not only on and off
 * @hold: how it is switched; NULL for resets, and for what the host's frameworks don't have
 */
struct bpmp_proxy_grant {
	u32 id;
	bool control;
	struct bpmp_proxy_hold *hold;
};

/**
 * struct bpmp_proxy_list - grants of one kind, ascending by id, each id once
 * @grants: allocated by bpmp_proxy_list_add()
 * @count: how many
 */
struct bpmp_proxy_list {
	struct bpmp_proxy_grant *grants;
	unsigned int count;
};

/**
 * struct bpmp_proxy_policy - the bound: nothing else is ever changed. Constant after probe
 * @clocks: and the ancestors of allowed clocks
 * @resets: all with control
 * @domains: power domains, all with control
 */
struct bpmp_proxy_policy {
	struct bpmp_proxy_list clocks;
	struct bpmp_proxy_list resets;
	struct bpmp_proxy_list domains;
};

int bpmp_proxy_list_add(struct bpmp_proxy_list *list, u32 id, bool control);
struct bpmp_proxy_grant *bpmp_proxy_list_find(const struct bpmp_proxy_list *list,
					      u32 id);
int bpmp_proxy_policy_check(const struct bpmp_proxy_policy *policy,
			    const struct bpmp_proxy_request *request);
void bpmp_proxy_policy_free(struct bpmp_proxy_policy *policy);

#endif /* BPMP_HOST_POLICY_H */
