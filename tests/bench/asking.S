/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CPU without an operating system that asks the BPMP: as often as it is told to, timing each store to the doorbell;
 * or once, with all the accesses that a guest's driver needs. device_bench.cc has the same offsets.
 */
        .equ    RAM, 0x41000000
        .equ    WINDOW, 0x090c0000
        .equ    TIMES, 0x00             /* the bench: how often; taken back when done */
        .equ    ONCE, 0x08              /* the bench: 1; taken back when done */
        .equ    FAILED, 0x10            /* requests whose RET or TSTAT wasn't 0 */
        .equ    READY, 0x18             /* the counter's frequency, Hz */
        .equ    TICKS, 0x1000           /* of the counter, u64 for each time */

        .global _start
_start:
        ldr     x20, =RAM
        ldr     x21, =WINDOW
        mov     w22, #22                /* MRQ_CLK */
        mrs     x0, cntfrq_el0
        str     x0, [x20, #READY]

idle:
        ldr     x19, [x20, #TIMES]
        cbnz    x19, times
        ldr     x0, [x20, #ONCE]
        cbz     x0, idle

        /* CLK IS_ENABLED of the clock 155, payload only: seven accesses. */
        ldr     x0, =0x0600009b
        str     x0, [x21, #0x000]
        str     xzr, [x21, #0x008]
        mov     x0, #16
        str     x0, [x21, #0x400]
        mov     x0, #4
        str     x0, [x21, #0x408]
        str     w22, [x21, #0x500]
        ldr     x1, [x21, #0x410]
        ldr     x0, [x21, #0x200]
        cbz     x1, 1f
        mov     x0, #1
        str     x0, [x20, #FAILED]
1:      str     xzr, [x20, #ONCE]
        b       idle

times:
        add     x23, x20, #TICKS
2:      isb
        mrs     x1, cntvct_el0
        str     w22, [x21, #0x500]
        isb
        mrs     x2, cntvct_el0
        sub     x2, x2, x1
        str     x2, [x23], #8
        ldr     x3, [x21, #0x410]
        cbz     x3, 3f
        mov     x0, #1
        str     x0, [x20, #FAILED]
3:      subs    x19, x19, #1
        b.ne    2b
        str     xzr, [x20, #TIMES]
        b       idle
