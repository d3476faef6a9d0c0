// SPDX-License-Identifier: GPL-2.0-only
/*
 * Jobs. A request to the BPMP can't be called back, and the kernel waits ten minutes for it, deaf
 * to signals. So a worker waits, and callers come and go: they poll, wait killably and not for
 * ever, or close. A job that nobody waits for any more goes on to its end, in its slot, and is
 * then freed.
 */
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "bpmp-host.h"

static unsigned int bpmp_proxy_job_slots(const struct bpmp_proxy_job *job)
{
	return job->release_all ? BPMP_PROXY_SLOTS : 1;
}

/* The worker is through. Whoever waited may free the job as soon as the lock is free. */
static void bpmp_proxy_job_finish(struct bpmp_proxy_job *job)
{
	struct bpmp_proxy *proxy = job->proxy;
	struct bpmp_proxy_file *file;

	spin_lock(&proxy->lock);

	list_del(&job->running);
	proxy->busy -= bpmp_proxy_job_slots(job);
	job->done = true;

	file = job->file;
	if (file) {
		if (!job->waited)
			list_move_tail(&job->node, &file->finished);
		/* Here, because a file can't go before it has had the lock. */
		wake_up_all(&file->wait);
	}

	spin_unlock(&proxy->lock);

	if (!file)
		kfree(job);

	wake_up_all(&proxy->slots);
}

static void bpmp_proxy_job_work(struct work_struct *work)
{
	struct bpmp_proxy_job *job = container_of(work, struct bpmp_proxy_job, work);

	if (job->release_all)
		bpmp_proxy_holds_release(job);
	else
		bpmp_proxy_execute(job);

	bpmp_proxy_job_finish(job);

	/* The code stays until the work queue is destroyed, which waits for us. */
	module_put(THIS_MODULE);
}

/**
 * bpmp_proxy_job_new() - make a job
 * @file: gets the answer
 *
 * Return: the job, to be reserved or run; or NULL.
 */
struct bpmp_proxy_job *bpmp_proxy_job_new(struct bpmp_proxy_file *file)
{
	struct bpmp_proxy_job *job = kzalloc(sizeof(*job), GFP_KERNEL_ACCOUNT);

	if (!job)
		return NULL;

	INIT_WORK(&job->work, bpmp_proxy_job_work);
	INIT_LIST_HEAD(&job->running);
	INIT_LIST_HEAD(&job->node);
	job->proxy = file->proxy;
	job->file = file;
	job->owner = file;

	return job;
}

/*
 * Slots go to those that wait, in their order, and else to whoever comes. The end of all holds
 * needs every slot: what is in flight may yet make one. Called with proxy->lock held.
 */
static bool bpmp_proxy_job_may_run(struct bpmp_proxy_job *job)
{
	struct bpmp_proxy *proxy = job->proxy;
	struct bpmp_proxy_job *first;

	first = list_first_entry_or_null(&proxy->waiting, struct bpmp_proxy_job, running);
	if (first && first != job)
		return false;

	return job->release_all ? !proxy->busy : proxy->busy < BPMP_PROXY_SLOTS;
}

/**
 * bpmp_proxy_job_reserve() - take a slot for a job
 * @job: of the caller, before and after
 *
 * Return: 0, and the job must be started; -EAGAIN: no slot; -ENOBUFS: the file has too many unread
 * answers; -ENODEV.
 */
int bpmp_proxy_job_reserve(struct bpmp_proxy_job *job)
{
	struct bpmp_proxy *proxy = job->proxy;
	struct bpmp_proxy_file *file = job->file;
	int err = 0;

	spin_lock(&proxy->lock);

	if (proxy->gone) {
		err = -ENODEV;
	} else if (!job->waited && file->jobs >= BPMP_PROXY_FILE_JOBS_MAX) {
		err = -ENOBUFS;
	} else if (!bpmp_proxy_job_may_run(job)) {
		err = -EAGAIN;
	} else {
		proxy->busy += bpmp_proxy_job_slots(job);
		list_move_tail(&job->running, &proxy->running);
		list_add_tail(&job->node, &file->pending);
		file->jobs += !job->waited;
	}

	spin_unlock(&proxy->lock);

	return err;
}

/**
 * bpmp_proxy_job_start() - let a job with a slot run
 * @job: no longer the caller's, unless it is waited for
 */
void bpmp_proxy_job_start(struct bpmp_proxy_job *job)
{
	/* The caller is a system call on a file, which has a reference. */
	__module_get(THIS_MODULE);
	queue_work(job->proxy->workers, &job->work);
}

static bool bpmp_proxy_job_done(struct bpmp_proxy_job *job)
{
	bool done;

	spin_lock(&job->proxy->lock);
	done = job->done;
	spin_unlock(&job->proxy->lock);

	return done;
}

/* The caller waits no longer. Return: whether the job is the caller's, because it is done. */
static bool bpmp_proxy_job_give_up(struct bpmp_proxy_job *job)
{
	struct bpmp_proxy *proxy = job->proxy;
	bool done;

	spin_lock(&proxy->lock);
	/* Once it is detached and the lock is free, the worker may free it. */
	done = job->done;
	bpmp_proxy_job_detach(job);
	spin_unlock(&proxy->lock);

	return done;
}

/* Waits for a job's turn. Return: what is left of the time, or the reason why it may not run. */
static long bpmp_proxy_job_queue(struct bpmp_proxy_job *job, long timeout)
{
	struct bpmp_proxy *proxy = job->proxy;
	long left;
	int err = 0;

	spin_lock(&proxy->lock);
	list_add_tail(&job->running, &proxy->waiting);
	spin_unlock(&proxy->lock);

	left = wait_event_killable_timeout(proxy->slots,
					   (err = bpmp_proxy_job_reserve(job)) != -EAGAIN,
					   timeout);
	if (err) {
		spin_lock(&proxy->lock);
		list_del(&job->running);
		spin_unlock(&proxy->lock);
	}

	/* Whoever stood behind it is the first now, and there may be another slot. */
	wake_up_all(&proxy->slots);

	if (err)
		return left < 0 ? -EINTR : err;

	return left;
}

/**
 * bpmp_proxy_job_run() - run a job and wait for it
 * @job: from bpmp_proxy_job_new()
 * @timeout: for the slot and the answer together, in jiffies
 *
 * Return: 0, and the job is done and still the caller's. On an error it is no longer: -ETIMEDOUT or
 * -EINTR, and it may yet be done; or, with nothing begun, -EINTR or what bpmp_proxy_job_reserve()
 * says, -EAGAIN when there was no slot in all that time.
 */
int bpmp_proxy_job_run(struct bpmp_proxy_job *job, long timeout)
{
	struct bpmp_proxy_file *file = job->file;
	long left;

	job->waited = true;

	left = bpmp_proxy_job_queue(job, timeout);
	if (left < 0) {
		kfree(job);
		return left;
	}

	bpmp_proxy_job_start(job);

	left = wait_event_killable_timeout(file->wait, bpmp_proxy_job_done(job), left);
	if (bpmp_proxy_job_give_up(job))
		return 0;

	return left < 0 ? -EINTR : -ETIMEDOUT;
}
