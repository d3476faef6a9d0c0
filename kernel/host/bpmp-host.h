/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BPMP host proxy's parts, what they own, and what guards it.
 *
 *   main, find           the platform device; where the BPMP is
 *   devicetree, tree     the lists of the device tree, seen against the firmware's tree of clocks
 *   file, legacy         what user space asks: ioctls and poll(); write()
 *   transfers            jobs: at most two at a time run, in a worker
 *   decode, policy       bytes to a request; a request to yes or no. Pure, and tested by KUnit
 *   execute              does what was decoded and allowed
 *   holds                our references in the host's frameworks, one at most for each id
 *   clocks, domains      how such a reference is taken and dropped
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

struct clk;
struct dentry;
struct device_node;
struct file;
struct poll_table_struct;

/* The BPMP has three channels for callers that sleep, and the host's own drivers need one. */
#define BPMP_PROXY_SLOTS		2

/* Requests of one file whose answers were not read. */
#define BPMP_PROXY_FILE_JOBS_MAX	64

/* More clocks than any Tegra has; a firmware that names more is not believed. */
#define BPMP_PROXY_CLOCKS_MAX		4096

/* decode */

/**
 * enum bpmp_proxy_need - what a request needs of the lists
 * @BPMP_PROXY_READ: nothing, it changes nothing
 * @BPMP_PROXY_ENABLE: its id, or an allowed clock below it
 * @BPMP_PROXY_CONTROL: its id, with control
 */
enum bpmp_proxy_need {
	BPMP_PROXY_READ,
	BPMP_PROXY_ENABLE,
	BPMP_PROXY_CONTROL,
};

/**
 * struct bpmp_proxy_command - one command that the proxy serves
 * @mrq: the request's number
 * @cmd: the command in it; 0 where there is none
 * @need: what the lists must say
 * @rate: it has an s64 rate
 * @word: it has an u32 besides command and id
 * @rx_size: bytes of a successful answer
 */
struct bpmp_proxy_command {
	u32 mrq;
	u32 cmd;
	enum bpmp_proxy_need need;
	bool rate;
	bool word;
	u32 rx_size;
};

/**
 * struct bpmp_proxy_request - a request, out of its bytes
 * @command: what is asked
 * @id: of what: a clock, reset or power domain
 * @rate: in Hz, where the command has one
 * @word: a parent, a state, a challenge or an MRQ's number, where the command has one
 */
struct bpmp_proxy_request {
	const struct bpmp_proxy_command *command;
	u32 id;
	s64 rate;
	u32 word;
};

int bpmp_proxy_decode(u32 mrq, const u8 *tx, size_t size,
		      struct bpmp_proxy_request *request);
size_t bpmp_proxy_encode(const struct bpmp_proxy_request *request,
			 u8 tx[MSG_DATA_MIN_SZ]);
int bpmp_proxy_read_request(struct bpmp_proxy_request *request, u32 mrq, u32 cmd,
			    u32 id);

/* policy */

struct bpmp_proxy_hold;

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

/* tree */

/**
 * struct bpmp_proxy_node - a clock of the firmware
 * @named: there is one; without it the id is a hole
 * @num_parents: of @parents, the candidates
 * @parents: ids of the clocks that can feed it
 */
struct bpmp_proxy_node {
	bool named;
	u8 num_parents;
	u32 parents[MRQ_CLK_MAX_PARENTS];
};

/**
 * struct bpmp_proxy_tree - which clock can feed which
 * @count: one more than the highest id
 * @nodes: by id
 */
struct bpmp_proxy_tree {
	unsigned int count;
	struct bpmp_proxy_node *nodes;
};

int bpmp_proxy_tree_apply(const struct bpmp_proxy_tree *tree,
			  struct bpmp_proxy_list *clocks);

/* answers, jobs, files */

/**
 * struct bpmp_proxy_answer - what became of a request
 * @status: the transport: 0, or a negative errno, and then the rest is zero
 * @err: the firmware's error word
 * @rx: the payload; zero where there is an error
 */
struct bpmp_proxy_answer {
	int status;
	s32 err;
	u8 rx[MSG_DATA_MIN_SZ];
};

/**
 * struct bpmp_proxy_job - a request on its way
 *
 * The caller's until bpmp_proxy_job_start(); then the worker's until it is @done; then that of
 * @file, or, if there is none, nobody's and freed.
 *
 * @work: runs it
 * @proxy: never NULL
 * @release_all: ends every hold, and is no request
 * @mrq: the request's number, not looked at yet
 * @tx_size: bytes of @tx
 * @tx: the request
 * @rx_size: bytes of the answer that are wanted
 * @waited: a system call waits for it; found by no cookie
 * @answer: the answer, written by the worker before @done
 * @released: holds that @release_all ended
 * @failed: holds that it could not end
 * @running: in bpmp_proxy.waiting until it has a slot, then in .running until its end. Under lock,
 *	as the following
 * @node: in bpmp_proxy_file.pending or .finished
 * @file: who gets the answer; NULL: given up
 * @owner: who gets what it switches on; NULL: closed
 * @cookie: its name within @file; constant
 * @done: the worker is through with it
 */
struct bpmp_proxy_job {
	struct work_struct work;
	struct bpmp_proxy *proxy;
	bool release_all;
	u32 mrq;
	u32 tx_size;
	u32 rx_size;
	u8 tx[MSG_DATA_MIN_SZ];
	bool waited;
	struct bpmp_proxy_answer answer;
	u32 released;
	u32 failed;

	struct list_head running;
	struct list_head node;
	struct bpmp_proxy_file *file;
	struct bpmp_proxy_file *owner;
	u64 cookie;
	bool done;
};

/**
 * struct bpmp_proxy_file - an open file
 * @proxy: counted
 * @wait: for its jobs to be done
 * @pending: jobs that run. Under bpmp_proxy.lock, as the following
 * @finished: jobs whose answer waits to be read, oldest first
 * @jobs: how many submitted ones there are in both
 * @cookies: the last that was given
 */
struct bpmp_proxy_file {
	struct bpmp_proxy *proxy;
	wait_queue_head_t wait;
	struct list_head pending;
	struct list_head finished;
	unsigned int jobs;
	u64 cookies;
};

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

struct bpmp_proxy_job *bpmp_proxy_job_new(struct bpmp_proxy_file *file);
u64 bpmp_proxy_cookie(struct bpmp_proxy_file *file);
int bpmp_proxy_job_reserve(struct bpmp_proxy_job *job);
void bpmp_proxy_job_start(struct bpmp_proxy_job *job);
int bpmp_proxy_job_run(struct bpmp_proxy_job *job, long timeout);
struct bpmp_proxy_job *bpmp_proxy_job_take(struct bpmp_proxy_file *file, u64 cookie);
void bpmp_proxy_job_put_back(struct bpmp_proxy_file *file, struct bpmp_proxy_job *job);
int bpmp_proxy_job_abandon(struct bpmp_proxy_file *file, u64 cookie);
void bpmp_proxy_jobs_close(struct bpmp_proxy_file *file);

extern const struct file_operations bpmp_proxy_fops;
void bpmp_proxy_put(struct bpmp_proxy *proxy);
ssize_t bpmp_proxy_write(struct file *filp, const char __user *buffer, size_t size,
			 loff_t *pos);

/* execute */

void bpmp_proxy_forward(struct bpmp_proxy *proxy,
			const struct bpmp_proxy_request *request,
			struct bpmp_proxy_answer *answer);
void bpmp_proxy_execute(struct bpmp_proxy_job *job);

/* holds */

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
	struct mutex edge; /* see above */
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

struct bpmp_proxy_hold *bpmp_proxy_clock_new(struct bpmp_proxy *proxy, u32 id);
void bpmp_proxy_clock_set_rate(struct bpmp_proxy *proxy, struct bpmp_proxy_hold *hold,
			       const struct bpmp_proxy_request *request,
			       struct bpmp_proxy_answer *answer);
void bpmp_proxy_clock_set_parent(struct bpmp_proxy *proxy, struct bpmp_proxy_hold *hold,
				 struct bpmp_proxy_hold *parent,
				 const struct bpmp_proxy_request *request,
				 struct bpmp_proxy_answer *answer);
struct bpmp_proxy_hold *bpmp_proxy_domain_new(struct bpmp_proxy *proxy, u32 id);

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
