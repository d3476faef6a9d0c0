// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a file has of its jobs: their names, and their answers until they are read or given up.
 */
#include <linux/err.h>
#include <linux/slab.h>

#include "bpmp-host.h"

/**
 * bpmp_proxy_cookie() - a new name for a request
 * @file: within which
 */
u64 bpmp_proxy_cookie(struct bpmp_proxy_file *file)
{
	u64 cookie;

	spin_lock(&file->proxy->lock);
	cookie = ++file->cookies;
	spin_unlock(&file->proxy->lock);

	return cookie;
}

/* The file has no more to do with the job. Called with proxy->lock held. */
void bpmp_proxy_job_detach(struct bpmp_proxy_job *job)
{
	lockdep_assert_held(&job->proxy->lock);

	list_del_init(&job->node);
	job->file->jobs -= !job->waited;
	job->file = NULL;
}

static struct bpmp_proxy_job *bpmp_proxy_job_find(struct list_head *jobs, u64 cookie)
{
	struct bpmp_proxy_job *job;

	list_for_each_entry(job, jobs, node)
		if (!job->waited && (!cookie || job->cookie == cookie))
			return job;

	return NULL;
}

/**
 * bpmp_proxy_job_take() - take an answer
 * @file: whose
 * @cookie: which; zero: the oldest
 *
 * Return: the job, done, the caller's; -EAGAIN: not yet; -ENOENT: none.
 */
struct bpmp_proxy_job *bpmp_proxy_job_take(struct bpmp_proxy_file *file, u64 cookie)
{
	struct bpmp_proxy *proxy = file->proxy;
	struct bpmp_proxy_job *job;

	spin_lock(&proxy->lock);
	job = bpmp_proxy_job_find(&file->finished, cookie);
	if (job) {
		list_del_init(&job->node);
		file->jobs--;
		/* Who polls may submit again. */
		wake_up_all(&file->wait);
	} else if (bpmp_proxy_job_find(&file->pending, cookie)) {
		job = ERR_PTR(-EAGAIN);
	} else {
		job = ERR_PTR(-ENOENT);
	}
	spin_unlock(&proxy->lock);

	return job;
}

/* An answer that was taken could not be delivered: it can be taken again. */
void bpmp_proxy_job_put_back(struct bpmp_proxy_file *file, struct bpmp_proxy_job *job)
{
	spin_lock(&file->proxy->lock);
	list_add(&job->node, &file->finished);
	file->jobs++;
	spin_unlock(&file->proxy->lock);

	wake_up_all(&file->wait);
}

/**
 * bpmp_proxy_job_abandon() - give up an answer
 * @file: whose
 * @cookie: which; zero is none
 *
 * Return: 0 or -ENOENT.
 */
int bpmp_proxy_job_abandon(struct bpmp_proxy_file *file, u64 cookie)
{
	struct bpmp_proxy *proxy = file->proxy;
	struct bpmp_proxy_job *job, *finished;

	if (!cookie)
		return -ENOENT;

	spin_lock(&proxy->lock);
	finished = bpmp_proxy_job_find(&file->finished, cookie);
	job = finished ?: bpmp_proxy_job_find(&file->pending, cookie);
	if (job) {
		bpmp_proxy_job_detach(job);
		wake_up_all(&file->wait);
	}
	spin_unlock(&proxy->lock);

	kfree(finished);

	return job ? 0 : -ENOENT;
}

/**
 * bpmp_proxy_jobs_close() - a file closes: give up all that it has
 * @file: has no system call in it any more
 *
 * Its holds, and those that its jobs in flight are yet to make, are nobody's.
 */
void bpmp_proxy_jobs_close(struct bpmp_proxy_file *file)
{
	struct bpmp_proxy *proxy = file->proxy;
	struct bpmp_proxy_job *job, *next;
	LIST_HEAD(finished);

	spin_lock(&proxy->lock);
	list_for_each_entry(job, &proxy->running, running)
		if (job->owner == file)
			job->owner = NULL;
	list_for_each_entry_safe(job, next, &file->pending, node)
		bpmp_proxy_job_detach(job);
	list_splice_init(&file->finished, &finished);
	bpmp_proxy_holds_orphan(file);
	spin_unlock(&proxy->lock);

	list_for_each_entry_safe(job, next, &finished, node)
		kfree(job);
}
