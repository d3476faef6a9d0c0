// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holds: at most one reference of ours to each allowed clock and power domain, in the host's own
 * framework. So the host's drivers and ours can't switch off what the other needs, and the host's
 * debugfs shows both.
 *
 * A guest's kernel counts for itself, and one that crashed would never count down again: so a
 * hold is there or not, however often it was asked for. A hold pins the module.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "bpmp-host.h"

typedef void (*bpmp_proxy_hold_fn)(struct bpmp_proxy *proxy, struct bpmp_proxy_hold *hold,
				   void *data);

static void bpmp_proxy_list_each(struct bpmp_proxy *proxy,
				 const struct bpmp_proxy_list *list,
				 bpmp_proxy_hold_fn fn, void *data)
{
	unsigned int i;

	for (i = 0; i < list->count; i++)
		if (list->grants[i].hold)
			fn(proxy, list->grants[i].hold, data);
}

/* In the order of type and id, which is that of the list in the ABI. */
static void bpmp_proxy_holds_each(struct bpmp_proxy *proxy, bpmp_proxy_hold_fn fn,
				  void *data)
{
	bpmp_proxy_list_each(proxy, &proxy->policy.clocks, fn, data);
	bpmp_proxy_list_each(proxy, &proxy->policy.domains, fn, data);
}

void bpmp_proxy_hold_init(struct bpmp_proxy_hold *hold,
			  const struct bpmp_proxy_hold_ops *ops, u32 type, u32 id)
{
	hold->ops = ops;
	hold->type = type;
	hold->id = id;
	mutex_init(&hold->edge);
}

/**
 * bpmp_proxy_hold_take() - switch on
 * @job: in whose name
 * @hold: what
 *
 * Return: 0, also if it was held before; or the framework's error.
 */
int bpmp_proxy_hold_take(struct bpmp_proxy_job *job, struct bpmp_proxy_hold *hold)
{
	struct bpmp_proxy *proxy = job->proxy;
	int err = 0;

	mutex_lock(&hold->edge);

	if (!hold->held)
		err = hold->ops->on(hold);
	if (err)
		goto unlock;

	spin_lock(&proxy->lock);
	if (!hold->held) {
		/* Never the first reference: the job has one. */
		__module_get(THIS_MODULE);
		hold->held = true;
		proxy->holds++;
	}
	if (!hold->owner)
		hold->owner = job->owner;
	spin_unlock(&proxy->lock);

unlock:
	mutex_unlock(&hold->edge);

	return err;
}

/**
 * bpmp_proxy_hold_drop() - switch off, as far as we go
 * @proxy: the device
 * @hold: what
 *
 * Return: 1, 0 if it was not held, or the framework's error, and then it is still held.
 */
int bpmp_proxy_hold_drop(struct bpmp_proxy *proxy, struct bpmp_proxy_hold *hold)
{
	int err = 0;

	mutex_lock(&hold->edge);

	if (!hold->held)
		goto unlock;

	err = hold->ops->off(hold);
	if (err)
		goto unlock;

	err = 1;
	spin_lock(&proxy->lock);
	hold->held = false;
	hold->owner = NULL;
	proxy->holds--;
	spin_unlock(&proxy->lock);

	/* Never the last reference: we are in a job. */
	module_put(THIS_MODULE);

unlock:
	mutex_unlock(&hold->edge);

	return err;
}

static void bpmp_proxy_hold_release(struct bpmp_proxy *proxy, struct bpmp_proxy_hold *hold,
				    void *data)
{
	struct bpmp_proxy_job *job = data;
	int err;

	/* Also if it isn't held: another job may be about to change that, and is waited for. */
	err = bpmp_proxy_hold_drop(proxy, hold);
	if (err >= 0) {
		job->released += err;
		return;
	}

	job->failed++;
	dev_err(proxy->dev, "%s %u can't be switched off: %d\n",
		hold->type == BPMP_HOST_CLOCK ? "clock" : "power domain", hold->id, err);
}

/* Ends every hold, clocks before the domains that they run in. */
void bpmp_proxy_holds_release(struct bpmp_proxy_job *job)
{
	bpmp_proxy_holds_each(job->proxy, bpmp_proxy_hold_release, job);
}

static void bpmp_proxy_hold_list(struct bpmp_proxy *proxy, struct bpmp_proxy_hold *hold,
				 void *data)
{
	struct bpmp_host_holds *list = data;

	if (!hold->held)
		return;

	if (list->total >= list->start && list->count < BPMP_HOST_HOLDS_MAX)
		list->hold[list->count++] = (struct bpmp_host_hold) {
			.type = hold->type,
			.id = hold->id,
			.flags = hold->owner ? 0 : BPMP_HOST_HOLD_ORPHAN,
		};

	list->total++;
}

/**
 * bpmp_proxy_holds_list() - a part of the list of holds
 * @proxy: the device
 * @list: in: start; out: the rest, zero before
 */
void bpmp_proxy_holds_list(struct bpmp_proxy *proxy, struct bpmp_host_holds *list)
{
	spin_lock(&proxy->lock);
	bpmp_proxy_holds_each(proxy, bpmp_proxy_hold_list, list);
	spin_unlock(&proxy->lock);
}

static void bpmp_proxy_hold_adopt(struct bpmp_proxy *proxy, struct bpmp_proxy_hold *hold,
				  void *data)
{
	if (hold->held)
		hold->owner = data;
}

void bpmp_proxy_holds_adopt(struct bpmp_proxy_file *file)
{
	spin_lock(&file->proxy->lock);
	bpmp_proxy_holds_each(file->proxy, bpmp_proxy_hold_adopt, file);
	spin_unlock(&file->proxy->lock);
}

static void bpmp_proxy_hold_orphan(struct bpmp_proxy *proxy, struct bpmp_proxy_hold *hold,
				   void *data)
{
	if (hold->owner == data)
		hold->owner = NULL;
}

/* The file closes; its holds stay, for a device may run with them. Called with proxy->lock held. */
void bpmp_proxy_holds_orphan(struct bpmp_proxy_file *file)
{
	lockdep_assert_held(&file->proxy->lock);
	bpmp_proxy_holds_each(file->proxy, bpmp_proxy_hold_orphan, file);
}

static int bpmp_proxy_list_setup(struct bpmp_proxy *proxy, struct bpmp_proxy_list *list,
				 struct bpmp_proxy_hold *(*new)(struct bpmp_proxy *, u32))
{
	struct bpmp_proxy_hold *hold;
	unsigned int i;

	for (i = 0; i < list->count; i++) {
		hold = new(proxy, list->grants[i].id);
		if (IS_ERR(hold))
			return PTR_ERR(hold);
		list->grants[i].hold = hold;
	}

	return 0;
}

/**
 * bpmp_proxy_holds_setup() - find what the lists name in the host's frameworks
 * @proxy: in: policy; out: the holds in it, for bpmp_proxy_holds_free() after a failure too
 *
 * What the host doesn't have stays without a hold, and can't be changed.
 *
 * Return: 0 or an error.
 */
int bpmp_proxy_holds_setup(struct bpmp_proxy *proxy)
{
	int err;

	err = bpmp_proxy_list_setup(proxy, &proxy->policy.clocks, bpmp_proxy_clock_new);
	if (err)
		return err;

	return bpmp_proxy_list_setup(proxy, &proxy->policy.domains, bpmp_proxy_domain_new);
}

static void bpmp_proxy_list_forget(struct bpmp_proxy *proxy, struct bpmp_proxy_list *list)
{
	struct bpmp_proxy_hold *hold;
	unsigned int i;

	for (i = 0; i < list->count; i++) {
		spin_lock(&proxy->lock);
		hold = list->grants[i].hold;
		list->grants[i].hold = NULL;
		spin_unlock(&proxy->lock);

		/* What is held leaks: nobody asked to switch it off, and somebody may need it. */
		if (hold && !hold->held)
			hold->ops->free(hold);
	}
}

/* The platform device goes, and no job runs any more. */
void bpmp_proxy_holds_free(struct bpmp_proxy *proxy)
{
	if (proxy->holds)
		dev_warn(proxy->dev, "%u clocks and power domains stay on for ever\n",
			 proxy->holds);

	bpmp_proxy_list_forget(proxy, &proxy->policy.clocks);
	bpmp_proxy_list_forget(proxy, &proxy->policy.domains);
}
