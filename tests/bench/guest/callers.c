// SPDX-License-Identifier: Apache-2.0
/*
 * A program of the guest: asks by /dev/bpmp-bench (bpmp-bench.c) from several processes at once.
 *
 *   callers atomic REQUESTS    IS_ENABLED with interrupts off, one after the other; prints nothing
 *   callers rates REQUESTS N   that many GET_RATE from each of N processes; prints the nanoseconds from the first to
 *                              the last, divided by all of them
 *   callers lost REQUESTS      as many GET_RATE from one process while another counts; prints how many of a thousand
 *                              counts it could not make because somebody waited
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ATOMIC = 12, GET_RATE = 16, MAX_CALLERS = 16 };

static uint64_t now(void) {
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void ask(int fd, off_t action, int requests) {
    for (int i = 0; i < requests; i++) {
        uint32_t answer = 0;

        if (pread(fd, &answer, sizeof(answer), action) != sizeof(answer)) {
            perror("callers: /dev/bpmp-bench");
            exit(1);
        }
    }
}

/* A process that asks once the pipe is closed. */
static pid_t start_caller(int fd, int requests, const int start[2]) {
    const pid_t pid = fork();
    char none;

    if (pid != 0) {
        return pid;
    }
    close(start[1]);
    if (read(start[0], &none, 1) != 0) {
        _exit(1);
    }
    ask(fd, GET_RATE, requests);
    _exit(0);
}

static int rates(int fd, int requests, int callers) {
    int start[2];
    int status = 0, failed = 0;
    uint64_t begin;

    if (callers < 1 || callers > MAX_CALLERS || pipe(start) != 0) {
        return 1;
    }
    for (int i = 0; i < callers; i++) {
        if (start_caller(fd, requests, start) < 0) {
            return 1;
        }
    }
    begin = now();
    close(start[1]);
    while (wait(&status) > 0) {
        failed |= status;
    }
    printf("%llu\n", (unsigned long long)((now() - begin) / (uint64_t)(requests * callers)));
    return failed != 0;
}

/* Counts in a second while the clock runs; the counter is shared with who counts. */
static double pace(const volatile uint64_t *counter, int fd, int requests) {
    const uint64_t begin = now(), before = *counter;

    if (requests > 0) {
        ask(fd, GET_RATE, requests);
    } else {
        sleep(1);
    }
    return (double)(*counter - before) / (double)(now() - begin);
}

static int lost(int fd, int requests) {
    volatile uint64_t *counter =
        mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid;
    double alone, beside;

    if (counter == MAP_FAILED || (pid = fork()) < 0) {
        return 1;
    }
    while (pid == 0) {
        ++*counter;
    }
    while (*counter == 0) {
        usleep(1000);
    }
    alone = pace(counter, fd, 0);
    beside = pace(counter, fd, requests);
    kill(pid, 9);
    printf("%d\n", (int)(1000 * (1 - beside / alone)));
    return 0;
}

int main(int argc, char **argv) {
    const int fd = open("/dev/bpmp-bench", O_RDONLY);
    const int requests = argc > 2 ? atoi(argv[2]) : 0;

    if (requests < 1) {
        fprintf(stderr, "usage: callers atomic|rates|lost REQUESTS [CALLERS]\n");
        return 2;
    }
    if (fd < 0) {
        perror("callers: /dev/bpmp-bench");
        return 1;
    }
    if (strcmp(argv[1], "atomic") == 0) {
        ask(fd, ATOMIC, requests);
        return 0;
    }
    if (strcmp(argv[1], "lost") == 0) {
        return lost(fd, requests);
    }
    return rates(fd, requests, argc > 3 ? atoi(argv[3]) : 1);
}
