/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NVIDIA Tegra BPMP mailbox for guests: what the BPMP says unasked
 *
 * One message at a time is in the guest's inbound channel, until the guest has
 * answered it; what comes meanwhile waits here. Of the answer only that it is
 * there matters: nobody waits for it but the next message.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/lockable.h"
#include "qemu/main-loop.h"
#include "block/aio.h"
#include "hw/misc/nvidia_bpmp_mailbox_internal.h"
#include "trace.h"

/* What the guest is to have next, unless it has one or there is none. */
static bool nvidia_bpmp_inbound_begin(NvidiaBpmpInbound *inbound,
                                      NvidiaBpmpMessage *message)
{
    QEMU_LOCK_GUARD(&inbound->lock);
    if (inbound->awaited || !inbound->used) {
        return false;
    }
    *message = inbound->queue[inbound->first];
    inbound->awaited = true;
    return true;
}

/* The guest has answered the one that it had. */
static void nvidia_bpmp_inbound_end(NvidiaBpmpInbound *inbound)
{
    QEMU_LOCK_GUARD(&inbound->lock);
    if (inbound->awaited) {
        inbound->awaited = false;
        inbound->first = (inbound->first + 1) % NVIDIA_BPMP_MESSAGES;
        inbound->used--;
    }
}

/* The guest has lost the one that it had, and is to have it again. */
static void nvidia_bpmp_inbound_again(NvidiaBpmpInbound *inbound)
{
    QEMU_LOCK_GUARD(&inbound->lock);
    inbound->awaited = false;
}

/* False: the same waits already, or the guest hasn't taken those before. */
static bool nvidia_bpmp_inbound_push(NvidiaBpmpInbound *inbound,
                                     const NvidiaBpmpMessage *message)
{
    unsigned i;

    QEMU_LOCK_GUARD(&inbound->lock);
    /* The one that the guest has may have been looked at before this one. */
    for (i = inbound->awaited ? 1 : 0; i < inbound->used; i++) {
        unsigned at = (inbound->first + i) % NVIDIA_BPMP_MESSAGES;

        if (!memcmp(&inbound->queue[at], message, sizeof(*message))) {
            return false;
        }
    }
    if (inbound->used == NVIDIA_BPMP_MESSAGES) {
        return false;
    }
    i = (inbound->first + inbound->used++) % NVIDIA_BPMP_MESSAGES;
    inbound->queue[i] = *message;
    return true;
}

static void nvidia_bpmp_inbound_send(NvidiaBpmpMailboxState *s)
{
    NvidiaBpmpInbound *inbound = &s->inbound;
    uint8_t frame[NVIDIA_BPMP_IVC_FRAME] = { 0 };
    NvidiaBpmpMessage message;

    if (nvidia_bpmp_ivc_room(&inbound->ivc) != NVIDIA_BPMP_IVC_EMPTY ||
        !nvidia_bpmp_inbound_begin(inbound, &message)) {
        return;
    }
    trace_nvidia_bpmp_mailbox_inbound(message.mrq);
    stl_le_p(frame + NVIDIA_BPMP_FRAME_CODE, message.mrq);
    stl_le_p(frame + NVIDIA_BPMP_FRAME_FLAGS,
             NVIDIA_BPMP_FLAG_ACK | NVIDIA_BPMP_FLAG_RING);
    memcpy(frame + NVIDIA_BPMP_FRAME_PAYLOAD, message.data,
           sizeof(message.data));
    nvidia_bpmp_ivc_write(&inbound->ivc, frame);
    nvidia_bpmp_mailbox_interrupt(s);
}

void nvidia_bpmp_inbound_serve(NvidiaBpmpMailboxState *s)
{
    NvidiaBpmpInbound *inbound = &s->inbound;
    uint8_t frame[NVIDIA_BPMP_IVC_FRAME];

    if (nvidia_bpmp_channels_restarted(s, &inbound->ivc)) {
        nvidia_bpmp_inbound_again(inbound);
    }
    if (!nvidia_bpmp_ivc_is_up(&inbound->ivc)) {
        return;
    }
    switch (nvidia_bpmp_ivc_peek(&inbound->ivc, frame)) {
    case NVIDIA_BPMP_IVC_FULL:
        nvidia_bpmp_ivc_consume(&inbound->ivc);
        trace_nvidia_bpmp_mailbox_inbound_answer(
            ldl_le_p(frame + NVIDIA_BPMP_FRAME_CODE));
        nvidia_bpmp_inbound_end(inbound);
        break;
    case NVIDIA_BPMP_IVC_NONSENSE:
        nvidia_bpmp_mailbox_complain(s, "has counts that can't be, in channel",
                                     NVIDIA_BPMP_INBOUND);
        break;
    case NVIDIA_BPMP_IVC_EMPTY:
        break;
    }
    nvidia_bpmp_inbound_send(s);
}

static void nvidia_bpmp_inbound_arrived(void *opaque)
{
    NvidiaBpmpMailboxState *s = opaque;

    nvidia_bpmp_inbound_serve(s);
    object_unref(OBJECT(s));
}

void nvidia_bpmp_inbound_notify(void *opaque, uint32_t mrq, const void *data,
                                size_t size)
{
    NvidiaBpmpMailboxState *s = opaque;
    NvidiaBpmpMessage message = { .mrq = mrq };

    if (size) {
        memcpy(message.data, data, MIN(size, sizeof(message.data)));
    }
    if (nvidia_bpmp_inbound_push(&s->inbound, &message)) {
        object_ref(OBJECT(s));
        aio_bh_schedule_oneshot(qemu_get_aio_context(),
                                nvidia_bpmp_inbound_arrived, s);
    }
}

void nvidia_bpmp_inbound_reset(NvidiaBpmpMailboxState *s)
{
    NvidiaBpmpInbound *inbound = &s->inbound;

    nvidia_bpmp_ivc_reset(&inbound->ivc);
    QEMU_LOCK_GUARD(&inbound->lock);
    /* What is here was for the guest of before. */
    inbound->awaited = false;
    inbound->used = 0;
}
