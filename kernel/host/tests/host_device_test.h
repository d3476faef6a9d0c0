// SPDX-License-Identifier: GPL-2.0-only
/* What the files of host_device_test share; main.c says what it does. */
#ifndef HOST_DEVICE_TEST_H
#define HOST_DEVICE_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* main.c: the options, and the file that most checks use. */
extern const char *device;
extern uint32_t clock_id, parent_id, reset_id, domain_id;
extern uint32_t denied_clock, denied_reset, denied_domain;
extern int fd;

/* The checks about one subject, in the order in which they run; the last has no name. */
struct suite {
	const char *name;
	void (*run)(void);
};

extern const struct suite flat_transfers[], flat_structures[], flat_refusals[], flat_holds[];
extern const struct suite flat_cookies[], flat_openers[], flat_turns[], flat_noise[], legacy[];
extern const struct suite stuck[];

/* check.c */

void check(bool good, const char *what);
void check_is(long got, long wanted, const char *what);

/* Prints the last line, and returns how many checks failed. */
int conclude(void);

/* device.c */

/* No memory is there; volatile, so that the compiler believes in it. */
extern void *volatile nowhere;

/* A system call's result as the kernel means it: what it returns, or a negative errno. */
int result(int returned);
int do_ioctl(int file, unsigned long request, void *argument);
int open_device(void);

/* Waits until poll() says so, for as long as a transfer takes at most. */
bool wait_for(int file, short events);

/* Whether SUBMIT is worth a try now, by what poll() says. */
bool may_submit(int file);

/* The flags of a hold, or -1 if there is none. */
int hold_flags(int file, uint32_t type, uint32_t id);
int holds(void);
int release_all(void);

/* requests.c */

void put32(uint8_t *at, uint32_t value);
uint32_t get32(const uint8_t *at);
uint64_t get64(const uint8_t *at);
bool all(const uint8_t *bytes, size_t size, uint8_t value);

struct bpmp_host_transfer blank(uint32_t mrq, uint32_t tx_size);
struct bpmp_host_transfer ping(uint32_t challenge);
struct bpmp_host_transfer clk(uint32_t cmd, uint32_t id, uint64_t number);
struct bpmp_host_transfer three(uint32_t mrq, uint32_t cmd, uint32_t id, uint32_t state);

/* Runs it, expects the ioctl to succeed, and returns the firmware's error word. */
int run(int file, struct bpmp_host_transfer *transfer);
int run_clk(uint32_t cmd, uint32_t id, uint64_t number);
int run_reset(uint32_t cmd, uint32_t id);
int run_pg(uint32_t cmd, uint32_t id, uint32_t state);

/* Submits as soon as there is a slot; zero if it could not. */
uint64_t submit(int file, struct bpmp_host_transfer transfer);

/* process.c */

/* Makes the call in a process that is killed as soon as it waits in the kernel; checks that it ends. */
void killed_in(void (*call)(void), const char *what);

/* legacy.c */

/* By write() what the transfer asks; the error word, or a negative errno of write() itself. */
int run_write(struct bpmp_host_transfer *transfer);

/* soak.c */

/* Twelve requests a round, and a line that says how many were not answered as they should. */
void soak(unsigned long rounds);

/* One ENABLE and one ASSERT, each in two ways, and a line for each that says what came of it. */
void attempt(void);

/* One SET_RATE of the clock, and a line that says what came of it. */
void attempt_rate(uint64_t hz);

#endif
