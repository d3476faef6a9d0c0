// SPDX-License-Identifier: GPL-2.0-only
/*
 * write() of a raw struct tegra_bpmp_message, with pointers into the caller's memory through
 * which the answer comes back: what virtual machine monitors did with older proxies. A request is
 * treated exactly as one of the ioctls is.
 *
 * Those callers give their guest whatever stands in ret, also when write() itself failed. So
 * everything that can be said in ret is said there, and write() fails only where ret can't be
 * reached, or is not to be believed.
 */
#include <linux/build_bug.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "bpmp-host.h"

/**
 * struct bpmp_proxy_message - struct tegra_bpmp_message, as 64-bit programs have it
 * @mrq: the request's number
 * @reserved: the compiler's, with anything in it
 * @tx_data: where the request is; not looked at if there is none
 * @tx_size: of the request
 * @rx_data: where the answer goes; not looked at if none is wanted
 * @rx_size: of the answer
 * @ret: out: the firmware's error word
 * @reserved2: as above
 * @flags: only in kernels since 6.7, where it is for the kernel itself: not looked at
 */
struct bpmp_proxy_message {
	u32 mrq;
	u32 reserved;
	u64 tx_data;
	u64 tx_size;
	u64 rx_data;
	u64 rx_size;
	s32 ret;
	u32 reserved2;
	u64 flags;
};

static_assert(sizeof(struct bpmp_proxy_message) == 56);
static_assert(offsetof(struct bpmp_proxy_message, flags) == 48);
static_assert(offsetof(struct bpmp_proxy_message, ret) == 40);

static s32 bpmp_proxy_ret(const struct bpmp_proxy_answer *answer)
{
	switch (answer->status) {
	case 0:
		return answer->err;
	case -ETIMEDOUT:
		return -BPMP_ETIMEDOUT;
	default:
		return -BPMP_EIO;
	}
}

/* Return: 0 and *ret, or an error. */
static int bpmp_proxy_message_run(struct bpmp_proxy_job *job,
				  const struct bpmp_proxy_message *message, s32 *ret)
{
	int err;

	job->mrq = message->mrq;
	job->tx_size = message->tx_size;
	job->rx_size = message->rx_size;

	/* An answer that can't be delivered is better found out before anything is done. */
	if (copy_from_user(job->tx, u64_to_user_ptr(message->tx_data), job->tx_size) ||
	    clear_user(u64_to_user_ptr(message->rx_data), job->rx_size)) {
		kfree(job);
		return -EFAULT;
	}

	err = bpmp_proxy_job_run(job, MAX_SCHEDULE_TIMEOUT);
	if (err)
		return err;

	*ret = bpmp_proxy_ret(&job->answer);
	if (copy_to_user(u64_to_user_ptr(message->rx_data), job->answer.rx, job->rx_size))
		err = -EFAULT;
	kfree(job);

	return err;
}

ssize_t bpmp_proxy_write(struct file *filp, const char __user *buffer, size_t size,
			 loff_t *pos)
{
	struct bpmp_proxy_message __user *user = (struct bpmp_proxy_message __user *)buffer;
	struct bpmp_proxy_message message = { 0 };
	struct bpmp_proxy_job *job;
	s32 ret = -BPMP_EINVAL;
	int err;

	if (size != offsetof(struct bpmp_proxy_message, flags) && size != sizeof(message))
		return -EINVAL;
	/* Fails early, too, if the answer could not be written. */
	if (copy_from_user(&message, buffer, size) || put_user(ret, &user->ret))
		return -EFAULT;

	if (message.tx_size <= MSG_DATA_MIN_SZ && message.rx_size <= MSG_DATA_MIN_SZ) {
		job = bpmp_proxy_job_new(filp->private_data);
		if (!job)
			return -ENOMEM;

		err = bpmp_proxy_message_run(job, &message, &ret);
		if (err)
			return err;
	}

	return put_user(ret, &user->ret) ? -EFAULT : size;
}
