/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two CPUs without an operating system, which do what a test writes into their RAM. The first rings the doorbell;
 * the second counts, and looks into the window when it is told to. two_cpus_test.cc has the same offsets.
 */
        .equ    RAM, 0x41000000
        .equ    WINDOW, 0x090c0000
        .equ    COUNTER, 0x00           /* of the second CPU */
        .equ    RING, 0x08              /* the test: an MRQ + 1; taken back when the store is over */
        .equ    RANG, 0x10              /* how often that was */
        .equ    RING_SAW, 0x18          /* RET and TSTAT afterwards */
        .equ    LOOK, 0x20              /* the test: 1; taken back before looking */
        .equ    LOOKED, 0x28            /* how often it has looked */
        .equ    LOOK_SAW, 0x30          /* RET and TSTAT */
        .equ    FAULTS, 0x38            /* exceptions of either CPU */

        .include "cpus.inc"

        .global _start
_start:
        ldr     x20, =RAM
        ldr     x21, =WINDOW
        install_vectors
        mrs     x0, mpidr_el1
        and     x0, x0, #0xff
        cbnz    x0, second

        start_second_cpu

first:
        ldr     x0, [x20, #RING]
        cbz     x0, first
        sub     x0, x0, #1
        str     w0, [x21, #0x500]
        ldr     x1, [x21, #0x410]
        str     x1, [x20, #RING_SAW]
        str     xzr, [x20, #RING]
        ldr     x1, [x20, #RANG]
        add     x1, x1, #1
        str     x1, [x20, #RANG]
        b       first

second:
        ldr     x0, [x20, #COUNTER]
        add     x0, x0, #1
        str     x0, [x20, #COUNTER]
        ldr     x0, [x20, #LOOK]
        cbz     x0, second
        str     xzr, [x20, #LOOK]
        ldr     x1, [x21, #0x410]
        str     x1, [x20, #LOOK_SAW]
        ldr     x1, [x20, #LOOKED]
        add     x1, x1, #1
        str     x1, [x20, #LOOKED]
        b       second

        count_faults
