// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests by the ioctls of <linux/tegra-bpmp-host.h>: SUBMIT, RESULT and ABANDON for callers that
 * poll, TRANSFER for those that wait.
 */
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "bpmp-host.h"

/* What SUBMIT, RESULT and TRANSFER have in common; only the last waits, and has a time for it. */
static int bpmp_proxy_get_transfer(struct bpmp_host_transfer *transfer,
				   const struct bpmp_host_transfer __user *user, bool waits)
{
	BUILD_BUG_ON(sizeof(*transfer) != 280);
	BUILD_BUG_ON(BPMP_HOST_DATA_SIZE != MSG_DATA_MIN_SZ);

	if (copy_from_user(transfer, user, sizeof(*transfer)))
		return -EFAULT;

	if (transfer->flags || transfer->pad || transfer->tx_size > BPMP_HOST_DATA_SIZE ||
	    transfer->rx_size > BPMP_HOST_DATA_SIZE)
		return -EINVAL;

	if (waits == !transfer->timeout_ms || transfer->timeout_ms > BPMP_HOST_MAX_TIMEOUT_MS)
		return -EINVAL;

	if (memchr_inv(transfer->tx + transfer->tx_size, 0,
		       BPMP_HOST_DATA_SIZE - transfer->tx_size))
		return -EINVAL;

	return 0;
}

static struct bpmp_proxy_job *bpmp_proxy_transfer_job(struct bpmp_proxy_file *file,
						      const struct bpmp_host_transfer *transfer)
{
	struct bpmp_proxy_job *job = bpmp_proxy_job_new(file);

	if (!job)
		return NULL;

	job->mrq = transfer->mrq;
	job->tx_size = transfer->tx_size;
	job->rx_size = transfer->rx_size;
	memcpy(job->tx, transfer->tx, sizeof(job->tx));

	return job;
}

/* Writes the members that are "out", and no other. */
static int bpmp_proxy_put_answer(struct bpmp_host_transfer __user *user,
				 const struct bpmp_proxy_job *job, u64 cookie)
{
	u8 rx[BPMP_HOST_DATA_SIZE] = { 0 };

	memcpy(rx, job->answer.rx, job->rx_size);

	if (put_user(cookie, &user->cookie) ||
	    put_user(job->answer.status, &user->status) ||
	    put_user(job->answer.err, &user->err) ||
	    copy_to_user(user->rx, rx, sizeof(rx)))
		return -EFAULT;

	return 0;
}

long bpmp_proxy_submit(struct bpmp_proxy_file *file, struct bpmp_host_transfer __user *user)
{
	struct bpmp_host_transfer transfer;
	struct bpmp_proxy_job *job;
	int err;

	err = bpmp_proxy_get_transfer(&transfer, user, false);
	if (err)
		return err;

	job = bpmp_proxy_transfer_job(file, &transfer);
	if (!job)
		return -ENOMEM;

	/*
	 * Before it starts: nobody could ask for the answer of a request without a name. And before
	 * it has a slot: the page may take its time.
	 */
	job->cookie = bpmp_proxy_cookie(file);
	err = put_user(job->cookie, &user->cookie);
	if (!err)
		err = bpmp_proxy_job_reserve(job);
	if (err) {
		kfree(job);
		return err;
	}

	bpmp_proxy_job_start(job);

	return 0;
}

long bpmp_proxy_result(struct bpmp_proxy_file *file, struct bpmp_host_transfer __user *user)
{
	struct bpmp_host_transfer transfer;
	struct bpmp_proxy_job *job;
	int err;

	err = bpmp_proxy_get_transfer(&transfer, user, false);
	if (err)
		return err;

	job = bpmp_proxy_job_take(file, transfer.cookie);
	if (IS_ERR(job))
		return PTR_ERR(job);

	err = bpmp_proxy_put_answer(user, job, job->cookie);
	if (err)
		bpmp_proxy_job_put_back(file, job);
	else
		kfree(job);

	return err;
}

long bpmp_proxy_abandon(struct bpmp_proxy_file *file, const u64 __user *user)
{
	u64 cookie;

	if (get_user(cookie, user))
		return -EFAULT;

	return bpmp_proxy_job_abandon(file, cookie);
}

long bpmp_proxy_transfer(struct bpmp_proxy_file *file, struct bpmp_host_transfer __user *user)
{
	struct bpmp_host_transfer transfer;
	struct bpmp_proxy_job *job;
	int err;

	err = bpmp_proxy_get_transfer(&transfer, user, true);
	if (err)
		return err;
	if (transfer.cookie)
		return -EINVAL;

	/* An answer that can't be delivered is better found out before anything is done. */
	if (put_user(0, &user->status) || clear_user(user->rx, sizeof(user->rx)))
		return -EFAULT;

	job = bpmp_proxy_transfer_job(file, &transfer);
	if (!job)
		return -ENOMEM;

	err = bpmp_proxy_job_run(job, msecs_to_jiffies(transfer.timeout_ms));
	if (err)
		return err;

	err = bpmp_proxy_put_answer(user, job, 0);
	kfree(job);

	return err;
}
