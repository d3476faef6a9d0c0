/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BPMP host proxy's parts, what they own, and what guards it.
 *
 *   main, find           the platform device; where the BPMP is
 *   devicetree, tree     the lists of the device tree, seen against the firmware's tree of clocks
 *   file, flat, legacy   what user space asks: ioctls and poll(); requests by ioctl; by write()
 *   transfers, answers   jobs: at most two at a time run, in a worker; what a file has of them
 *   decode, policy       bytes to a request; a request to yes or no. Pure, and tested by KUnit
 *   execute              does what was decoded and allowed
 *   holds                our references in the host's frameworks, one at most for each id
 *   clocks, domains      how such a reference is taken and dropped
 *   tuning               rates and parents of clocks
 *   debugfs              what an administrator may look at
 *
 * Locks, in the order in which they are taken:
 *
 *   bpmp_proxy_hold.edge   a mutex for each clock and power domain: serialises what changes it.
 *                          Held while the firmware works, so only workers take it.
 *   bpmp_proxy.lock        a spinlock for all that system calls look at: jobs, slots and who holds
 *                          what. Nothing sleeps under it, so close() never waits for the firmware.
 */
#ifndef BPMP_HOST_H
#define BPMP_HOST_H

#include <linux/device.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <soc/tegra/bpmp.h>
#include <soc/tegra/bpmp-abi.h>

#include <linux/tegra-bpmp-host.h>

#include "bpmp-host-compat.h"
#include "bpmp-host-decode.h"
#include "bpmp-host-holds.h"
#include "bpmp-host-jobs.h"
#include "bpmp-host-policy.h"
#include "bpmp-host-tree.h"

struct dentry;
struct file;

/* More clocks than any Tegra has; a firmware that names more is not believed. */
#define BPMP_PROXY_CLOCKS_MAX		4096

/**
 * struct bpmp_proxy - the device
 * @ref: of the platform device, and of every open file
 * @dev: the platform device's; not to be used when @gone
 * @bpmp: counted by @bpmp->dev
 * @misc: /dev/bpmp-host
 * @workers: runs jobs
 * @debugfs: the folder
 * @policy: constant after probe
 * @slots: woken when a slot is free, or @gone
 * @lock: guards all that follows, and what says so
 * @waiting: jobs whose callers wait for a slot, in the order in which they get it
 * @running: jobs in a slot
 * @busy: how many slots are taken
 * @holds: how many holds are held
 * @denied: requests that the lists refused
 * @gone: the platform device is removed: nothing is begun any more
 */
struct bpmp_proxy {
	struct kref ref;
	struct device *dev;
	struct tegra_bpmp *bpmp;
	struct miscdevice misc;
	struct workqueue_struct *workers;
	struct dentry *debugfs;
	struct bpmp_proxy_policy policy;
	wait_queue_head_t slots;

	spinlock_t lock; /* see above */
	struct list_head waiting;
	struct list_head running;
	unsigned int busy;
	unsigned int holds;
	u64 denied;
	bool gone;
};

extern const struct file_operations bpmp_proxy_fops;
void bpmp_proxy_put(struct bpmp_proxy *proxy);

/* flat, legacy */

long bpmp_proxy_submit(struct bpmp_proxy_file *file, struct bpmp_host_transfer __user *user);
long bpmp_proxy_result(struct bpmp_proxy_file *file, struct bpmp_host_transfer __user *user);
long bpmp_proxy_abandon(struct bpmp_proxy_file *file, const u64 __user *user);
long bpmp_proxy_transfer(struct bpmp_proxy_file *file, struct bpmp_host_transfer __user *user);
ssize_t bpmp_proxy_write(struct file *filp, const char __user *buffer, size_t size,
			 loff_t *pos);

/* execute */

void bpmp_proxy_forward(struct bpmp_proxy *proxy,
			const struct bpmp_proxy_request *request,
			struct bpmp_proxy_answer *answer);
void bpmp_proxy_execute(struct bpmp_proxy_job *job);
void bpmp_proxy_answer_errno(struct bpmp_proxy_answer *answer, int err);

/* set-up */

struct tegra_bpmp *bpmp_proxy_find(struct device *dev);
int bpmp_proxy_devicetree(struct bpmp_proxy *proxy);

#ifdef CONFIG_DEBUG_FS
void bpmp_proxy_debugfs_init(struct bpmp_proxy *proxy);
#else
static inline void bpmp_proxy_debugfs_init(struct bpmp_proxy *proxy)
{
}
#endif

#endif /* BPMP_HOST_H */
