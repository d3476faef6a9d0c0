/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR Apache-2.0 */
/*
 * /dev/bpmp-host: requests to the BPMP on behalf of virtual machines.
 *
 * The device belongs to the host proxy, a kernel module that stands between one user-space arbiter
 * (the broker) and the host's own use of the BPMP. It speaks two protocols on one file:
 *
 * - the ioctls of this header: flat, versioned, every width fixed, no pointer inside, the request
 *   and its answer in one structure;
 * - write() of a raw struct tegra_bpmp_message, for the users of older proxies; not described here.
 *
 * Conventions
 *
 * - Every structure is the same for 32- and 64-bit callers. Numbers have the byte order of the CPU,
 *   payloads that of the BPMP (little-endian).
 * - "in" is read by the kernel, "out" is written by it. Reserved members, padding and the bytes of
 *   tx[] from tx_size on must be zero, else EINVAL; later versions give them a meaning.
 * - An ioctl fails with the C library's errno, and then has changed nothing, but for ETIMEDOUT and
 *   EINTR, and for EFAULT where memory goes away meanwhile. The transport's status and the
 *   firmware's error are answers, in the structure: the ioctl itself succeeds.
 * - That a hold has ended doesn't say that the hardware is off: somebody else may need it, and what
 *   the hardware refuses is in the kernel's log only. Ask for the state where it matters.
 * - Everything that changes state goes through the host's clock, power-domain and reset frameworks.
 *   What is enabled or powered this way is a *hold*: the proxy's one reference, however often it
 *   was asked for. Holds belong to the device, not to the file: closing switches nothing off.
 * - Any thread may use a file at any time; several files may be open.
 */
#ifndef _UAPI_LINUX_TEGRA_BPMP_HOST_H
#define _UAPI_LINUX_TEGRA_BPMP_HOST_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define BPMP_HOST_ABI_VERSION	1

/* Payload of a BPMP message, in bytes: MSG_DATA_MIN_SZ of the BPMP's own protocol. */
#define BPMP_HOST_DATA_SIZE	120

/* The longest that BPMP_HOST_TRANSFER waits. */
#define BPMP_HOST_MAX_TIMEOUT_MS	60000

/* Holds in one answer to BPMP_HOST_HOLDS. */
#define BPMP_HOST_HOLDS_MAX	64

/**
 * struct bpmp_host_info - what this proxy is
 * @abi_version: out: BPMP_HOST_ABI_VERSION; a greater one still serves what this header describes
 * @slots: out: transfers that may be in flight at a time, over all files
 * @features: out: 0
 * @holds: out: how many there are
 * @reserved: in: zero
 */
struct bpmp_host_info {
	__u32 abi_version;
	__u32 slots;
	__u32 features;
	__u32 holds;
	__u32 reserved[4];
};

/**
 * struct bpmp_host_transfer - one request, and its answer
 * @cookie: names a submitted request within its file; never zero.
 *	BPMP_HOST_SUBMIT: out. BPMP_HOST_RESULT: in, or zero for whichever ended first; out.
 *	BPMP_HOST_TRANSFER: in: zero.
 * @mrq: in: the request's number. The proxy decodes the payload of those that it serves and refuses
 *	all others
 * @flags: in: zero
 * @tx_size: in: bytes of @tx that are the request
 * @rx_size: in: bytes of @rx that the caller wants of the answer
 * @timeout_ms: in: BPMP_HOST_TRANSFER: 1 to BPMP_HOST_MAX_TIMEOUT_MS; else zero
 * @status: out: the transport: 0, or a negative errno, and then @err and @rx mean nothing
 * @err: out: the BPMP's error word: 0, or a negative number of the BPMP's own list (its ETIMEDOUT
 *	is 23). What the proxy's lists don't allow is -13, EACCES
 * @pad: in: zero
 * @tx: in: the request's payload
 * @rx: out: the answer's payload, @rx_size bytes, and zeroes
 */
struct bpmp_host_transfer {
	__u64 cookie;
	__u32 mrq;
	__u32 flags;
	__u32 tx_size;
	__u32 rx_size;
	__u32 timeout_ms;
	__s32 status;
	__s32 err;
	__u32 pad;
	__u8 tx[BPMP_HOST_DATA_SIZE];
	__u8 rx[BPMP_HOST_DATA_SIZE];
};

/* What a hold is on. */
#define BPMP_HOST_CLOCK		1
#define BPMP_HOST_POWER_DOMAIN	2

/* The file that asked for the hold is closed, and no other has adopted it. */
#define BPMP_HOST_HOLD_ORPHAN	0x1U

/**
 * struct bpmp_host_hold - a clock that is enabled, or a domain that is on, for the proxy's users
 * @type: out: BPMP_HOST_CLOCK or BPMP_HOST_POWER_DOMAIN
 * @id: out: the firmware's number
 * @flags: out: BPMP_HOST_HOLD_*
 * @pad: out: zero
 */
struct bpmp_host_hold {
	__u32 type;
	__u32 id;
	__u32 flags;
	__u32 pad;
};

/**
 * struct bpmp_host_holds - a part of the list of holds
 * @start: in: how many to skip; the list is in the order of type and id
 * @count: out: how many follow here, at most BPMP_HOST_HOLDS_MAX
 * @total: out: how many there are in all
 * @pad: in: zero
 * @hold: out: the first @count are used
 */
struct bpmp_host_holds {
	__u32 start;
	__u32 count;
	__u32 total;
	__u32 pad;
	struct bpmp_host_hold hold[BPMP_HOST_HOLDS_MAX];
};

/**
 * struct bpmp_host_release - what BPMP_HOST_RELEASE_ALL did
 * @released: out: holds that ended
 * @failed: out: holds that stay, because the host's power management refused; the kernel's log
 *	names them
 * @reserved: in: zero
 */
struct bpmp_host_release {
	__u32 released;
	__u32 failed;
	__u32 reserved[2];
};

#define BPMP_HOST_IOCTL_BASE	0xBD

#define BPMP_HOST_INFO		_IOWR(BPMP_HOST_IOCTL_BASE, 0x00, struct bpmp_host_info)

/*
 * Starts a request and returns. EAGAIN: all slots are taken, or somebody waits for the next one;
 * poll() says POLLOUT when one is to be had. Its answer must be read (BPMP_HOST_RESULT) or given up
 * (BPMP_HOST_ABANDON), for it counts until then against the 64 that a file may have: ENOBUFS above.
 */
#define BPMP_HOST_SUBMIT	_IOWR(BPMP_HOST_IOCTL_BASE, 0x01, struct bpmp_host_transfer)

/*
 * Reads an answer, never blocks. EAGAIN: not yet (poll() says POLLIN when there is one); ENOENT: no
 * such request of this file.
 */
#define BPMP_HOST_RESULT	_IOWR(BPMP_HOST_IOCTL_BASE, 0x02, struct bpmp_host_transfer)

/*
 * The argument points to the cookie of a request whose answer is no longer wanted. One in flight
 * goes on and keeps its slot until the kernel has its answer; its effect on holds counts. ENOENT:
 * as above.
 */
#define BPMP_HOST_ABANDON	_IOW(BPMP_HOST_IOCTL_BASE, 0x03, __u64)

/*
 * Submits, waits and reads the answer; those that wait get the slots in their order. EAGAIN: there
 * was no slot in all the time, and nothing has begun. ETIMEDOUT, or EINTR by a fatal signal: the
 * request goes on, abandoned, and its outcome is unknown; with EINTR it may not have begun.
 */
#define BPMP_HOST_TRANSFER	_IOWR(BPMP_HOST_IOCTL_BASE, 0x04, struct bpmp_host_transfer)

#define BPMP_HOST_HOLDS		_IOWR(BPMP_HOST_IOCTL_BASE, 0x05, struct bpmp_host_holds)

/* All holds, orphans too, are from now on this file's: an arbiter that took them over says so. */
#define BPMP_HOST_ADOPT		_IO(BPMP_HOST_IOCTL_BASE, 0x06)

/*
 * Ends every hold, when nothing is in flight any more that could make one; nothing else begins
 * before it is done. Waits for that as long as it takes. EINTR, by a fatal signal: its outcome is
 * unknown. The only thing that ends holds, besides the requests that switch off one by one.
 */
#define BPMP_HOST_RELEASE_ALL	_IOWR(BPMP_HOST_IOCTL_BASE, 0x07, struct bpmp_host_release)

#endif /* _UAPI_LINUX_TEGRA_BPMP_HOST_H */
