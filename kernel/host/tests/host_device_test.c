// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drives /dev/bpmp-host as its header and its documentation promise, with good requests and hostile
 * ones. For a virtual machine: it ends all holds, and switches the clock, reset and domain given.
 *
 *   host_device_test [-d device] [-c clock] [-p parent] [-r reset] [-g power domain]
 *                    [-C denied clock] [-R denied reset] [-G denied power domain]
 *
 * The clock, reset and domain must be allowed, the parent be the clock's and not allowed by itself.
 * One line a check, and one at the end; exits with 0 if nothing failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/tegra-bpmp-host.h>

enum { MRQ_PING = 0, MRQ_RESET = 20, MRQ_CLK = 22, MRQ_QUERY_ABI = 23, MRQ_PG = 66 };
enum { MRQ_FW_TAG = 71 };
enum { GET_RATE = 1, SET_RATE, ROUND_RATE, GET_PARENT, SET_PARENT, IS_ENABLED, ENABLE, DISABLE };
enum { GET_ALL_INFO = 14, GET_MAX_CLK_ID = 15 };
enum { ASSERT = 1, DEASSERT, MODULE, RESET_MAX_ID };
enum { SET_STATE = 1, GET_STATE };
enum { BPMP_EBADCMD = 6, BPMP_EACCES = 13, BPMP_EINVAL = 22 };

#define TIMEOUT_MS	20000
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

static const char *device = "/dev/bpmp-host";
static uint32_t clock_id = 155, parent_id = 102, reset_id = 100, domain_id = 18;
static uint32_t denied_clock = 284, denied_reset = 113, denied_domain = 29;

/* No memory is there; volatile, so that the compiler believes in it. */
static void *volatile nowhere = (void *)8;

static int checks, failures;
static int fd;

static void check(bool good, const char *what)
{
	checks++;
	failures += !good;
	printf("%s %d %s\n", good ? "ok" : "not ok", checks, what);
}

static void check_is(long got, long wanted, const char *what)
{
	check(got == wanted, what);
	if (got != wanted)
		printf("# got %ld, wanted %ld\n", got, wanted);
}

/* A system call's result as the kernel means it: what it returns, or a negative errno. */
static int result(int returned)
{
	return returned < 0 ? -errno : returned;
}

static int do_ioctl(int file, unsigned long request, void *argument)
{
	return result(ioctl(file, request, argument));
}

static int open_device(void)
{
	int file = open(device, O_RDWR | O_CLOEXEC);

	if (file < 0) {
		perror(device);
		exit(2);
	}

	return file;
}

static void put32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = value >> (8 * i);
}

static uint32_t get32(const uint8_t *at)
{
	return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t get64(const uint8_t *at)
{
	return get32(at) | (uint64_t)get32(at + 4) << 32;
}

static bool all(const uint8_t *bytes, size_t size, uint8_t value)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != value)
			return false;

	return true;
}

/* requests */

static struct bpmp_host_transfer blank(uint32_t mrq, uint32_t tx_size)
{
	struct bpmp_host_transfer transfer = {
		.mrq = mrq,
		.tx_size = tx_size,
		.rx_size = BPMP_HOST_DATA_SIZE,
		.timeout_ms = TIMEOUT_MS,
		.status = 0x5a5a,
		.err = 0x5a5a,
	};

	memset(transfer.rx, 0xa5, sizeof(transfer.rx));

	return transfer;
}

static struct bpmp_host_transfer ping(uint32_t challenge)
{
	struct bpmp_host_transfer transfer = blank(MRQ_PING, 4);

	put32(transfer.tx, challenge);

	return transfer;
}

static struct bpmp_host_transfer clk(uint32_t cmd, uint32_t id, uint64_t number)
{
	struct bpmp_host_transfer transfer = blank(MRQ_CLK, 16);

	put32(transfer.tx, cmd << 24 | id);
	if (cmd == SET_PARENT) {
		put32(transfer.tx + 4, number);
	} else {
		put32(transfer.tx + 8, number);
		put32(transfer.tx + 12, number >> 32);
	}

	return transfer;
}

static struct bpmp_host_transfer three(uint32_t mrq, uint32_t cmd, uint32_t id, uint32_t state)
{
	struct bpmp_host_transfer transfer = blank(mrq, mrq == MRQ_PG ? 12 : 8);

	put32(transfer.tx, cmd);
	put32(transfer.tx + 4, id);
	if (mrq == MRQ_PG)
		put32(transfer.tx + 8, state);

	return transfer;
}

/* Runs it, expects the ioctl to succeed, and returns the firmware's error word. */
static int run(int file, struct bpmp_host_transfer *transfer)
{
	int returned = do_ioctl(file, BPMP_HOST_TRANSFER, transfer);

	if (returned || transfer->status) {
		printf("# ioctl %d, status %d\n", returned, transfer->status);
		return 1;
	}

	return transfer->err;
}

static int run_clk(uint32_t cmd, uint32_t id, uint64_t number)
{
	struct bpmp_host_transfer transfer = clk(cmd, id, number);

	return run(fd, &transfer);
}

static int run_reset(uint32_t cmd, uint32_t id)
{
	struct bpmp_host_transfer transfer = three(MRQ_RESET, cmd, id, 0);

	return run(fd, &transfer);
}

static int run_pg(uint32_t cmd, uint32_t id, uint32_t state)
{
	struct bpmp_host_transfer transfer = three(MRQ_PG, cmd, id, state);

	return run(fd, &transfer);
}

/* holds */

/* The flags of a hold, or -1 if there is none. */
static int hold_flags(int file, uint32_t type, uint32_t id)
{
	struct bpmp_host_holds list = { 0 };

	if (do_ioctl(file, BPMP_HOST_HOLDS, &list))
		return -2;

	for (uint32_t i = 0; i < list.count; i++)
		if (list.hold[i].type == type && list.hold[i].id == id)
			return list.hold[i].flags;

	return -1;
}

static int holds(void)
{
	struct bpmp_host_info info = { 0 };

	return do_ioctl(fd, BPMP_HOST_INFO, &info) ? -1 : (int)info.holds;
}

static int release_all(void)
{
	struct bpmp_host_release release = { 0 };

	if (do_ioctl(fd, BPMP_HOST_RELEASE_ALL, &release) || release.failed)
		return -1;

	return release.released;
}

/* the checks */

static void info_says_what_it_is(void)
{
	struct bpmp_host_info info = { .features = 1, .abi_version = 99 };

	check_is(do_ioctl(fd, BPMP_HOST_INFO, &info), 0, "INFO");
	check(info.abi_version >= BPMP_HOST_ABI_VERSION && info.abi_version < 99, "INFO's version");
	check(info.slots >= 1 && info.slots <= 3, "INFO's slots leave one for the host");
	check_is(info.features, 0, "INFO's features");

	info.reserved[3] = 1;
	check_is(do_ioctl(fd, BPMP_HOST_INFO, &info), -EINVAL, "INFO, reserved not zero");
	check_is(do_ioctl(fd, BPMP_HOST_INFO, NULL), -EFAULT, "INFO without memory");
}

static void reads_are_answered(void)
{
	struct bpmp_host_transfer transfer = ping(0x01020304);

	check_is(run(fd, &transfer), 0, "PING");
	check_is(get32(transfer.rx), 0x02040608, "PING's reply is twice the challenge");
	check(all(transfer.rx + 4, sizeof(transfer.rx) - 4, 0), "zeroes behind the reply");
	check_is(transfer.cookie, 0, "TRANSFER gives no cookie");
	check(transfer.mrq == MRQ_PING && transfer.tx_size == 4 && get32(transfer.tx) == 0x01020304,
	      "the request is as it was");

	transfer = ping(0x01020304);
	transfer.rx_size = 2;
	check_is(run(fd, &transfer), 0, "PING, half of its answer");
	check(get32(transfer.rx) == 0x0608 && all(transfer.rx + 4, sizeof(transfer.rx) - 4, 0),
	      "no more than rx_size bytes, and zeroes");

	transfer = blank(MRQ_FW_TAG, 0);
	check_is(run(fd, &transfer), 0, "QUERY_FW_TAG");
	transfer = blank(MRQ_QUERY_ABI, 4);
	put32(transfer.tx, MRQ_CLK);
	check(run(fd, &transfer) == 0 && get32(transfer.rx) == 0, "QUERY_ABI of CLK");

	transfer = clk(GET_MAX_CLK_ID, 0, 0);
	check(run(fd, &transfer) == 0 && get32(transfer.rx) >= clock_id, "GET_MAX_CLK_ID");
	transfer = clk(GET_ALL_INFO, denied_clock, 0);
	check(run(fd, &transfer) == 0 && transfer.rx[73], "a clock that isn't allowed has a name");
	check_is(run_clk(GET_RATE, denied_clock, 0), 0, "and a rate");
	check_is(run_clk(IS_ENABLED, denied_clock, 0), 0, "and a state");
	transfer = three(MRQ_RESET, RESET_MAX_ID, 0, 0);
	check(run(fd, &transfer) == 0 && get32(transfer.rx) >= reset_id, "RESET GET_MAX_ID");
	check_is(run_pg(GET_STATE, denied_domain, 0), 0, "a domain that isn't allowed has a state");
}

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

static void payloads_are_checked(void)
{
	static const struct {
		uint32_t mrq, size;
	} least[] = {
		{ MRQ_PING, 4 }, { MRQ_CLK, 4 }, { MRQ_RESET, 8 }, { MRQ_QUERY_ABI, 4 },
		{ MRQ_PG, 8 },
	};
	struct bpmp_host_transfer transfer;
	char what[64];

	for (size_t i = 0; i < ARRAY_SIZE(least); i++) {
		for (uint32_t size = 0; size < least[i].size; size++) {
			transfer = blank(least[i].mrq, size);
			snprintf(what, sizeof(what), "MRQ %u with %u bytes", least[i].mrq,
				 size);
			check_is(run(fd, &transfer), -BPMP_EINVAL, what);
			check(all(transfer.rx, sizeof(transfer.rx), 0), "and nothing in its answer");
		}
	}

	transfer = clk(SET_RATE, clock_id, 1000000);
	transfer.tx_size = 8;
	memset(transfer.tx + 8, 0, 8);
	check_is(run(fd, &transfer), -BPMP_EINVAL, "SET_RATE with half a rate");
	transfer = clk(SET_PARENT, clock_id, parent_id);
	transfer.tx_size = 4;
	memset(transfer.tx + 4, 0, 12);
	check_is(run(fd, &transfer), -BPMP_EINVAL, "SET_PARENT without a parent");
}

static void commands_are_checked(void)
{
	static const uint32_t bad[] = { 0, 17, 18, 0x17, 0x27, 0x47, 0x87, 0xff };
	char what[64];

	for (uint32_t cmd = 9; cmd <= 13; cmd++) {
		snprintf(what, sizeof(what), "withdrawn clock command %u", cmd);
		check_is(run_clk(cmd, clock_id, 0), -BPMP_EBADCMD, what);
	}

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(what, sizeof(what), "clock command %#x", bad[i]);
		check_is(run_clk(bad[i], clock_id, 0), -BPMP_EINVAL, what);
	}

	check_is(run_reset(0, reset_id), -BPMP_EINVAL, "reset command 0");
	check_is(run_reset(5, reset_id), -BPMP_EINVAL, "reset command 5");
	check_is(run_reset(0x101, reset_id), -BPMP_EINVAL, "reset command 0x101");
	check_is(run_pg(5, domain_id, 1), -BPMP_EINVAL, "power domain command 5");
	check_is(run_pg(0x10001, domain_id, 1), -BPMP_EINVAL, "power domain command 0x10001");
	check_is(run_clk(SET_RATE, clock_id, UINT64_MAX), -BPMP_EINVAL, "a negative rate");
}

static void other_requests_are_refused(void)
{
	static const uint32_t mrqs[] = {
		1, 2, 4, 5, 7, 8, 11, 19, 21, 25, 26, 27, 28, 29, 31, 49, 64, 65, 67, 68, 69, 70,
		72, 73, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 96, 278, 65558, 0x80000016,
		UINT32_MAX,
	};
	struct bpmp_host_transfer transfer;
	char what[64];

	for (size_t i = 0; i < ARRAY_SIZE(mrqs); i++) {
		transfer = blank(mrqs[i], 120);
		put32(transfer.tx, 1);
		snprintf(what, sizeof(what), "MRQ %u", mrqs[i]);
		check_is(run(fd, &transfer), -BPMP_EINVAL, what);
	}
}

static void what_is_not_allowed_is_denied(void)
{
	check_is(run_clk(ENABLE, denied_clock, 0), -BPMP_EACCES, "ENABLE of a clock");
	check_is(run_clk(DISABLE, denied_clock, 0), -BPMP_EACCES, "DISABLE of a clock");
	check_is(run_clk(SET_RATE, denied_clock, 1000000), -BPMP_EACCES, "SET_RATE of a clock");
	check_is(run_clk(SET_PARENT, denied_clock, parent_id), -BPMP_EACCES,
		 "SET_PARENT of a clock");
	check_is(run_clk(SET_PARENT, clock_id, denied_clock), -BPMP_EACCES,
		 "SET_PARENT to a clock");
	check_is(run_clk(SET_PARENT, clock_id, 0x1000000 | parent_id), -BPMP_EACCES,
		 "SET_PARENT to what is more than an id");
	check_is(run_clk(ENABLE, clock_id | 0x1000, 0), -BPMP_EACCES, "bit 12 of a clock's id");
	check_is(run_clk(ENABLE, clock_id | 0x800000, 0), -BPMP_EACCES, "bit 23 of a clock's id");
	check_is(run_reset(ASSERT, denied_reset), -BPMP_EACCES, "ASSERT");
	check_is(run_reset(DEASSERT, denied_reset), -BPMP_EACCES, "DEASSERT");
	check_is(run_reset(MODULE, denied_reset), -BPMP_EACCES, "MODULE");
	check_is(run_reset(ASSERT, reset_id | 0x100), -BPMP_EACCES, "bit 8 of a reset's id");
	check_is(run_reset(ASSERT, reset_id | 0x80000000), -BPMP_EACCES, "bit 31 of a reset's id");
	check_is(run_pg(SET_STATE, denied_domain, 1), -BPMP_EACCES, "a domain on");
	check_is(run_pg(SET_STATE, denied_domain, 0), -BPMP_EACCES, "a domain off");
	check_is(run_pg(SET_STATE, domain_id | 0x10000, 1), -BPMP_EACCES,
		 "bit 16 of a domain's id");
	check_is(holds(), 0, "no hold of all that");
}

static void ancestors_are_enable_only(void)
{
	check_is(run_clk(ENABLE, parent_id, 0), 0, "ENABLE of a parent");
	check_is(hold_flags(fd, BPMP_HOST_CLOCK, parent_id), 0, "is a hold");
	check_is(run_clk(SET_RATE, parent_id, 1000000), -BPMP_EACCES, "SET_RATE of a parent");
	check_is(run_clk(SET_PARENT, parent_id, clock_id), -BPMP_EACCES,
		 "SET_PARENT of a parent");
	check_is(run_clk(DISABLE, parent_id, 0), 0, "DISABLE of a parent");
	check_is(hold_flags(fd, BPMP_HOST_CLOCK, parent_id), -1, "ends the hold");
}

static void clocks_are_held_once(void)
{
	struct bpmp_host_transfer transfer = clk(IS_ENABLED, clock_id, 0);

	check_is(run_clk(ENABLE, clock_id, 0), 0, "ENABLE");
	check_is(run_clk(ENABLE, clock_id, 0), 0, "ENABLE again");
	check_is(holds(), 1, "one hold");
	check_is(hold_flags(fd, BPMP_HOST_CLOCK, clock_id), 0, "of the clock, and no orphan");
	check(run(fd, &transfer) == 0 && get32(transfer.rx) == 1, "the firmware says it is enabled");
	check_is(run_clk(DISABLE, clock_id, 0), 0, "DISABLE");
	check_is(holds(), 0, "no hold");
	check_is(run_clk(DISABLE, clock_id, 0), 0, "DISABLE again");
}

static void clocks_are_set(void)
{
	struct bpmp_host_transfer transfer = clk(GET_RATE, clock_id, 0);
	struct bpmp_host_transfer rounded, now;
	uint64_t rate;

	check_is(run(fd, &transfer), 0, "GET_RATE");
	rate = get64(transfer.rx);

	transfer = clk(SET_RATE, clock_id, rate);
	check(run(fd, &transfer) == 0 && get64(transfer.rx) == rate, "SET_RATE to what it is");

	rounded = clk(ROUND_RATE, clock_id, rate / 2);
	check_is(run(fd, &rounded), 0, "ROUND_RATE to half");
	transfer = clk(SET_RATE, clock_id, rate / 2);
	check(run(fd, &transfer) == 0 && get64(transfer.rx) == get64(rounded.rx),
	      "SET_RATE to half");
	now = clk(GET_RATE, clock_id, 0);
	check(run(fd, &now) == 0 && get64(now.rx) == get64(rounded.rx), "GET_RATE says the same");

	/* No rate that a divider makes, so that its rounded rate may round to yet another. */
	rounded = clk(ROUND_RATE, clock_id, rate / 10 * 9);
	transfer = clk(SET_RATE, clock_id, rate / 10 * 9);
	check(run(fd, &rounded) == 0 && run(fd, &transfer) == 0 &&
	      get64(transfer.rx) == get64(rounded.rx), "SET_RATE to nine tenths");
	check_is(run_clk(SET_RATE, clock_id, rate), 0, "SET_RATE back");

	transfer = clk(SET_PARENT, clock_id, parent_id);
	check(run(fd, &transfer) == 0 && get32(transfer.rx) == parent_id,
	      "SET_PARENT to what it is");
	check_is(holds(), 0, "no hold by any of that");
}

static void resets_are_done(void)
{
	check_is(run_reset(ASSERT, reset_id), 0, "ASSERT");
	check_is(run_reset(DEASSERT, reset_id), 0, "DEASSERT");
	check_is(run_reset(MODULE, reset_id), 0, "MODULE");
}

static void domains_are_held_once(void)
{
	struct bpmp_host_transfer transfer = three(MRQ_PG, GET_STATE, domain_id, 0);

	check_is(run_pg(SET_STATE, domain_id, 1), 0, "power on");
	check_is(run_pg(SET_STATE, domain_id, 1), 0, "power on again");
	check_is(hold_flags(fd, BPMP_HOST_POWER_DOMAIN, domain_id), 0, "a hold, and no orphan");
	check_is(holds(), 1, "one hold");
	check(run(fd, &transfer) == 0 && get32(transfer.rx) == 1, "the firmware says it is on");
	check_is(run_pg(SET_STATE, domain_id, 7), -BPMP_EINVAL, "a state that isn't one");
	check_is(run_pg(SET_STATE, domain_id, 0), 0, "power off");
	check_is(holds(), 0, "no hold");
	check_is(run_pg(SET_STATE, domain_id, 0), 0, "power off again");
}

static void holds_are_listed(void)
{
	struct bpmp_host_holds list = { 0 };

	run_pg(SET_STATE, domain_id, 1);
	run_clk(ENABLE, clock_id, 0);
	run_clk(ENABLE, parent_id, 0);

	check_is(do_ioctl(fd, BPMP_HOST_HOLDS, &list), 0, "HOLDS");
	check(list.count == 3 && list.total == 3, "three");
	check(list.hold[0].type == BPMP_HOST_CLOCK && list.hold[1].type == BPMP_HOST_CLOCK &&
	      list.hold[0].id < list.hold[1].id && list.hold[2].type == BPMP_HOST_POWER_DOMAIN &&
	      list.hold[2].id == domain_id, "in the order of type and id");

	list = (struct bpmp_host_holds){ .start = 2 };
	check(!do_ioctl(fd, BPMP_HOST_HOLDS, &list) && list.count == 1 && list.total == 3 &&
	      list.hold[0].id == domain_id, "the third alone");
	list = (struct bpmp_host_holds){ .start = UINT32_MAX };
	check(!do_ioctl(fd, BPMP_HOST_HOLDS, &list) && list.count == 0 && list.total == 3,
	      "none behind the last");
	list = (struct bpmp_host_holds){ .pad = 1 };
	check_is(do_ioctl(fd, BPMP_HOST_HOLDS, &list), -EINVAL, "HOLDS, pad not zero");

	check_is(release_all(), 3, "RELEASE_ALL ends three");
	check_is(holds(), 0, "none is left");
	check_is(release_all(), 0, "RELEASE_ALL ends none");
}

static void holds_outlive_their_file(void)
{
	struct bpmp_host_transfer transfer = clk(ENABLE, clock_id, 0);
	struct bpmp_host_release release = { .reserved = { 1 } };
	int other = open_device();

	check_is(run(other, &transfer), 0, "another file's ENABLE");
	check_is(hold_flags(fd, BPMP_HOST_CLOCK, clock_id), 0, "is a hold");
	close(other);
	check_is(hold_flags(fd, BPMP_HOST_CLOCK, clock_id), BPMP_HOST_HOLD_ORPHAN,
		 "is an orphan when that file is closed");
	check_is(do_ioctl(fd, BPMP_HOST_ADOPT, NULL), 0, "ADOPT");
	check_is(hold_flags(fd, BPMP_HOST_CLOCK, clock_id), 0, "is no orphan any more");
	check_is(do_ioctl(fd, BPMP_HOST_RELEASE_ALL, &release), -EINVAL,
		 "RELEASE_ALL, reserved not zero");
	check_is(holds(), 1, "ends nothing");
	check_is(release_all(), 1, "RELEASE_ALL");
}

/* Waits until poll() says so, for as long as a transfer takes at most. */
static bool wait_for(int file, short events)
{
	struct pollfd poller = { .fd = file, .events = events };

	return poll(&poller, 1, TIMEOUT_MS) == 1 && (poller.revents & events);
}

/* Submits as soon as there is a slot; zero if it could not. */
static uint64_t submit(int file, struct bpmp_host_transfer transfer)
{
	int returned;

	transfer.timeout_ms = 0;
	do {
		if (!wait_for(file, POLLOUT))
			return 0;
		returned = do_ioctl(file, BPMP_HOST_SUBMIT, &transfer);
	} while (returned == -EAGAIN);

	return returned ? 0 : transfer.cookie;
}

static int take(int file, uint64_t cookie, struct bpmp_host_transfer *transfer)
{
	*transfer = blank(0, 0);
	transfer->timeout_ms = 0;
	transfer->cookie = cookie;

	return do_ioctl(file, BPMP_HOST_RESULT, transfer);
}

static int abandon(int file, uint64_t cookie)
{
	return do_ioctl(file, BPMP_HOST_ABANDON, &cookie);
}

static void answers_are_read_by_cookie(void)
{
	struct bpmp_host_transfer transfer;
	uint64_t first, second;
	int other = open_device();

	check_is(take(fd, 0, &transfer), -ENOENT, "RESULT of nothing");
	first = submit(fd, ping(11));
	check(first, "SUBMIT");
	second = submit(fd, ping(22));
	check(second && second != first, "SUBMIT gives another cookie");
	check_is(take(other, first, &transfer), -ENOENT, "RESULT by another file");
	check_is(abandon(other, first), -ENOENT, "ABANDON by another file");

	while (take(fd, second, &transfer) == -EAGAIN)
		wait_for(fd, POLLIN);
	check(transfer.cookie == second && !transfer.status && !transfer.err &&
	      get32(transfer.rx) == 44, "RESULT of the second");
	check_is(take(fd, second, &transfer), -ENOENT, "RESULT of it again");

	check(wait_for(fd, POLLIN), "POLLIN for the first");
	check(take(fd, 0, &transfer) == 0 && transfer.cookie == first && get32(transfer.rx) == 22,
	      "RESULT of whichever");
	check_is(take(fd, 0, &transfer), -ENOENT, "RESULT of no more");
	check_is(take(fd, UINT64_MAX, &transfer), -ENOENT, "RESULT of a cookie that never was");

	close(other);
}

static void answers_are_given_up(void)
{
	struct bpmp_host_transfer transfer;
	uint64_t cookie = submit(fd, ping(1));

	check_is(abandon(fd, cookie), 0, "ABANDON");
	check_is(abandon(fd, cookie), -ENOENT, "ABANDON again");
	check_is(take(fd, cookie, &transfer), -ENOENT, "RESULT of what was given up");
	check_is(abandon(fd, 0), -ENOENT, "ABANDON of cookie zero");
	check_is(abandon(fd, UINT64_MAX), -ENOENT, "ABANDON of a cookie that never was");

	cookie = submit(fd, ping(1));
	wait_for(fd, POLLIN);
	check_is(abandon(fd, cookie), 0, "ABANDON of what is done");
	check_is(take(fd, 0, &transfer), -ENOENT, "and it is gone");
}

static void unread_answers_are_bounded(void)
{
	struct bpmp_host_transfer transfer;
	int submitted = 0, taken = 0, other = open_device();

	while (submitted < 64 && submit(other, ping(submitted)))
		submitted++;
	check_is(submitted, 64, "64 answers may wait");

	wait_for(other, POLLOUT);
	transfer = ping(1);
	transfer.timeout_ms = 0;
	check_is(do_ioctl(other, BPMP_HOST_SUBMIT, &transfer), -ENOBUFS, "one more may not");
	transfer = ping(5);
	check(run(fd, &transfer) == 0 && get32(transfer.rx) == 10, "another file doesn't mind");

	while (wait_for(other, POLLIN) && !take(other, 0, &transfer) && ++taken < 64)
		;
	check_is(taken, 64, "all are read");
	check(submit(other, ping(1)), "and more may come");
	close(other);
}

static void closing_gives_up_all(void)
{
	int other, i;

	for (i = 0; i < 200; i++) {
		struct bpmp_host_transfer transfer = ping(i);

		other = open_device();
		transfer.timeout_ms = 0;
		do_ioctl(other, BPMP_HOST_SUBMIT, &transfer);
		do_ioctl(other, BPMP_HOST_SUBMIT, &transfer);
		close(other);
	}
	check(wait_for(fd, POLLOUT), "200 files closed with requests in flight");

	other = open_device();
	check(submit(other, clk(ENABLE, clock_id, 0)), "SUBMIT of ENABLE");
	close(other);
	for (i = 0; i < 1000 && holds() == 0; i++)
		usleep(20000);
	check_is(hold_flags(fd, BPMP_HOST_CLOCK, clock_id), BPMP_HOST_HOLD_ORPHAN,
		 "its effect counts, and is an orphan");
	check_is(release_all(), 1, "RELEASE_ALL");
}

/* Pings on a file, shared or its own; returns how many answers were wrong. */
static void *pinger(void *shared)
{
	int file = shared ? *(int *)shared : open_device();
	uint32_t mine = (uint32_t)(uintptr_t)pthread_self() & 0x0ffff000;
	uintptr_t wrong = 0;

	for (uint32_t i = 0; i < 200; i++) {
		struct bpmp_host_transfer transfer = ping(mine + i);

		wrong += run(file, &transfer) || get32(transfer.rx) != 2 * (mine + i);
	}

	if (!shared)
		close(file);

	return (void *)wrong;
}

static void many_at_once(void)
{
	pthread_t threads[8];
	uintptr_t wrong = 0;
	void *returned;

	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, pinger, i % 2 ? &fd : NULL);
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], &returned);
		wrong += (uintptr_t)returned;
	}
	check_is(wrong, 0, "eight threads, each has its own answers");
}

static void *switcher(void *unused)
{
	(void)unused;
	for (int i = 0; i < 50; i++) {
		run_clk(ENABLE, clock_id, 0);
		run_pg(SET_STATE, domain_id, 1);
		run_clk(DISABLE, clock_id, 0);
		run_pg(SET_STATE, domain_id, 0);
	}

	return NULL;
}

static void switching_at_once(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, switcher, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	check_is(holds(), 0, "four threads switch one clock and domain: none is left");
}

/* A process that is killed while it waits leaves the device usable. */
static void killed_while_waiting(void)
{
	int status;
	pid_t child = fork();

	if (!child) {
		for (;;) {
			struct bpmp_host_transfer transfer = ping(1);

			ioctl(fd, BPMP_HOST_TRANSFER, &transfer);
		}
	}

	usleep(50000);
	kill(child, SIGKILL);
	check(waitpid(child, &status, 0) == child && WIFSIGNALED(status), "a killed process ends");
	check_is(run_clk(GET_RATE, clock_id, 0), 0, "the device works");
}

static uint32_t noise(void)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;

	return state >> 16;
}

/* Random requests, well-formed as structures. Ids are too wide to be allowed by chance. */
static void noise_is_refused(void)
{
	int unexpected = 0;

	for (int i = 0; i < 3000; i++) {
		struct bpmp_host_transfer transfer = blank(noise() % 100, noise() % 121);

		transfer.rx_size = noise() % 121;
		for (uint32_t at = 0; at < transfer.tx_size; at++)
			transfer.tx[at] = noise();
		if (transfer.mrq == MRQ_CLK && transfer.tx_size > 3) {
			transfer.tx[2] |= 0x80;
			transfer.tx[3] = noise() % 20;
		}
		if (transfer.mrq == MRQ_RESET || transfer.mrq == MRQ_PG) {
			transfer.tx_size = 12;
			put32(transfer.tx, noise() % 6);
			transfer.tx[7] |= 0x80;
			memset(transfer.tx + 12, 0, sizeof(transfer.tx) - 12);
		}

		unexpected += do_ioctl(fd, BPMP_HOST_TRANSFER, &transfer) || transfer.status ||
			      transfer.err > 0;
	}

	check_is(unexpected, 0, "3000 random requests have answers");
	check_is(holds(), 0, "and no hold");
}

/* write() */

struct message {
	uint32_t mrq;
	uint32_t reserved;
	uint64_t tx_data;
	uint64_t tx_size;
	uint64_t rx_data;
	uint64_t rx_size;
	int32_t ret;
	uint32_t reserved2;
	uint64_t flags;
};

static uint8_t tx[256], rx[256];

static struct message message(uint32_t mrq, uint64_t tx_size, uint64_t rx_size)
{
	memset(rx, 0xa5, sizeof(rx));

	return (struct message){
		.mrq = mrq,
		.reserved = 0xdeadbeef,
		.tx_data = (uintptr_t)tx,
		.tx_size = tx_size,
		.rx_data = (uintptr_t)rx,
		.rx_size = rx_size,
		.ret = 0x5a5a,
		.reserved2 = 0xdeadbeef,
		.flags = UINT64_MAX,
	};
}

static int do_write(const struct message *message, size_t size)
{
	return result(write(fd, message, size));
}

static void messages_of_both_sizes(void)
{
	for (size_t size = 48; size <= 56; size += 8) {
		struct message ask = message(MRQ_PING, 4, 4);
		struct message before = ask;

		put32(tx, 0x01020304);
		check_is(do_write(&ask, size), size, "write() of a PING");
		check(ask.ret == 0 && get32(rx) == 0x02040608, "its reply");
		check(all(rx + 4, sizeof(rx) - 4, 0xa5), "nothing behind rx_size is written");
		before.ret = ask.ret;
		check(!memcmp(&before, &ask, sizeof(ask)), "nothing but ret is written");

		put32(tx, ENABLE << 24 | clock_id);
		ask = message(MRQ_CLK, 16, 0);
		check(do_write(&ask, size) == (int)size && ask.ret == 0, "ENABLE");
		check_is(hold_flags(fd, BPMP_HOST_CLOCK, clock_id), 0, "is a hold");
		put32(tx, DISABLE << 24 | clock_id);
		ask = message(MRQ_CLK, 16, 0);
		check(do_write(&ask, size) == (int)size && ask.ret == 0, "DISABLE");
		check_is(holds(), 0, "ends it");

		put32(tx, ENABLE << 24 | denied_clock);
		ask = message(MRQ_CLK, 16, 4);
		check(do_write(&ask, size) == (int)size && ask.ret == -BPMP_EACCES,
		      "ENABLE of a clock that isn't allowed");
		check(all(rx, 4, 0), "has nothing in its answer");
		put32(tx, 13 << 24 | clock_id);
		ask = message(MRQ_CLK, 16, 0);
		check(do_write(&ask, size) == (int)size && ask.ret == -BPMP_EBADCMD,
		      "a withdrawn command");
		ask = message(75, 120, 120);
		check(do_write(&ask, size) == (int)size && ask.ret == -BPMP_EINVAL, "DEBUG");
	}
}

static void messages_with_wrong_sizes(void)
{
	static const uint64_t sizes[] = {
		121, 512, 1025, 0x100000000ULL, 1ULL << 63, UINT64_MAX,
	};
	static const size_t lengths[] = { 0, 1, 40, 47, 49, 52, 55, 57, 64 };
	uint8_t buffer[64] = { 0 };
	struct message ask;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ask = message(MRQ_CLK, sizes[i], 8);
		check(do_write(&ask, 48) == 48 && ask.ret == -BPMP_EINVAL, "tx.size too large");
		ask = message(MRQ_PING, 4, sizes[i]);
		check(do_write(&ask, 48) == 48 && ask.ret == -BPMP_EINVAL, "rx.size too large");
		check(all(rx, sizeof(rx), 0xa5), "nothing is written");
	}

	ask = message(MRQ_CLK, 0, 8);
	ask.tx_data = 0;
	check(do_write(&ask, 48) == 48 && ask.ret == -BPMP_EINVAL, "CLK without anything");
	ask = message(MRQ_FW_TAG, 0, 32);
	ask.tx_data = 0;
	check(do_write(&ask, 48) == 48 && ask.ret == 0, "QUERY_FW_TAG without anything");

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		int returned = result(write(fd, buffer, lengths[i]));

		check(returned == -EINVAL || (!lengths[i] && !returned),
		      "write() of another length");
	}
}

static void messages_with_wrong_pointers(void)
{
	struct message ask = message(MRQ_PING, 4, 4);

	ask.tx_data = 8;
	check_is(do_write(&ask, 48), -EFAULT, "tx.data is nothing");
	ask = message(MRQ_PING, 4, 4);
	ask.tx_data = 0xffff000000000000ULL;
	check_is(do_write(&ask, 48), -EFAULT, "tx.data is the kernel's");
	ask = message(MRQ_PING, 4, 4);
	ask.rx_data = 8;
	check_is(do_write(&ask, 48), -EFAULT, "rx.data is nothing");
	ask = message(MRQ_PING, 4, 4);
	ask.rx_data = 0xffff000000000000ULL;
	check_is(do_write(&ask, 48), -EFAULT, "rx.data is the kernel's");
	check_is(result(write(fd, nowhere, 48)), -EFAULT, "the message is nothing");

	ask = message(MRQ_PING, 4, 4);
	check(do_write(&ask, 48) == 48 && !ask.ret, "the device works");
}

/* all of them */

static void arguments(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "d:c:p:r:g:C:R:G:")) != -1) {
		switch (option) {
		case 'd':
			device = optarg;
			break;
		case 'c':
			clock_id = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			parent_id = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			reset_id = strtoul(optarg, NULL, 0);
			break;
		case 'g':
			domain_id = strtoul(optarg, NULL, 0);
			break;
		case 'C':
			denied_clock = strtoul(optarg, NULL, 0);
			break;
		case 'R':
			denied_reset = strtoul(optarg, NULL, 0);
			break;
		case 'G':
			denied_domain = strtoul(optarg, NULL, 0);
			break;
		default:
			exit(2);
		}
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} suites[] = {
	{ "info says what it is", info_says_what_it_is },
	{ "reads are answered", reads_are_answered },
	{ "structures are checked", structures_are_checked },
	{ "memory is checked", memory_is_checked },
	{ "other ioctls are unknown", other_ioctls_are_unknown },
	{ "payloads are checked", payloads_are_checked },
	{ "commands are checked", commands_are_checked },
	{ "other requests are refused", other_requests_are_refused },
	{ "what is not allowed is denied", what_is_not_allowed_is_denied },
	{ "ancestors are enable-only", ancestors_are_enable_only },
	{ "clocks are held once", clocks_are_held_once },
	{ "clocks are set", clocks_are_set },
	{ "resets are done", resets_are_done },
	{ "domains are held once", domains_are_held_once },
	{ "holds are listed", holds_are_listed },
	{ "holds outlive their file", holds_outlive_their_file },
	{ "answers are read by cookie", answers_are_read_by_cookie },
	{ "answers are given up", answers_are_given_up },
	{ "unread answers are bounded", unread_answers_are_bounded },
	{ "closing gives up all", closing_gives_up_all },
	{ "many at once", many_at_once },
	{ "switching at once", switching_at_once },
	{ "killed while waiting", killed_while_waiting },
	{ "noise is refused", noise_is_refused },
	{ "messages of both sizes", messages_of_both_sizes },
	{ "messages with wrong sizes", messages_with_wrong_sizes },
	{ "messages with wrong pointers", messages_with_wrong_pointers },
};

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	arguments(argc, argv);
	fd = open_device();

	check(release_all() >= 0, "RELEASE_ALL, to begin with");
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
		printf("# %s\n", suites[i].name);
		suites[i].run();
	}
	check(release_all() == 0, "no hold at the end");

	printf("host_device_test: %d checks, %d failures\n", checks, failures);

	return failures ? 1 : 0;
}
