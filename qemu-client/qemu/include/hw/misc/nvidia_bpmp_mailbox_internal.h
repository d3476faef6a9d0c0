/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NVIDIA Tegra BPMP mailbox for guests: what its files have in common
 */
#ifndef HW_MISC_NVIDIA_BPMP_MAILBOX_INTERNAL_H
#define HW_MISC_NVIDIA_BPMP_MAILBOX_INTERNAL_H

#include "qemu/thread.h"
#include "qemu/timer.h"
#include "hw/misc/nvidia_bpmp.h"
#include "hw/misc/nvidia_bpmp_ivc.h"
#include "hw/misc/nvidia_bpmp_mailbox.h"

OBJECT_DECLARE_SIMPLE_TYPE(NvidiaBpmpMailboxState, NVIDIA_BPMP_MAILBOX)

/* A request of the guest's that the broker has. One for each channel. */
typedef struct NvidiaBpmpRequest {
    NvidiaBpmpMailboxState *mailbox;
    unsigned channel;
    uint32_t generation;    /* of the channel, when it was asked */
    uint32_t flags;
    int status;
    int32_t error;
    uint8_t rx[NVIDIA_BPMP_PAYLOAD_MAX];
} NvidiaBpmpRequest;

typedef struct NvidiaBpmpChannel {
    NvidiaBpmpIvc ivc;
    /* Grows with each handshake and reset: answers of before are dropped. */
    uint32_t generation;
    /*
     * The request is out. So it stays over a handshake: a guest can't have
     * more requests out than it has channels.
     */
    bool busy;
    NvidiaBpmpRequest request;
} NvidiaBpmpChannel;

/* What the BPMP says unasked; the payload is zero beyond its end. */
typedef struct NvidiaBpmpMessage {
    uint32_t mrq;
    uint8_t data[NVIDIA_BPMP_PAYLOAD_MAX];
} NvidiaBpmpMessage;

#define NVIDIA_BPMP_MESSAGES        8

typedef struct NvidiaBpmpInbound {
    NvidiaBpmpIvc ivc;

    /* Guards what follows, which the library's threads fill. */
    QemuMutex lock;
    NvidiaBpmpMessage queue[NVIDIA_BPMP_MESSAGES];
    unsigned first;
    unsigned used;
    bool awaited;           /* the guest has the first, and hasn't answered */
} NvidiaBpmpInbound;

/* Everything with the big lock held, where nothing else is said. */
struct NvidiaBpmpMailboxState {
    NvidiaBpmpState parent_obj;

    MemoryRegion registers;
    MemoryRegion shmem;
    qemu_irq irq;

    /* Properties */
    uint64_t addr;
    uint64_t shmem_addr;
    uint32_t spi;
    bool thermal;
    bool read_ahead;

    uint32_t pending;       /* of the CCPLEX doorbell */
    uint32_t enable;

    NvidiaBpmpChannel channels[NVIDIA_BPMP_CHANNELS];
    NvidiaBpmpInbound inbound;

    bool scan_due;
    unsigned idle_scans;    /* in a row: nothing was asked */
    QEMUTimer scan_later;
    unsigned complaints;    /* of the guest, since the last reset */
};

/* --- nvidia_bpmp_channels.c: what is in the shared memory --- */

void nvidia_bpmp_channels_init(NvidiaBpmpMailboxState *s);
/* The memory is cleared, and what is out is forgotten. */
void nvidia_bpmp_channels_reset(NvidiaBpmpMailboxState *s);
/* The guest has rung. Looks at all channels soon, from the main loop. */
void nvidia_bpmp_channels_ring(NvidiaBpmpMailboxState *s);
/* Goes on with a channel's handshake. Whether the guest begins anew there. */
bool nvidia_bpmp_channels_restarted(NvidiaBpmpMailboxState *s,
                                    NvidiaBpmpIvc *ivc);

/* --- nvidia_bpmp_inbound.c --- */

/* A message for the guest. In any thread. */
void nvidia_bpmp_inbound_notify(void *opaque, uint32_t mrq, const void *data,
                                size_t size);
/* The guest has rung: goes on with the inbound channel. */
void nvidia_bpmp_inbound_serve(NvidiaBpmpMailboxState *s);
void nvidia_bpmp_inbound_reset(NvidiaBpmpMailboxState *s);

/* --- nvidia_bpmp_mailbox.c --- */

/* Rings the guest. */
void nvidia_bpmp_mailbox_interrupt(NvidiaBpmpMailboxState *s);
/* As LOG_GUEST_ERROR, and only so often. */
void nvidia_bpmp_mailbox_complain(NvidiaBpmpMailboxState *s, const char *what,
                                  uint64_t value);

/* --- nvidia_bpmp_mailbox_fdt.c: the guest's device tree --- */

void nvidia_bpmp_mailbox_add_nodes(NvidiaBpmpMailboxState *s);

#endif
