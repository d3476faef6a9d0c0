/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NVIDIA Tegra BPMP mailbox for guests: requests and answers
 *
 * A doorbell says only that something has changed somewhere in the shared
 * memory. So all channels are looked at, from the main loop: the vCPU that
 * rang goes on. Answers come in one of the client library's threads and go
 * into the memory from the main loop too.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/main-loop.h"
#include "block/aio.h"
#include "hw/misc/nvidia_bpmp_mailbox_internal.h"
#include "trace.h"

/*
 * A request makes its guest ring three times, and one of these looks finds it.
 * A guest that rings so often for nothing has to wait before we look again.
 */
#define NVIDIA_BPMP_IDLE_SCANS  64
#define NVIDIA_BPMP_PAUSE_US    100

static void nvidia_bpmp_channels_reply(void *opaque)
{
    NvidiaBpmpRequest *r = opaque;
    NvidiaBpmpMailboxState *s = r->mailbox;
    NvidiaBpmpChannel *channel = &s->channels[r->channel];
    uint8_t frame[NVIDIA_BPMP_IVC_FRAME] = { 0 };

    channel->busy = false;
    trace_nvidia_bpmp_mailbox_answer(r->channel, r->status, r->error,
                                     r->generation == channel->generation);
    if (r->generation != channel->generation) {
        /* What the guest has asked since then has waited for this. */
        nvidia_bpmp_channels_ring(s);
    } else {
        stl_le_p(frame + NVIDIA_BPMP_FRAME_CODE,
                 r->status ? nvidia_bpmp_error_of(r->status) : r->error);
        memcpy(frame + NVIDIA_BPMP_FRAME_PAYLOAD, r->rx, sizeof(r->rx));
        nvidia_bpmp_ivc_consume(&channel->ivc);
        if (r->flags & NVIDIA_BPMP_FLAG_ACK) {
            nvidia_bpmp_ivc_write(&channel->ivc, frame);
        }
        if (r->flags & NVIDIA_BPMP_FLAG_RING) {
            nvidia_bpmp_mailbox_interrupt(s);
        }
    }
    object_unref(OBJECT(s));
}

/* In a thread of the library's, or in ours: not sent, or answered before. */
static void nvidia_bpmp_channels_done(void *opaque, int status, int32_t error,
                                      const void *rx, size_t rx_size)
{
    NvidiaBpmpRequest *r = opaque;

    r->status = status;
    r->error = error;
    memset(r->rx, 0, sizeof(r->rx));
    if (rx_size) {
        memcpy(r->rx, rx, MIN(rx_size, sizeof(r->rx)));
    }
    aio_bh_schedule_oneshot(qemu_get_aio_context(),
                            nvidia_bpmp_channels_reply, r);
}

static void nvidia_bpmp_channels_send(NvidiaBpmpMailboxState *s,
                                      NvidiaBpmpChannel *channel,
                                      const uint8_t *frame)
{
    NvidiaBpmpRequest *r = &channel->request;
    uint32_t mrq = ldl_le_p(frame + NVIDIA_BPMP_FRAME_CODE);
    int status;

    r->flags = ldl_le_p(frame + NVIDIA_BPMP_FRAME_FLAGS);
    r->generation = channel->generation;
    trace_nvidia_bpmp_mailbox_request(r->channel, mrq, r->flags);
    channel->busy = true;
    object_ref(OBJECT(s));
    /* A frame doesn't tell how much of its payload is meant. */
    status = bpmp_client_submit(NVIDIA_BPMP(s)->client, mrq,
                                frame + NVIDIA_BPMP_FRAME_PAYLOAD,
                                NVIDIA_BPMP_PAYLOAD_MAX,
                                NVIDIA_BPMP_PAYLOAD_MAX, 0,
                                nvidia_bpmp_channels_done, r);
    if (status) {
        nvidia_bpmp_channels_done(r, status, 0, NULL, 0);
    }
}

bool nvidia_bpmp_channels_restarted(NvidiaBpmpMailboxState *s,
                                    NvidiaBpmpIvc *ivc)
{
    NvidiaBpmpIvcNews news = nvidia_bpmp_ivc_notified(ivc);

    if (news != NVIDIA_BPMP_IVC_NOTHING) {
        nvidia_bpmp_mailbox_interrupt(s);
    }
    return news == NVIDIA_BPMP_IVC_RESTARTED;
}

/* Whether a request was found. */
static bool nvidia_bpmp_channels_serve(NvidiaBpmpMailboxState *s,
                                       NvidiaBpmpChannel *channel)
{
    uint8_t frame[NVIDIA_BPMP_IVC_FRAME];
    NvidiaBpmpIvcFill room, asked;

    if (nvidia_bpmp_channels_restarted(s, &channel->ivc)) {
        channel->generation++;
    }
    if (!nvidia_bpmp_ivc_is_up(&channel->ivc) || channel->busy) {
        return false;
    }
    room = nvidia_bpmp_ivc_room(&channel->ivc);
    asked = nvidia_bpmp_ivc_peek(&channel->ivc, frame);
    if (room == NVIDIA_BPMP_IVC_NONSENSE || asked == NVIDIA_BPMP_IVC_NONSENSE) {
        nvidia_bpmp_mailbox_complain(s, "has counts that can't be, in channel",
                                     channel->request.channel);
    }
    if (room != NVIDIA_BPMP_IVC_EMPTY || asked != NVIDIA_BPMP_IVC_FULL) {
        return false;
    }
    nvidia_bpmp_channels_send(s, channel, frame);
    return true;
}

static void nvidia_bpmp_channels_scan(void *opaque)
{
    NvidiaBpmpMailboxState *s = opaque;
    bool found = false;
    unsigned i;

    s->scan_due = false;
    for (i = 0; i < NVIDIA_BPMP_CHANNELS; i++) {
        found |= nvidia_bpmp_channels_serve(s, &s->channels[i]);
    }
    nvidia_bpmp_inbound_serve(s);
    s->idle_scans = found ? 0 : s->idle_scans + 1;
    object_unref(OBJECT(s));
}

void nvidia_bpmp_channels_ring(NvidiaBpmpMailboxState *s)
{
    if (s->scan_due) {
        return;
    }
    s->scan_due = true;
    object_ref(OBJECT(s));
    if (s->idle_scans < NVIDIA_BPMP_IDLE_SCANS) {
        aio_bh_schedule_oneshot(qemu_get_aio_context(),
                                nvidia_bpmp_channels_scan, s);
    } else {
        timer_mod(&s->scan_later, qemu_clock_get_us(QEMU_CLOCK_VIRTUAL) +
                                  NVIDIA_BPMP_PAUSE_US);
    }
}

void nvidia_bpmp_channels_reset(NvidiaBpmpMailboxState *s)
{
    unsigned i;

    nvidia_bpmp_ivc_clear(memory_region_get_ram_ptr(&s->shmem),
                          2 * NVIDIA_BPMP_SHMEM_PAGE);
    for (i = 0; i < NVIDIA_BPMP_CHANNELS; i++) {
        nvidia_bpmp_ivc_reset(&s->channels[i].ivc);
        s->channels[i].generation++;
    }
    nvidia_bpmp_inbound_reset(s);
    s->idle_scans = 0;
}

void nvidia_bpmp_channels_init(NvidiaBpmpMailboxState *s)
{
    uint8_t *from_guest = memory_region_get_ram_ptr(&s->shmem);
    uint8_t *to_guest = from_guest + NVIDIA_BPMP_SHMEM_PAGE;
    unsigned i;

    for (i = 0; i < NVIDIA_BPMP_CHANNELS; i++) {
        NvidiaBpmpChannel *channel = &s->channels[i];

        nvidia_bpmp_ivc_init(&channel->ivc,
                             from_guest + i * NVIDIA_BPMP_IVC_CHANNEL,
                             to_guest + i * NVIDIA_BPMP_IVC_CHANNEL);
        channel->request.mailbox = s;
        channel->request.channel = i;
    }
    nvidia_bpmp_ivc_init(&s->inbound.ivc,
                         from_guest +
                         NVIDIA_BPMP_INBOUND * NVIDIA_BPMP_IVC_CHANNEL,
                         to_guest +
                         NVIDIA_BPMP_INBOUND * NVIDIA_BPMP_IVC_CHANNEL);
    timer_init_us(&s->scan_later, QEMU_CLOCK_VIRTUAL,
                  nvidia_bpmp_channels_scan, s);
}
