/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests on their way: who waits for which, and what became of it.
 */
#ifndef BPMP_HOST_JOBS_H
#define BPMP_HOST_JOBS_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <soc/tegra/bpmp-abi.h>

struct bpmp_proxy;

/* The BPMP has three channels for callers that sleep, and the host's own drivers need one. */
#define BPMP_PROXY_SLOTS		2

/* Requests of one file whose answers were not read. */
#define BPMP_PROXY_FILE_JOBS_MAX	64

/**
 * struct bpmp_proxy_answer - what became of a request
 * @status: the transport: 0, or a negative errno, and then the rest is zero
 * @err: the firmware's error word
 * @rx: the payload; zero where there is an error
 */
struct bpmp_proxy_answer {
	int status;
	s32 err;
	u8 rx[MSG_DATA_MIN_SZ];
};

/**
 * struct bpmp_proxy_job - a request on its way
 *
 * The caller's until bpmp_proxy_job_start(); then the worker's until it is @done; then that of
 * @file, or, if there is none, nobody's and freed.
 *
 * @work: runs it
 * @proxy: never NULL
 * @release_all: ends every hold, and is no request
 * @mrq: the request's number, not looked at yet
 * @tx_size: bytes of @tx
 * @tx: the request
 * @rx_size: bytes of the answer that are wanted
 * @waited: a system call waits for it; found by no cookie
 * @answer: the answer, written by the worker before @done
 * @released: holds that @release_all ended
 * @failed: holds that it could not end
 * @running: in bpmp_proxy.waiting until it has a slot, then in .running until its end. Under lock,
 *	as the following
 * @node: in bpmp_proxy_file.pending or .finished
 * @file: who gets the answer; NULL: given up
 * @owner: who gets what it switches on; NULL: closed
 * @cookie: its name within @file; constant
 * @done: the worker is through with it
 */
struct bpmp_proxy_job {
	struct work_struct work;
	struct bpmp_proxy *proxy;
	bool release_all;
	u32 mrq;
	u32 tx_size;
	u32 rx_size;
	u8 tx[MSG_DATA_MIN_SZ];
	bool waited;
	struct bpmp_proxy_answer answer;
	u32 released;
	u32 failed;

	struct list_head running;
	struct list_head node;
	struct bpmp_proxy_file *file;
	struct bpmp_proxy_file *owner;
	u64 cookie;
	bool done;
};

/**
 * struct bpmp_proxy_file - an open file
 * @proxy: counted
 * @wait: for its jobs to be done
 * @pending: jobs that run. Under bpmp_proxy.lock, as the following
 * @finished: jobs whose answer waits to be read, oldest first
 * @jobs: how many submitted ones there are in both
 * @cookies: the last that was given
 */
struct bpmp_proxy_file {
	struct bpmp_proxy *proxy;
	wait_queue_head_t wait;
	struct list_head pending;
	struct list_head finished;
	unsigned int jobs;
	u64 cookies;
};

struct bpmp_proxy_job *bpmp_proxy_job_new(struct bpmp_proxy_file *file);
int bpmp_proxy_job_reserve(struct bpmp_proxy_job *job);
void bpmp_proxy_job_start(struct bpmp_proxy_job *job);
int bpmp_proxy_job_run(struct bpmp_proxy_job *job, long timeout);

/* answers */

u64 bpmp_proxy_cookie(struct bpmp_proxy_file *file);
void bpmp_proxy_job_detach(struct bpmp_proxy_job *job);
struct bpmp_proxy_job *bpmp_proxy_job_take(struct bpmp_proxy_file *file, u64 cookie);
void bpmp_proxy_job_put_back(struct bpmp_proxy_file *file, struct bpmp_proxy_job *job);
int bpmp_proxy_job_abandon(struct bpmp_proxy_file *file, u64 cookie);
void bpmp_proxy_jobs_close(struct bpmp_proxy_file *file);

#endif /* BPMP_HOST_JOBS_H */
