// SPDX-License-Identifier: GPL-2.0-only
/* The device's files: opened, asked, waited for, and what they hold. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "host_device_test.h"

void *volatile nowhere = (void *)8;

int result(int returned)
{
	return returned < 0 ? -errno : returned;
}

int do_ioctl(int file, unsigned long request, void *argument)
{
	return result(ioctl(file, request, argument));
}

int open_device(void)
{
	int file = open(device, O_RDWR | O_CLOEXEC);

	if (file < 0) {
		perror(device);
		exit(2);
	}

	return file;
}

bool wait_for(int file, short events)
{
	struct pollfd poller = { .fd = file, .events = events };

	return poll(&poller, 1, TIMEOUT_MS) == 1 && (poller.revents & events);
}

bool may_submit(int file)
{
	struct pollfd poller = { .fd = file, .events = POLLOUT };

	return poll(&poller, 1, 0) == 1 && (poller.revents & POLLOUT);
}

int hold_flags(int file, uint32_t type, uint32_t id)
{
	struct bpmp_host_holds list = { 0 };

	if (do_ioctl(file, BPMP_HOST_HOLDS, &list))
		return -2;

	for (uint32_t i = 0; i < list.count; i++)
		if (list.hold[i].type == type && list.hold[i].id == id)
			return list.hold[i].flags;

	return -1;
}

int holds(void)
{
	struct bpmp_host_info info = { 0 };

	return do_ioctl(fd, BPMP_HOST_INFO, &info) ? -1 : (int)info.holds;
}

int release_all(void)
{
	struct bpmp_host_release release = { 0 };

	if (do_ioctl(fd, BPMP_HOST_RELEASE_ALL, &release) || release.failed)
		return -1;

	return release.released;
}
