// SPDX-License-Identifier: GPL-2.0-only
/* Structures, memory and ioctls that are not as the header says. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host_device_test.h"

static void structures_are_checked(void)
{
	struct bpmp_host_transfer transfer;
	static const struct {
		const char *what;
		size_t offset;
		uint32_t value;
	} wrong[] = {
		{ "flags", offsetof(struct bpmp_host_transfer, flags), 1 },
		{ "pad", offsetof(struct bpmp_host_transfer, pad), 0x80000000 },
		{ "tx_size 121", offsetof(struct bpmp_host_transfer, tx_size), 121 },
		{ "tx_size 2^32-1", offsetof(struct bpmp_host_transfer, tx_size), UINT32_MAX },
		{ "tx_size less than tx", offsetof(struct bpmp_host_transfer, tx_size), 1 },
		{ "rx_size 121", offsetof(struct bpmp_host_transfer, rx_size), 121 },
		{ "rx_size 2^32-1", offsetof(struct bpmp_host_transfer, rx_size), UINT32_MAX },
		{ "a cookie", offsetof(struct bpmp_host_transfer, cookie), 1 },
		{ "no time", offsetof(struct bpmp_host_transfer, timeout_ms), 0 },
		{ "too much time", offsetof(struct bpmp_host_transfer, timeout_ms),
		  BPMP_HOST_MAX_TIMEOUT_MS + 1 },
		{ "the last byte of tx", offsetof(struct bpmp_host_transfer, tx) + 116, 1U << 24 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		transfer = ping(0x01020304);
		memcpy((uint8_t *)&transfer + wrong[i].offset, &wrong[i].value, 4);
		check_is(do_ioctl(fd, BPMP_HOST_TRANSFER, &transfer), -EINVAL, wrong[i].what);
	}

	transfer = ping(1);
	check_is(do_ioctl(fd, BPMP_HOST_SUBMIT, &transfer), -EINVAL, "SUBMIT with a timeout");
	check_is(do_ioctl(fd, BPMP_HOST_RESULT, &transfer), -EINVAL, "RESULT with a timeout");

	transfer = ping(1);
	transfer.timeout_ms = 1;
	check(do_ioctl(fd, BPMP_HOST_TRANSFER, &transfer) != -EINVAL, "the shortest timeout");
	transfer = ping(1);
	transfer.timeout_ms = BPMP_HOST_MAX_TIMEOUT_MS;
	check_is(do_ioctl(fd, BPMP_HOST_TRANSFER, &transfer), 0, "the longest timeout");
}

static void memory_is_checked(void)
{
	static const unsigned long requests[] = {
		BPMP_HOST_INFO, BPMP_HOST_SUBMIT, BPMP_HOST_RESULT, BPMP_HOST_ABANDON,
		BPMP_HOST_TRANSFER, BPMP_HOST_HOLDS, BPMP_HOST_RELEASE_ALL,
	};
	struct bpmp_host_transfer transfer = clk(ENABLE, clock_id, 0);
	long page = sysconf(_SC_PAGESIZE);
	uint8_t *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		check_is(do_ioctl(fd, requests[i], nowhere), -EFAULT, "an ioctl of address 8");

	mprotect(memory + page, page, PROT_NONE);
	check_is(do_ioctl(fd, BPMP_HOST_TRANSFER, memory + page - 8), -EFAULT,
		 "TRANSFER that runs into a hole");

	memcpy(memory, &transfer, sizeof(transfer));
	mprotect(memory, page, PROT_READ);
	check_is(do_ioctl(fd, BPMP_HOST_TRANSFER, memory), -EFAULT, "TRANSFER in constant memory");
	mprotect(memory, page, PROT_READ | PROT_WRITE);
	((struct bpmp_host_transfer *)memory)->timeout_ms = 0;
	mprotect(memory, page, PROT_READ);
	check_is(do_ioctl(fd, BPMP_HOST_SUBMIT, memory), -EFAULT, "SUBMIT in constant memory");
	check_is(holds(), 0, "neither was begun");

	munmap(memory, 2 * page);
}

static void other_ioctls_are_unknown(void)
{
	uint8_t argument[4096] = { 0 };

	check_is(do_ioctl(fd, _IO(BPMP_HOST_IOCTL_BASE, 0x08), argument), -ENOTTY, "number 8");
	check_is(do_ioctl(fd, _IO(BPMP_HOST_IOCTL_BASE, 0xff), argument), -ENOTTY, "number 255");
	check_is(do_ioctl(fd, _IO(BPMP_HOST_IOCTL_BASE, 0x04), argument), -ENOTTY,
		 "TRANSFER without a size");
	check_is(do_ioctl(fd, _IOWR(BPMP_HOST_IOCTL_BASE, 0x04, char[288]), argument), -ENOTTY,
		 "TRANSFER of another size");
	check_is(do_ioctl(fd, BPMP_HOST_TRANSFER & ~(_IOC_WRITE << _IOC_DIRSHIFT), argument),
		 -ENOTTY, "TRANSFER in another direction");
	check_is(do_ioctl(fd, TCGETS, argument), -ENOTTY, "a terminal's");
	check(result(read(fd, argument, 1)) < 0, "read()");
}

const struct suite flat_structures[] = {
	{ "structures are checked", structures_are_checked },
	{ "memory is checked", memory_is_checked },
	{ "other ioctls are unknown", other_ioctls_are_unknown },
	{ NULL, NULL },
};
