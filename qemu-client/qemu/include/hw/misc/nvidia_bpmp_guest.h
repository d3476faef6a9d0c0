/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NVIDIA Tegra BPMP window for guests, served by a BPMP broker
 */
#ifndef HW_MISC_NVIDIA_BPMP_GUEST_H
#define HW_MISC_NVIDIA_BPMP_GUEST_H

#define TYPE_NVIDIA_BPMP_GUEST "nvidia-bpmp-guest"

/*
 * The guest's window, version 1. All registers are little-endian. What is not
 * named here is memory without a meaning, up to NVIDIA_BPMP_WINDOW_SIZE; the
 * rest of the region reads as zero.
 */
#define NVIDIA_BPMP_TX          0x000  /* request's payload */
#define NVIDIA_BPMP_RX          0x200  /* answer's payload */
#define NVIDIA_BPMP_AREA_SIZE   0x200  /* of either */
#define NVIDIA_BPMP_TX_SIZE     0x400  /* u64: payload bytes */
#define NVIDIA_BPMP_RX_SIZE     0x408  /* u64: room for the answer */
#define NVIDIA_BPMP_RET         0x410  /* s32: the firmware's error */
#define NVIDIA_BPMP_TSTAT       0x414  /* s32, read-only: 0 or -errno */
#define NVIDIA_BPMP_ID          0x418  /* u32, read-only: NVIDIA_BPMP_MAGIC */
#define NVIDIA_BPMP_ANSWERED    0x41c  /* u32, read-only: bytes answered */
#define NVIDIA_BPMP_READ_ONLY_SIZE 0x0c
#define NVIDIA_BPMP_MRQ         0x500  /* u32: the request; storing it sends */
#define NVIDIA_BPMP_WINDOW_SIZE 0x600
#define NVIDIA_BPMP_REGION_SIZE 0x1000

#define NVIDIA_BPMP_MAGIC       0x324d5042  /* "BPM2" */

/* Where the window is, unless the user says otherwise: the first free one. */
#define NVIDIA_BPMP_ADDR_FIRST  0x090c0000ULL
#define NVIDIA_BPMP_ADDR_SECOND 0x090d0000ULL
#endif
