// SPDX-License-Identifier: Apache-2.0
/*
 * A program of the guest: times the first things that /dev/bpmp-bench (bpmp-bench.c) does, three unless it is told
 * how many, in turn, and prints the median of each in nanoseconds, in their order.
 *
 *   round_trips CHUNKS [ACTIONS]
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { ACTIONS = 3, CHUNK = 100, MAX_CHUNKS = 1000 };

static uint64_t spent[ACTIONS][MAX_CHUNKS * CHUNK];

static uint64_t now(void) {
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void time_chunk(int fd, int action, uint64_t *times) {
    for (int i = 0; i < CHUNK; i++) {
        const uint64_t begin = now();
        uint32_t answer = 0;

        if (pread(fd, &answer, sizeof(answer), action * (off_t)sizeof(answer)) != sizeof(answer)) {
            perror("round_trips: /dev/bpmp-bench");
            exit(1);
        }
        times[i] = now() - begin;
    }
}

static int compare(const void *left, const void *right) {
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

int main(int argc, char **argv) {
    const int chunks = argc > 1 ? atoi(argv[1]) : 0;
    const int actions = argc > 2 ? atoi(argv[2]) : ACTIONS;
    const int fd = open("/dev/bpmp-bench", O_RDONLY);

    if (chunks < 1 || chunks > MAX_CHUNKS || actions < 1 || actions > ACTIONS) {
        fprintf(stderr, "usage: round_trips CHUNKS [ACTIONS], at most %d and %d\n", MAX_CHUNKS, ACTIONS);
        return 2;
    }
    if (fd < 0) {
        perror("round_trips: /dev/bpmp-bench");
        return 1;
    }
    for (int action = 0; action < actions; action++) {
        time_chunk(fd, action, spent[action]); /* a warm-up: overwritten below */
    }
    for (int chunk = 0; chunk < chunks; chunk++) {
        for (int action = 0; action < actions; action++) {
            time_chunk(fd, action, spent[action] + chunk * CHUNK);
        }
    }
    for (int action = 0; action < actions; action++) {
        const size_t count = (size_t)chunks * CHUNK;

        qsort(spent[action], count, sizeof(uint64_t), compare);
        printf("%llu ", (unsigned long long)spent[action][count / 2]);
    }
    printf("\n");
    return 0;
}
