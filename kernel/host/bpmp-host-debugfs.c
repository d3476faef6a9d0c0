// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an administrator may look at, under the name of the device in debugfs. Read-only.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "bpmp-host.h"

static void bpmp_proxy_list_show(struct seq_file *s, const char *name,
				 const struct bpmp_proxy_list *list, bool has_holds)
{
	unsigned int i;

	for (i = 0; i < list->count; i++) {
		const struct bpmp_proxy_grant *grant = &list->grants[i];

		seq_printf(s, "%s %u %s%s\n", name, grant->id,
			   grant->control ? "control" : "enable",
			   has_holds && !grant->hold ? " (the host has none)" : "");
	}
}

static int allowed_show(struct seq_file *s, void *unused)
{
	struct bpmp_proxy *proxy = s->private;

	bpmp_proxy_list_show(s, "clock", &proxy->policy.clocks, true);
	bpmp_proxy_list_show(s, "reset", &proxy->policy.resets, false);
	bpmp_proxy_list_show(s, "power-domain", &proxy->policy.domains, true);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(allowed);

static void bpmp_proxy_holds_show(struct seq_file *s, struct bpmp_proxy *proxy,
				  const char *name, const struct bpmp_proxy_list *list)
{
	unsigned int i;

	spin_lock(&proxy->lock);
	for (i = 0; i < list->count; i++) {
		const struct bpmp_proxy_hold *hold = list->grants[i].hold;

		if (hold && hold->held)
			seq_printf(s, "%s %u%s\n", name, hold->id,
				   hold->owner ? "" : " orphan");
	}
	spin_unlock(&proxy->lock);
}

static int holds_show(struct seq_file *s, void *unused)
{
	struct bpmp_proxy *proxy = s->private;

	bpmp_proxy_holds_show(s, proxy, "clock", &proxy->policy.clocks);
	bpmp_proxy_holds_show(s, proxy, "power-domain", &proxy->policy.domains);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(holds);

static int state_show(struct seq_file *s, void *unused)
{
	struct bpmp_proxy *proxy = s->private;

	spin_lock(&proxy->lock);
	seq_printf(s, "transfers %u of %u\nholds %u\ndenied %llu\n", proxy->busy,
		   BPMP_PROXY_SLOTS, proxy->holds, proxy->denied);
	spin_unlock(&proxy->lock);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(state);

void bpmp_proxy_debugfs_init(struct bpmp_proxy *proxy)
{
	proxy->debugfs = debugfs_create_dir(proxy->misc.name, NULL);
	debugfs_create_file("allowed", 0400, proxy->debugfs, proxy, &allowed_fops);
	debugfs_create_file("holds", 0400, proxy->debugfs, proxy, &holds_fops);
	debugfs_create_file("state", 0400, proxy->debugfs, proxy, &state_fops);
}
