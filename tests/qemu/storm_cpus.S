/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two CPUs without an operating system, each of which writes anything anywhere into the mailbox's shared memory, and
 * rings, as often as a test says. Half of the stores are to the words that the protocol lives by, and half of the
 * values are such as it has. mailbox_fuzz_test.cc has the same offsets.
 */
        .equ    RAM, 0x41000000         /* then 0x40 bytes for each CPU: */
        .equ    COUNT, 0x00             /* the test: how often; taken back when done */
        .equ    SEED, 0x08              /* not 0 */
        .equ    ALIVE, 0x18             /* 1: it takes commands */
        .equ    FAULTS, 0x20            /* exceptions */
        .equ    SHMEM, 0x0b100000
        .equ    TRIGGER, 0x0b090300

        .include "cpus.inc"

        .global _start
_start:
        ldr     x20, =RAM
        ldr     x21, =SHMEM
        ldr     x22, =TRIGGER
        ldr     x23, =0x13c4            /* page, channel 0 to 3, and counts, states and what a frame begins with */
        begin_on_both
wait:
        ldr     x0, [x20, #COUNT]
        cbz     x0, wait
        ldr     x3, [x20, #SEED]
next:
        eor     x3, x3, x3, lsl #13     /* xorshift64 */
        eor     x3, x3, x3, lsr #7
        eor     x3, x3, x3, lsl #17
        ands    x4, x3, #7
        b.eq    ring
        lsr     x5, x3, #8
        and     x5, x5, #0x1ffc
        tbz     x3, #3, place
        and     x5, x5, x23
place:
        lsr     x6, x3, #24
        tbz     x3, #4, store
        and     x6, x6, #3
store:
        str     w6, [x21, x5]
        b       done
ring:
        mov     w6, #1
        str     w6, [x22]
done:
        subs    x0, x0, #1
        b.ne    next
        str     x3, [x20, #SEED]
        str     xzr, [x20, #COUNT]
        b       wait

        count_faults
