// SPDX-License-Identifier: GPL-2.0-only
/*
 * What may be changed: three sorted lists of ids, and one question to them. Everything may be read:
 * a guest's clock driver reads the firmware's whole tree before it uses one clock of it.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "bpmp-host-decode.h"
#include "bpmp-host-policy.h"

/* The first grant whose id is not below @id; the list's length if all are. */
static unsigned int bpmp_proxy_list_position(const struct bpmp_proxy_list *list, u32 id)
{
	unsigned int low = 0, high = list->count;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;

		if (list->grants[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}

	return low;
}

/**
 * bpmp_proxy_list_find() - look up an id
 * @list: of the id's kind
 * @id: all of its bits count
 *
 * Return: the grant, or NULL if it isn't allowed.
 */
struct bpmp_proxy_grant *bpmp_proxy_list_find(const struct bpmp_proxy_list *list,
					      u32 id)
{
	unsigned int i = bpmp_proxy_list_position(list, id);

	if (i == list->count || list->grants[i].id != id)
		return NULL;

	return &list->grants[i];
}

/**
 * bpmp_proxy_list_add() - allow an id
 * @list: of the id's kind
 * @id: may be there already
 * @control: not only on and off. Never taken away by adding again
 *
 * Return: 0 or -ENOMEM.
 */
int bpmp_proxy_list_add(struct bpmp_proxy_list *list, u32 id, bool control)
{
	unsigned int i = bpmp_proxy_list_position(list, id);
	struct bpmp_proxy_grant *grants;

	if (i < list->count && list->grants[i].id == id) {
		list->grants[i].control |= control;
		return 0;
	}

	grants = krealloc(list->grants, (list->count + 1) * sizeof(*grants), GFP_KERNEL);
	if (!grants)
		return -ENOMEM;

	memmove(&grants[i + 1], &grants[i], (list->count - i) * sizeof(*grants));
	grants[i] = (struct bpmp_proxy_grant){ .id = id, .control = control };
	list->grants = grants;
	list->count++;

	return 0;
}

static bool bpmp_proxy_list_allows(const struct bpmp_proxy_list *list, u32 id,
				   enum bpmp_proxy_need need)
{
	const struct bpmp_proxy_grant *grant = bpmp_proxy_list_find(list, id);

	return grant && (grant->control || need == BPMP_PROXY_ENABLE);
}

static bool bpmp_proxy_clock_allows(const struct bpmp_proxy_list *clocks,
				    const struct bpmp_proxy_request *request)
{
	const struct bpmp_proxy_command *command = request->command;

	if (!bpmp_proxy_list_allows(clocks, request->id, command->need))
		return false;

	/* The host's framework enables the new parent with the clock: it must be allowed too. */
	return command->cmd != CMD_CLK_SET_PARENT ||
	       bpmp_proxy_list_allows(clocks, request->word, BPMP_PROXY_ENABLE);
}

/**
 * bpmp_proxy_policy_check() - may this be done?
 * @policy: the lists
 * @request: out of bpmp_proxy_decode()
 *
 * Return: 0 or -BPMP_EACCES.
 */
int bpmp_proxy_policy_check(const struct bpmp_proxy_policy *policy,
			    const struct bpmp_proxy_request *request)
{
	const struct bpmp_proxy_command *command = request->command;
	bool allowed;

	if (command->need == BPMP_PROXY_READ)
		return 0;

	switch (command->mrq) {
	case MRQ_CLK:
		allowed = bpmp_proxy_clock_allows(&policy->clocks, request);
		break;
	case MRQ_RESET:
		allowed = bpmp_proxy_list_allows(&policy->resets, request->id, command->need);
		break;
	case MRQ_PG:
		allowed = bpmp_proxy_list_allows(&policy->domains, request->id, command->need);
		break;
	default:
		allowed = false;
		break;
	}

	return allowed ? 0 : -BPMP_EACCES;
}

void bpmp_proxy_policy_free(struct bpmp_proxy_policy *policy)
{
	kfree(policy->clocks.grants);
	kfree(policy->resets.grants);
	kfree(policy->domains.grants);
	memset(policy, 0, sizeof(*policy));
}
