/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NVIDIA Tegra BPMP window for guests, served by a BPMP broker
 *
 * A guest whose devices are passed through from a Tegra asks the BPMP for
 * their clocks, resets and power domains. Its kernel writes each request into
 * a window of registers and rings a doorbell; this device sends it to the
 * broker on the host, which decides what the VM may do, and puts the answer
 * into the window before the store is over.
 *
 * The broker may take its time, and the guest's vCPU waits for it. Nobody else
 * does: the big lock is released meanwhile. `lock` and `busy` then keep the
 * window to the vCPU that rang; others that touch it wait.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/log.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "qemu/thread.h"
#include "qapi/error.h"
#include "hw/core/cpu.h"
#include "hw/qdev-properties.h"
#include "hw/resettable.h"
#include "hw/sysbus.h"
#include "hw/misc/nvidia_bpmp.h"
#include "hw/misc/nvidia_bpmp_guest.h"
#include "trace.h"

#include <linux/kvm.h>

OBJECT_DECLARE_SIMPLE_TYPE(NvidiaBpmpGuestState, NVIDIA_BPMP_GUEST)

struct NvidiaBpmpGuestState {
    NvidiaBpmpState parent_obj;

    MemoryRegion iomem;
    uint64_t addr;      /* property */

    /* Taken after the big lock, and never held while a request is out */
    QemuMutex lock;
    QemuCond idle;
    bool busy;          /* a request is out: the window is its vCPU's */
    uint8_t window[NVIDIA_BPMP_WINDOW_SIZE];
};

/*
 * Whether a vCPU makes this access itself, and not some device's DMA on its
 * behalf: only then may the big lock be released, because such a device isn't
 * prepared for anybody else to run meanwhile.
 */
static bool nvidia_bpmp_is_vcpus(NvidiaBpmpGuestState *s, MemTxAttrs attrs)
{
    if (!current_cpu) {
        return false;
    }
    if (kvm_enabled()) {
        const struct kvm_run *run = current_cpu->kvm_run;

        /* What made the vCPU leave the guest was an access to this window. */
        return run->exit_reason == KVM_EXIT_MMIO &&
               run->mmio.phys_addr - s->addr < NVIDIA_BPMP_REGION_SIZE;
    }
    return !attrs.unspecified && !attrs.requester_id;
}

/*
 * The window, taken for one access. With the big lock held, which is released
 * while another vCPU's request is out. Whoever may not wait gets it only while
 * it is free: else false.
 */
static bool nvidia_bpmp_enter(NvidiaBpmpGuestState *s, bool may_wait)
{
    qemu_mutex_lock(&s->lock);
    while (s->busy) {
        if (!may_wait) {
            qemu_mutex_unlock(&s->lock);
            return false;
        }
        bql_unlock();
        qemu_cond_wait(&s->idle, &s->lock);
        /* The big lock comes first. */
        qemu_mutex_unlock(&s->lock);
        bql_lock();
        qemu_mutex_lock(&s->lock);
    }
    return true;
}

static void nvidia_bpmp_leave(NvidiaBpmpGuestState *s)
{
    qemu_mutex_unlock(&s->lock);
}

/* What is outside of the window, or refused, reads as zero. */
static uint64_t nvidia_bpmp_load(NvidiaBpmpGuestState *s, hwaddr offset,
                                 unsigned size)
{
    if (offset + size > NVIDIA_BPMP_WINDOW_SIZE) {
        return 0;
    }
    return ldn_le_p(s->window + offset, size);
}

/* All but the device's own registers, which the store may cover in part. */
static void nvidia_bpmp_store(NvidiaBpmpGuestState *s, hwaddr offset,
                              uint64_t value, unsigned size)
{
    uint8_t bytes[8];
    unsigned i;

    stn_le_p(bytes, size, value);
    for (i = 0; i < size; i++) {
        hwaddr at = offset + i;

        if (at < NVIDIA_BPMP_TSTAT ||
            at >= NVIDIA_BPMP_TSTAT + NVIDIA_BPMP_READ_ONLY_SIZE) {
            s->window[at] = bytes[i];
        }
    }
}

/* The answer that the guest finds when its store is over. */
static void nvidia_bpmp_answer(NvidiaBpmpGuestState *s, int status,
                               int32_t error, const uint8_t *rx, size_t size)
{
    if (status) {
        error = nvidia_bpmp_error_of(status);
    }
    if (error) {
        size = 0;
    }
    memset(s->window + NVIDIA_BPMP_RX, 0, NVIDIA_BPMP_AREA_SIZE);
    memcpy(s->window + NVIDIA_BPMP_RX, rx, size);
    stl_le_p(s->window + NVIDIA_BPMP_RET, error);
    stl_le_p(s->window + NVIDIA_BPMP_TSTAT, status);
    stl_le_p(s->window + NVIDIA_BPMP_ANSWERED, size);
    trace_nvidia_bpmp_guest_answer(status, error, size);
}

/*
 * Sends the request that is in the window. Enters and leaves with `lock`. The
 * time that the vCPU has waited for the window counts: `until` is when it has
 * to go on, in microseconds of g_get_monotonic_time().
 */
static void nvidia_bpmp_ring(NvidiaBpmpGuestState *s, uint32_t mrq,
                             int64_t until)
{
    int64_t left_ms = (until - g_get_monotonic_time()) / 1000;
    uint64_t tx_size = ldq_le_p(s->window + NVIDIA_BPMP_TX_SIZE);
    uint64_t rx_size = ldq_le_p(s->window + NVIDIA_BPMP_RX_SIZE);
    uint8_t tx[NVIDIA_BPMP_PAYLOAD_MAX];
    uint8_t rx[NVIDIA_BPMP_PAYLOAD_MAX] = { 0 };
    int32_t error = 0;
    int status;

    trace_nvidia_bpmp_guest_ring(mrq, tx_size, rx_size);
    if (tx_size > sizeof(tx) || rx_size > sizeof(rx)) {
        qemu_log_mask(LOG_GUEST_ERROR,
                      "%s: MRQ %" PRIu32 " with a payload of 0x%" PRIx64
                      " and room for 0x%" PRIx64 " bytes; the most is 0x%x\n",
                      TYPE_NVIDIA_BPMP_GUEST, mrq, tx_size, rx_size,
                      NVIDIA_BPMP_PAYLOAD_MAX);
        nvidia_bpmp_answer(s, -EINVAL, 0, rx, 0);
        return;
    }
    if (left_ms <= 0) {
        nvidia_bpmp_answer(s, -ETIMEDOUT, 0, rx, 0);
        return;
    }
    memcpy(tx, s->window + NVIDIA_BPMP_TX, tx_size);

    /* Nobody else changes the window now, and nobody waits for the answer. */
    s->busy = true;
    qemu_mutex_unlock(&s->lock);
    bql_unlock();

    status = bpmp_client_transfer_within(NVIDIA_BPMP(s)->client, left_ms, mrq,
                                         tx, tx_size, rx, rx_size, &error);

    bql_lock();
    qemu_mutex_lock(&s->lock);
    nvidia_bpmp_answer(s, status, error, rx, rx_size);
    s->busy = false;
    qemu_cond_broadcast(&s->idle);
}

static MemTxResult nvidia_bpmp_read(void *opaque, hwaddr offset,
                                    uint64_t *value, unsigned size,
                                    MemTxAttrs attrs)
{
    NvidiaBpmpGuestState *s = opaque;

    *value = 0;
    if (nvidia_bpmp_enter(s, nvidia_bpmp_is_vcpus(s, attrs))) {
        *value = nvidia_bpmp_load(s, offset, size);
        nvidia_bpmp_leave(s);
    }
    trace_nvidia_bpmp_guest_read(offset, size, *value);
    return MEMTX_OK;
}

/* Whether a store touches the doorbell at all. */
static bool nvidia_bpmp_touches_doorbell(hwaddr offset, unsigned size)
{
    return offset < NVIDIA_BPMP_MRQ + 4 && offset + size > NVIDIA_BPMP_MRQ;
}

static MemTxResult nvidia_bpmp_write(void *opaque, hwaddr offset,
                                     uint64_t value, unsigned size,
                                     MemTxAttrs attrs)
{
    NvidiaBpmpGuestState *s = opaque;
    int64_t until = g_get_monotonic_time() +
                    NVIDIA_BPMP(s)->timeout_ms * INT64_C(1000);
    bool doorbell = nvidia_bpmp_touches_doorbell(offset, size);
    bool may_wait = nvidia_bpmp_is_vcpus(s, attrs);
    /* A test's accesses come from the main loop, where nothing else runs. */
    bool may_ring = may_wait || (!current_cpu && qtest_enabled());

    trace_nvidia_bpmp_guest_write(offset, size, value);
    if (offset + size > NVIDIA_BPMP_WINDOW_SIZE) {
        qemu_log_mask(LOG_GUEST_ERROR,
                      "%s: store of %u bytes at 0x%" HWADDR_PRIx
                      ", beyond the window\n",
                      TYPE_NVIDIA_BPMP_GUEST, size, offset);
        return MEMTX_OK;
    }
    if (doorbell && (offset != NVIDIA_BPMP_MRQ || size < 4 || !may_ring)) {
        qemu_log_mask(LOG_GUEST_ERROR,
                      "%s: store of %u bytes at 0x%" HWADDR_PRIx
                      " touches the doorbell and can't ring it\n",
                      TYPE_NVIDIA_BPMP_GUEST, size, offset);
        return MEMTX_OK;
    }
    /* It may be long, with the big lock released. */
    object_ref(OBJECT(s));
    if (nvidia_bpmp_enter(s, may_wait)) {
        nvidia_bpmp_store(s, offset, value, size);
        if (doorbell) {
            nvidia_bpmp_ring(s, (uint32_t)value, until);
        }
        nvidia_bpmp_leave(s);
    }
    object_unref(OBJECT(s));
    return MEMTX_OK;
}

static const MemoryRegionOps nvidia_bpmp_ops = {
    .read_with_attrs = nvidia_bpmp_read,
    .write_with_attrs = nvidia_bpmp_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {
        .min_access_size = 1,
        .max_access_size = 8,
        .unaligned = true,
    },
    .impl = {
        .min_access_size = 1,
        .max_access_size = 8,
        .unaligned = true,
    },
};

static void nvidia_bpmp_guest_reset_enter(Object *obj, ResetType type)
{
    NvidiaBpmpGuestState *s = NVIDIA_BPMP_GUEST(obj);

    qemu_mutex_lock(&s->lock);
    memset(s->window, 0, sizeof(s->window));
    stl_le_p(s->window + NVIDIA_BPMP_ID, NVIDIA_BPMP_MAGIC);
    qemu_mutex_unlock(&s->lock);
}

static void nvidia_bpmp_guest_reset_hold(NVIDIA_BPMP_HOLD_ARGS)
{
    nvidia_bpmp_release(NVIDIA_BPMP(obj));
}

static bool nvidia_bpmp_find_place(NvidiaBpmpGuestState *s, Error **errp)
{
    if (s->addr == UINT64_MAX) {
        s->addr = nvidia_bpmp_is_free(NVIDIA_BPMP_ADDR_FIRST,
                                      NVIDIA_BPMP_REGION_SIZE)
                  ? NVIDIA_BPMP_ADDR_FIRST : NVIDIA_BPMP_ADDR_SECOND;
    }
    return nvidia_bpmp_check_place("addr", s->addr, NVIDIA_BPMP_REGION_SIZE,
                                   NVIDIA_BPMP_REGION_SIZE, errp);
}

static void nvidia_bpmp_guest_realize(DeviceState *dev, Error **errp)
{
    NvidiaBpmpGuestState *s = NVIDIA_BPMP_GUEST(dev);
    void *fdt;

    if (!nvidia_bpmp_check(NVIDIA_BPMP(dev), errp) ||
        !nvidia_bpmp_find_place(s, errp) ||
        !nvidia_bpmp_connect(NVIDIA_BPMP(dev), 0, NULL, errp)) {
        return;
    }
    sysbus_mmio_map(SYS_BUS_DEVICE(dev), 0, s->addr);
    fdt = nvidia_bpmp_add_node();
    if (fdt) {
        qemu_fdt_setprop_u64(fdt, "/bpmp", "virtual-pa", s->addr);
    }
}

static void nvidia_bpmp_guest_init(Object *obj)
{
    NvidiaBpmpGuestState *s = NVIDIA_BPMP_GUEST(obj);

    qemu_mutex_init(&s->lock);
    qemu_cond_init(&s->idle);
    memory_region_init_io(&s->iomem, obj, &nvidia_bpmp_ops, s,
                          TYPE_NVIDIA_BPMP_GUEST, NVIDIA_BPMP_REGION_SIZE);
    nvidia_bpmp_allow_reentry(&s->iomem);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
}

static void nvidia_bpmp_guest_finalize(Object *obj)
{
    NvidiaBpmpGuestState *s = NVIDIA_BPMP_GUEST(obj);

    qemu_cond_destroy(&s->idle);
    qemu_mutex_destroy(&s->lock);
}

static NVIDIA_BPMP_CONST Property nvidia_bpmp_guest_properties[] = {
    DEFINE_PROP_UINT64("addr", NvidiaBpmpGuestState, addr, UINT64_MAX),
    DEFINE_PROP_END_OF_LIST()
};

static void nvidia_bpmp_guest_class_init(ObjectClass *klass,
                                         NVIDIA_BPMP_CLASS_DATA data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "NVIDIA Tegra BPMP for patched guests, served by a BPMP broker";
    dc->realize = nvidia_bpmp_guest_realize;
    device_class_set_props(dc, nvidia_bpmp_guest_properties);
    rc->phases.enter = nvidia_bpmp_guest_reset_enter;
    rc->phases.hold = nvidia_bpmp_guest_reset_hold;
}

static const TypeInfo nvidia_bpmp_guest_types[] = {
    {
        .name = TYPE_NVIDIA_BPMP_GUEST,
        .parent = TYPE_NVIDIA_BPMP,
        .instance_size = sizeof(NvidiaBpmpGuestState),
        .instance_init = nvidia_bpmp_guest_init,
        .instance_finalize = nvidia_bpmp_guest_finalize,
        .class_init = nvidia_bpmp_guest_class_init,
    },
};

DEFINE_TYPES(nvidia_bpmp_guest_types)
