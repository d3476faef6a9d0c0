/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NVIDIA Tegra BPMP mailbox for guests, served by a BPMP broker
 */
#ifndef HW_MISC_NVIDIA_BPMP_MAILBOX_H
#define HW_MISC_NVIDIA_BPMP_MAILBOX_H

#define TYPE_NVIDIA_BPMP_MAILBOX "nvidia-bpmp-mailbox"

/*
 * The hardware synchronisation primitives (HSP) of a Tegra234, as far as the
 * way to the BPMP goes through them: two doorbells. All registers are
 * little-endian words. What is not named here reads as zero.
 */
#define NVIDIA_HSP_SIZE             0xa0000
#define NVIDIA_HSP_REGISTER         4       /* bytes */
#define NVIDIA_HSP_DIMENSIONING     0x380
/*
 * 8 shared mailboxes, 2 + 2 semaphores, 7 doorbells, 8 interrupts, which puts
 * the doorbells at (1 + 8 / 2 + 2 + 2) * 0x10000.
 */
#define NVIDIA_HSP_DIMENSIONS       0x00087228
#define NVIDIA_HSP_DB_CCPLEX        0x90100 /* rings the guest */
#define NVIDIA_HSP_DB_BPMP          0x90300 /* rings us */
#define NVIDIA_HSP_DB_TRIGGER       0x0
#define NVIDIA_HSP_DB_ENABLE        0x4     /* a bit for each master */
#define NVIDIA_HSP_DB_RAW           0x8
#define NVIDIA_HSP_DB_PENDING       0xc     /* write 1 to clear */
#define NVIDIA_HSP_MASTER_CCPLEX    17
#define NVIDIA_HSP_MASTER_BPMP      19

/*
 * Behind the HSP: the chip's identity, by which Linux' driver tells what kind
 * of doorbells it has. The guest's devices are a Tegra234's, and real ones.
 */
#define NVIDIA_MISC                 NVIDIA_HSP_SIZE
#define NVIDIA_MISC_SIZE            0x1000
#define NVIDIA_MISC_HIDREV          (NVIDIA_MISC + 0x4)
#define NVIDIA_MISC_STRAPS          (NVIDIA_MISC + 0x1000)
#define NVIDIA_MISC_STRAPS_SIZE     0x1000
#define NVIDIA_CHIP_ID              0x00012347  /* Tegra234, silicon */

#define NVIDIA_BPMP_REGISTERS_SIZE  0xb0000

/*
 * Shared memory. A page for each way, of channels of 0x100 bytes; the guest's
 * page comes first. Beside them the memory has no meaning: there is as much
 * of it as hosts and guests with pages of 64 KiB can map.
 */
#define NVIDIA_BPMP_SHMEM_SIZE      0x10000
#define NVIDIA_BPMP_SHMEM_PAGE      0x1000

/* A frame is a header of two words and the payload. */
#define NVIDIA_BPMP_FRAME_CODE      0x0     /* MRQ, or the answer's error */
#define NVIDIA_BPMP_FRAME_FLAGS     0x4
#define NVIDIA_BPMP_FRAME_PAYLOAD   0x8
#define NVIDIA_BPMP_FLAG_ACK        0x1     /* wants an answer */
#define NVIDIA_BPMP_FLAG_RING       0x2     /* wants to be rung for it */

/* Channels of Linux' driver: three for threads, one for atomic callers. */
#define NVIDIA_BPMP_CHANNELS        4
/* The channel for what the BPMP says unasked. */
#define NVIDIA_BPMP_INBOUND         13

/* Where it is, unless the user says otherwise: free in all "virt" machines. */
#define NVIDIA_HSP_ADDR             0x0b000000ULL
#define NVIDIA_BPMP_SHMEM_ADDR      0x0b100000ULL
#define NVIDIA_HSP_SPI              200
/* "virt" has those before for itself and for its platform bus. */
#define NVIDIA_VIRT_SPIS            176

#endif
