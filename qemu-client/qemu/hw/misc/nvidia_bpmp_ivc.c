/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware's end of one channel between a Tegra's CPUs and its BPMP
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/bswap.h"
#include "qapi/error.h"
#include "hw/misc/nvidia_bpmp_compat.h"
#include "hw/misc/nvidia_bpmp_ivc.h"

/* The counts of the two sides are that far apart: in lines of their own. */
#define NVIDIA_BPMP_IVC_LINE    64

#ifdef HOST_AARCH64
static uintptr_t nvidia_bpmp_ivc_line_size(void)
{
    uint64_t ctr;

    asm volatile("mrs %0, ctr_el0" : "=r"(ctr));
    return 4 << ((ctr >> 16) & 0xf);
}
#endif

bool nvidia_bpmp_ivc_can_be_shared(Error **errp)
{
#ifdef HOST_AARCH64
    if (kvm_enabled() && nvidia_bpmp_ivc_line_size() > NVIDIA_BPMP_IVC_LINE) {
        error_setg(errp, "this host's cache lines are longer than %d bytes: "
                   "a guest's words would be in ours", NVIDIA_BPMP_IVC_LINE);
        return false;
    }
#endif
    return true;
}

/*
 * The guest maps the memory as not cacheable, and QEMU's mapping is cacheable.
 * Under KVM the two see the same only on CPUs that force it (FEAT_S2FWB);
 * others, Orin's among them, need the lines cleaned after we wrote them, and
 * dropped before we read what the guest wrote. Cleaning and dropping does
 * both: no line is dirty but those that we have just written.
 *
 * Untested on hardware. Everything else that runs a guest needs nothing.
 */
static void nvidia_bpmp_ivc_maintain(const void *from, size_t size)
{
#ifdef HOST_AARCH64
    uintptr_t line_size, line;

    if (!kvm_enabled()) {
        return;
    }
    line_size = nvidia_bpmp_ivc_line_size();
    line = (uintptr_t)from & ~(line_size - 1);
    for (; line < (uintptr_t)from + size; line += line_size) {
        asm volatile("dc civac, %0" : : "r"(line) : "memory");
    }
    asm volatile("dsb sy" : : : "memory");
#endif
}

static uint32_t nvidia_bpmp_ivc_load(const uint8_t *half, unsigned at)
{
    nvidia_bpmp_ivc_maintain(half + at, sizeof(uint32_t));
    return le32_to_cpu(qatomic_read((uint32_t *)(half + at)));
}

static void nvidia_bpmp_ivc_store(uint8_t *half, unsigned at, uint32_t value)
{
    qatomic_set((uint32_t *)(half + at), cpu_to_le32(value));
    nvidia_bpmp_ivc_maintain(half + at, sizeof(uint32_t));
}

void nvidia_bpmp_ivc_init(NvidiaBpmpIvc *ivc, uint8_t *from_guest,
                          uint8_t *to_guest)
{
    ivc->from_guest = from_guest;
    ivc->to_guest = to_guest;
    ivc->state = NVIDIA_BPMP_IVC_DOWN;
}

void nvidia_bpmp_ivc_clear(uint8_t *from, size_t size)
{
    memset(from, 0, size);
    nvidia_bpmp_ivc_maintain(from, size);
}

void nvidia_bpmp_ivc_reset(NvidiaBpmpIvc *ivc)
{
    ivc->state = NVIDIA_BPMP_IVC_DOWN;
    ivc->read = 0;
    ivc->written = 0;
}

static void nvidia_bpmp_ivc_go(NvidiaBpmpIvc *ivc, NvidiaBpmpIvcState state)
{
    ivc->state = state;
    /* The guest takes the counts for zero once it sees the state. */
    smp_wmb();
    nvidia_bpmp_ivc_store(ivc->to_guest, NVIDIA_BPMP_IVC_STATE, state);
}

NvidiaBpmpIvcNews nvidia_bpmp_ivc_notified(NvidiaBpmpIvc *ivc)
{
    uint32_t peer = nvidia_bpmp_ivc_load(ivc->from_guest,
                                         NVIDIA_BPMP_IVC_STATE);

    if (peer == NVIDIA_BPMP_IVC_SYNC) {
        /* Pairs with the guest's barrier before its state. */
        smp_rmb();
        ivc->read = 0;
        ivc->written = 0;
        nvidia_bpmp_ivc_store(ivc->from_guest, NVIDIA_BPMP_IVC_READ, 0);
        nvidia_bpmp_ivc_store(ivc->to_guest, NVIDIA_BPMP_IVC_WRITTEN, 0);
        nvidia_bpmp_ivc_go(ivc, NVIDIA_BPMP_IVC_ACK);
        return NVIDIA_BPMP_IVC_RESTARTED;
    }
    if (ivc->state == NVIDIA_BPMP_IVC_ACK) {
        nvidia_bpmp_ivc_go(ivc, NVIDIA_BPMP_IVC_ESTABLISHED);
        return NVIDIA_BPMP_IVC_UP;
    }
    return NVIDIA_BPMP_IVC_NOTHING;
}

static NvidiaBpmpIvcFill nvidia_bpmp_ivc_fill(uint32_t written, uint32_t read)
{
    switch (written - read) {
    case 0:
        return NVIDIA_BPMP_IVC_EMPTY;
    case 1:
        return NVIDIA_BPMP_IVC_FULL;
    default:
        return NVIDIA_BPMP_IVC_NONSENSE;
    }
}

NvidiaBpmpIvcFill nvidia_bpmp_ivc_peek(NvidiaBpmpIvc *ivc,
                                       uint8_t frame[NVIDIA_BPMP_IVC_FRAME])
{
    uint32_t written = nvidia_bpmp_ivc_load(ivc->from_guest,
                                            NVIDIA_BPMP_IVC_WRITTEN);
    NvidiaBpmpIvcFill fill = nvidia_bpmp_ivc_fill(written, ivc->read);

    if (fill == NVIDIA_BPMP_IVC_FULL) {
        /* The frame was written before the count was. */
        smp_rmb();
        nvidia_bpmp_ivc_maintain(ivc->from_guest + NVIDIA_BPMP_IVC_DATA,
                                 NVIDIA_BPMP_IVC_FRAME);
        memcpy(frame, ivc->from_guest + NVIDIA_BPMP_IVC_DATA,
               NVIDIA_BPMP_IVC_FRAME);
    }
    return fill;
}

void nvidia_bpmp_ivc_consume(NvidiaBpmpIvc *ivc)
{
    /* The guest may overwrite the frame from here on: we have read it. */
    smp_mb();
    nvidia_bpmp_ivc_store(ivc->from_guest, NVIDIA_BPMP_IVC_READ, ++ivc->read);
}

NvidiaBpmpIvcFill nvidia_bpmp_ivc_room(NvidiaBpmpIvc *ivc)
{
    uint32_t read = nvidia_bpmp_ivc_load(ivc->to_guest, NVIDIA_BPMP_IVC_READ);

    return nvidia_bpmp_ivc_fill(ivc->written, read);
}

void nvidia_bpmp_ivc_write(NvidiaBpmpIvc *ivc,
                           const uint8_t frame[NVIDIA_BPMP_IVC_FRAME])
{
    memcpy(ivc->to_guest + NVIDIA_BPMP_IVC_DATA, frame, NVIDIA_BPMP_IVC_FRAME);
    nvidia_bpmp_ivc_maintain(ivc->to_guest + NVIDIA_BPMP_IVC_DATA,
                             NVIDIA_BPMP_IVC_FRAME);
    /* The frame is there before the count says so. */
    smp_wmb();
    nvidia_bpmp_ivc_store(ivc->to_guest, NVIDIA_BPMP_IVC_WRITTEN,
                          ++ivc->written);
}
