// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/bpmp-host: open, close, poll, and the ioctls that ask about holds and the proxy itself.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "bpmp-host.h"

static int bpmp_proxy_open(struct inode *inode, struct file *filp)
{
	struct bpmp_proxy *proxy = container_of(filp->private_data, struct bpmp_proxy, misc);
	struct bpmp_proxy_file *file;

	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file)
		return -ENOMEM;

	/* misc_deregister() waits for us, so the device is still there. */
	kref_get(&proxy->ref);
	file->proxy = proxy;
	init_waitqueue_head(&file->wait);
	INIT_LIST_HEAD(&file->pending);
	INIT_LIST_HEAD(&file->finished);
	filp->private_data = file;

	/* No position, and so no lock on it that would make one write() wait for another. */
	return stream_open(inode, filp);
}

static int bpmp_proxy_close(struct inode *inode, struct file *filp)
{
	struct bpmp_proxy_file *file = filp->private_data;

	bpmp_proxy_jobs_close(file);
	bpmp_proxy_put(file->proxy);
	kfree(file);

	return 0;
}

static __poll_t bpmp_proxy_poll(struct file *filp, struct poll_table_struct *table)
{
	struct bpmp_proxy_file *file = filp->private_data;
	struct bpmp_proxy *proxy = file->proxy;
	__poll_t events = 0;

	poll_wait(filp, &file->wait, table);
	poll_wait(filp, &proxy->slots, table);

	spin_lock(&proxy->lock);
	if (!list_empty(&file->finished))
		events |= EPOLLIN | EPOLLRDNORM;
	if (proxy->gone)
		events |= EPOLLERR | EPOLLHUP;
	else if ((filp->f_mode & FMODE_WRITE) && file->jobs < BPMP_PROXY_FILE_JOBS_MAX &&
		 proxy->busy < BPMP_PROXY_SLOTS && list_empty(&proxy->waiting))
		events |= EPOLLOUT | EPOLLWRNORM;
	spin_unlock(&proxy->lock);

	return events;
}

static long bpmp_proxy_info(struct bpmp_proxy_file *file, struct bpmp_host_info __user *user)
{
	struct bpmp_proxy *proxy = file->proxy;
	struct bpmp_host_info info;

	if (copy_from_user(&info, user, sizeof(info)))
		return -EFAULT;
	if (memchr_inv(info.reserved, 0, sizeof(info.reserved)))
		return -EINVAL;

	info.abi_version = BPMP_HOST_ABI_VERSION;
	info.slots = BPMP_PROXY_SLOTS;
	info.features = 0;
	spin_lock(&proxy->lock);
	info.holds = proxy->holds;
	spin_unlock(&proxy->lock);

	return copy_to_user(user, &info, sizeof(info)) ? -EFAULT : 0;
}

static long bpmp_proxy_holds(struct bpmp_proxy_file *file,
			     struct bpmp_host_holds __user *user)
{
	struct bpmp_host_holds *list;
	long err = 0;

	list = kzalloc(sizeof(*list), GFP_KERNEL);
	if (!list)
		return -ENOMEM;

	if (get_user(list->start, &user->start) || get_user(list->pad, &user->pad)) {
		err = -EFAULT;
		goto free;
	}
	if (list->pad) {
		err = -EINVAL;
		goto free;
	}

	bpmp_proxy_holds_list(file->proxy, list);

	if (copy_to_user(user, list, sizeof(*list)))
		err = -EFAULT;

free:
	kfree(list);

	return err;
}

static long bpmp_proxy_release_all(struct bpmp_proxy_file *file,
				   struct bpmp_host_release __user *user)
{
	struct bpmp_host_release release;
	struct bpmp_proxy_job *job;
	int err;

	if (copy_from_user(&release, user, sizeof(release)))
		return -EFAULT;
	if (memchr_inv(release.reserved, 0, sizeof(release.reserved)))
		return -EINVAL;

	/* As in bpmp_proxy_transfer(). */
	if (clear_user(user, sizeof(release)))
		return -EFAULT;

	job = bpmp_proxy_job_new(file);
	if (!job)
		return -ENOMEM;
	job->release_all = true;

	err = bpmp_proxy_job_run(job, MAX_SCHEDULE_TIMEOUT);
	if (err)
		return err;

	release.released = job->released;
	release.failed = job->failed;
	kfree(job);

	return copy_to_user(user, &release, sizeof(release)) ? -EFAULT : 0;
}

/* A file that is open for reading alone can look, but not touch. */
static bool bpmp_proxy_changes(unsigned int cmd)
{
	switch (cmd) {
	case BPMP_HOST_SUBMIT:
	case BPMP_HOST_TRANSFER:
	case BPMP_HOST_ADOPT:
	case BPMP_HOST_RELEASE_ALL:
		return true;
	default:
		return false;
	}
}

static long bpmp_proxy_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	struct bpmp_proxy_file *file = filp->private_data;
	void __user *user = (void __user *)arg;

	if (READ_ONCE(file->proxy->gone))
		return -ENODEV;
	if (bpmp_proxy_changes(cmd) && !(filp->f_mode & FMODE_WRITE))
		return -EBADF;

	switch (cmd) {
	case BPMP_HOST_INFO:
		return bpmp_proxy_info(file, user);
	case BPMP_HOST_SUBMIT:
		return bpmp_proxy_submit(file, user);
	case BPMP_HOST_RESULT:
		return bpmp_proxy_result(file, user);
	case BPMP_HOST_ABANDON:
		return bpmp_proxy_abandon(file, user);
	case BPMP_HOST_TRANSFER:
		return bpmp_proxy_transfer(file, user);
	case BPMP_HOST_HOLDS:
		return bpmp_proxy_holds(file, user);
	case BPMP_HOST_ADOPT:
		bpmp_proxy_holds_adopt(file);
		return 0;
	case BPMP_HOST_RELEASE_ALL:
		return bpmp_proxy_release_all(file, user);
	default:
		return -ENOTTY;
	}
}

const struct file_operations bpmp_proxy_fops = {
	.owner = THIS_MODULE,
	.open = bpmp_proxy_open,
	.release = bpmp_proxy_close,
	.write = bpmp_proxy_write,
	.poll = bpmp_proxy_poll,
	.unlocked_ioctl = bpmp_proxy_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};
