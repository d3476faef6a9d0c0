/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two CPUs without an operating system, each of which stores or loads 32 bits where a test tells it to.
 * device_access_test.cc has the same offsets.
 */
        .equ    RAM, 0x41000000         /* then 0x40 bytes for each CPU: */
        .equ    COMMAND, 0x00           /* the test: 1 store, 2 load; taken back when done */
        .equ    ADDRESS, 0x08
        .equ    VALUE, 0x10             /* to store; or loaded */
        .equ    ALIVE, 0x18             /* 1: it takes commands */
        .equ    FAULTS, 0x20            /* exceptions */

        .include "cpus.inc"

        .global _start
_start:
        ldr     x20, =RAM
        begin_on_both
wait:
        ldr     x0, [x20, #COMMAND]
        cbz     x0, wait
        ldr     x1, [x20, #ADDRESS]
        ldr     x2, [x20, #VALUE]
        cmp     x0, #2
        b.eq    load
        str     w2, [x1]
        b       done
load:
        ldr     w2, [x1]
        str     x2, [x20, #VALUE]
done:
        str     xzr, [x20, #COMMAND]
        b       wait

        count_faults
