/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware's end of one channel between a Tegra's CPUs and its BPMP: a
 * queue of one frame each way in shared memory ("IVC"), as Linux'
 * drivers/firmware/tegra/ivc.c has the CPUs' end.
 *
 * The guest may write anything to the memory at any time. What is decided by
 * is kept here or read once; a guest that breaks the rules finds that its
 * channel doesn't work until it begins again with the handshake.
 *
 * Not thread-safe: with the big lock held.
 */
#ifndef HW_MISC_NVIDIA_BPMP_IVC_H
#define HW_MISC_NVIDIA_BPMP_IVC_H

#define NVIDIA_BPMP_IVC_FRAME   0x80    /* bytes of a frame */
#define NVIDIA_BPMP_IVC_CHANNEL 0x100   /* a header and a frame */

/* Each half of a channel: what its writer says, then what its reader has. */
#define NVIDIA_BPMP_IVC_WRITTEN 0x00    /* u32: frames written, ever */
#define NVIDIA_BPMP_IVC_STATE   0x04    /* u32: NvidiaBpmpIvcState */
#define NVIDIA_BPMP_IVC_READ    0x40    /* u32: frames read, ever */
#define NVIDIA_BPMP_IVC_DATA    0x80    /* the frame */

typedef enum NvidiaBpmpIvcState {
    NVIDIA_BPMP_IVC_ESTABLISHED = 0,
    NVIDIA_BPMP_IVC_SYNC = 1,
    NVIDIA_BPMP_IVC_ACK = 2,
    /* Ours alone: the guest hasn't begun the handshake. */
    NVIDIA_BPMP_IVC_DOWN = 3,
} NvidiaBpmpIvcState;

typedef struct NvidiaBpmpIvc {
    uint8_t *from_guest;    /* the half that the guest writes frames to */
    uint8_t *to_guest;      /* the half that we do */
    NvidiaBpmpIvcState state;
    uint32_t read;          /* of from_guest; the memory has a copy */
    uint32_t written;       /* to to_guest; the memory has a copy */
} NvidiaBpmpIvc;

typedef enum NvidiaBpmpIvcNews {
    NVIDIA_BPMP_IVC_NOTHING,
    /* The guest begins anew: nothing of before counts. It has to be rung. */
    NVIDIA_BPMP_IVC_RESTARTED,
    /* The channel works now. The guest has to be rung. */
    NVIDIA_BPMP_IVC_UP,
} NvidiaBpmpIvcNews;

/* Of one half, by its counts. */
typedef enum NvidiaBpmpIvcFill {
    NVIDIA_BPMP_IVC_EMPTY,
    NVIDIA_BPMP_IVC_FULL,
    NVIDIA_BPMP_IVC_NONSENSE,   /* counts that no guest has */
} NvidiaBpmpIvcFill;

/* Whether this host can share memory with a guest that doesn't cache it. */
bool nvidia_bpmp_ivc_can_be_shared(Error **errp);

/* Both halves are NVIDIA_BPMP_IVC_CHANNEL bytes, aligned as such. */
void nvidia_bpmp_ivc_init(NvidiaBpmpIvc *ivc, uint8_t *from_guest,
                          uint8_t *to_guest);

/* Clears shared memory. */
void nvidia_bpmp_ivc_clear(uint8_t *from, size_t size);

/* Is down until the guest's handshake. The memory was cleared. */
void nvidia_bpmp_ivc_reset(NvidiaBpmpIvc *ivc);

/* Goes on with the handshake, if the guest has. */
NvidiaBpmpIvcNews nvidia_bpmp_ivc_notified(NvidiaBpmpIvc *ivc);

static inline bool nvidia_bpmp_ivc_is_up(const NvidiaBpmpIvc *ivc)
{
    return ivc->state == NVIDIA_BPMP_IVC_ESTABLISHED;
}

/* Copies the guest's frame, if it is full, which stays until it is consumed. */
NvidiaBpmpIvcFill nvidia_bpmp_ivc_peek(NvidiaBpmpIvc *ivc,
                                       uint8_t frame[NVIDIA_BPMP_IVC_FRAME]);
void nvidia_bpmp_ivc_consume(NvidiaBpmpIvc *ivc);

/* Empty: the guest has taken what was last written to it. */
NvidiaBpmpIvcFill nvidia_bpmp_ivc_room(NvidiaBpmpIvc *ivc);
/* Doesn't ring. */
void nvidia_bpmp_ivc_write(NvidiaBpmpIvc *ivc,
                           const uint8_t frame[NVIDIA_BPMP_IVC_FRAME]);

#endif
