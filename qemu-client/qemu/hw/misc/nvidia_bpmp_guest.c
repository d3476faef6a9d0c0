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
#include "qemu/error-report.h"
#include "qemu/log.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "qemu/thread.h"
#include "qapi/error.h"
#include "block/aio.h"
#include "hw/boards.h"
#include "hw/core/cpu.h"
#include "hw/qdev-properties.h"
#include "hw/resettable.h"
#include "hw/sysbus.h"
#include "migration/vmstate.h"
#include "monitor/monitor.h"
#include "qom/object.h"
#include "hw/misc/nvidia_bpmp_guest.h"
#include "hw/misc/nvidia_bpmp_compat.h"
#include "trace.h"

#include <linux/kvm.h>
#include <bpmp_client.h>

OBJECT_DECLARE_SIMPLE_TYPE(NvidiaBpmpGuestState, NVIDIA_BPMP_GUEST)

struct NvidiaBpmpGuestState {
    SysBusDevice parent_obj;

    MemoryRegion iomem;

    /* Properties */
    char *broker;
    char *fd_name;
    char *tls_creds_dir;
    char *tls_server_name;
    uint64_t addr;
    uint32_t timeout_ms;
    bool wait;

    bpmp_client *client;

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
        error = status == -ETIMEDOUT ? -NVIDIA_BPMP_ETIMEDOUT
                                     : -NVIDIA_BPMP_EIO;
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

    status = bpmp_client_transfer_within(s->client, left_ms, mrq, tx, tx_size,
                                         rx, rx_size, &error);

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
    int64_t until = g_get_monotonic_time() + s->timeout_ms * INT64_C(1000);
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

static void nvidia_bpmp_reset_enter(Object *obj, ResetType type)
{
    NvidiaBpmpGuestState *s = NVIDIA_BPMP_GUEST(obj);

    qemu_mutex_lock(&s->lock);
    memset(s->window, 0, sizeof(s->window));
    stl_le_p(s->window + NVIDIA_BPMP_ID, NVIDIA_BPMP_MAGIC);
    qemu_mutex_unlock(&s->lock);
}

/* All that the guest holds is released; its next requests wait for that. */
static void nvidia_bpmp_reset_hold(NVIDIA_BPMP_HOLD_ARGS)
{
    NvidiaBpmpGuestState *s = NVIDIA_BPMP_GUEST(obj);

    trace_nvidia_bpmp_guest_reset();
    if (s->client) {
        bpmp_client_reset_async(s->client, NULL, NULL);
    }
}

static void nvidia_bpmp_warn(void *opaque)
{
    g_autofree char *message = opaque;

    warn_report(TYPE_NVIDIA_BPMP_GUEST ": %s", message);
}

/*
 * In one of the library's threads, which may not block: what is worth saying is
 * said in the main loop.
 */
static void nvidia_bpmp_log(void *opaque, enum bpmp_client_log_level level,
                            const char *message)
{
    trace_nvidia_bpmp_guest_log(message);
    if (level >= BPMP_CLIENT_LOG_WARNING) {
        aio_bh_schedule_oneshot(qemu_get_aio_context(), nvidia_bpmp_warn,
                                g_strdup(message));
    }
}

static bool nvidia_bpmp_is_free(uint64_t addr)
{
    MemoryRegionSection found = memory_region_find(get_system_memory(), addr,
                                                   NVIDIA_BPMP_REGION_SIZE);

    if (!found.mr) {
        return true;
    }
    memory_region_unref(found.mr);
    return false;
}

static bool nvidia_bpmp_find_place(NvidiaBpmpGuestState *s, Error **errp)
{
    if (s->addr == UINT64_MAX) {
        s->addr = nvidia_bpmp_is_free(NVIDIA_BPMP_ADDR_FIRST)
                  ? NVIDIA_BPMP_ADDR_FIRST : NVIDIA_BPMP_ADDR_SECOND;
    }
    if (!QEMU_IS_ALIGNED(s->addr, NVIDIA_BPMP_REGION_SIZE) ||
        s->addr >= NVIDIA_BPMP_ADDR_END) {
        error_setg(errp, "addr=0x%" PRIx64 " is no multiple of 0x%x below 0x%"
                   PRIx64, s->addr, NVIDIA_BPMP_REGION_SIZE,
                   (uint64_t)NVIDIA_BPMP_ADDR_END);
        return false;
    }
    if (!nvidia_bpmp_is_free(s->addr)) {
        error_setg(errp, "the machine has something else at 0x%" PRIx64
                   "; set addr= to 0x%x free bytes", s->addr,
                   NVIDIA_BPMP_REGION_SIZE);
        return false;
    }
    return true;
}

static bool nvidia_bpmp_check(NvidiaBpmpGuestState *s, Error **errp)
{
    bool ambiguous = false;

    if (!s->broker == !s->fd_name) {
        error_setg(errp,
                   "set either broker= or fd= to say where the broker is");
        return false;
    }
    if (s->timeout_ms < 1 || s->timeout_ms > BPMP_CLIENT_MAX_TIMEOUT_MS) {
        error_setg(errp, "timeout-ms=%" PRIu32 " is not within 1 and %u",
                   s->timeout_ms, BPMP_CLIENT_MAX_TIMEOUT_MS);
        return false;
    }
    object_resolve_path_type("", TYPE_NVIDIA_BPMP_GUEST, &ambiguous);
    if (ambiguous) {
        error_setg(errp, "a machine has at most one " TYPE_NVIDIA_BPMP_GUEST);
        return false;
    }
    return true;
}

static bool nvidia_bpmp_connect(NvidiaBpmpGuestState *s, Error **errp)
{
    ERRP_GUARD();
    struct bpmp_client_config config = BPMP_CLIENT_CONFIG_INIT;
    g_autofree char *name = g_strdup_printf("qemu %s", QEMU_VERSION);
    char why[512];
    int status;

    config.timeout_ms = s->timeout_ms;
    config.broker = s->broker;
    config.tls_creds_dir = s->tls_creds_dir;
    config.tls_server_name = s->tls_server_name;
    config.client_name = name;
    config.log = nvidia_bpmp_log;
    config.log_opaque = s;
    if (s->fd_name) {
        config.fd = monitor_fd_param(monitor_cur(), s->fd_name, errp);
        if (config.fd < 0) {
            return false;
        }
    }
    status = bpmp_client_open(&config, s->wait ? s->timeout_ms : 0, &s->client,
                              why, sizeof(why));
    if (status < 0) {
        error_setg(errp, "can't reach the BPMP broker: %s", why);
        if (s->wait && status != -EINVAL) {
            error_append_hint(errp, "With wait=off the machine starts without "
                              "it and keeps trying.\n");
        }
        if (config.fd >= 0) {
            close(config.fd);
        }
        return false;
    }
    return true;
}

/*
 * The node that the guest's BPMP driver binds to. A device tree of the user's
 * own (-dtb) takes the place of the whole tree, and so does without it.
 */
static void nvidia_bpmp_add_node(NvidiaBpmpGuestState *s)
{
    static const char compatible[] = "nvidia,tegra234-bpmp\0"
                                     "nvidia,tegra186-bpmp";
    void *fdt = MACHINE(qdev_get_machine())->fdt;

    if (!fdt) {
        return;
    }
    qemu_fdt_add_subnode(fdt, "/bpmp");
    qemu_fdt_setprop(fdt, "/bpmp", "compatible", compatible,
                     sizeof(compatible));
    qemu_fdt_setprop_u64(fdt, "/bpmp", "virtual-pa", s->addr);
    qemu_fdt_setprop_cell(fdt, "/bpmp", "#clock-cells", 1);
    qemu_fdt_setprop_cell(fdt, "/bpmp", "#reset-cells", 1);
    qemu_fdt_setprop_cell(fdt, "/bpmp", "#power-domain-cells", 1);
    qemu_fdt_setprop_cell(fdt, "/bpmp", "phandle",
                          qemu_fdt_alloc_phandle(fdt));
}

static void nvidia_bpmp_realize(DeviceState *dev, Error **errp)
{
    NvidiaBpmpGuestState *s = NVIDIA_BPMP_GUEST(dev);

    if (!nvidia_bpmp_check(s, errp) || !nvidia_bpmp_find_place(s, errp) ||
        !nvidia_bpmp_connect(s, errp)) {
        return;
    }
    sysbus_mmio_map(SYS_BUS_DEVICE(dev), 0, s->addr);
    nvidia_bpmp_add_node(s);
}

static void nvidia_bpmp_init(Object *obj)
{
    NvidiaBpmpGuestState *s = NVIDIA_BPMP_GUEST(obj);

    qemu_mutex_init(&s->lock);
    qemu_cond_init(&s->idle);
    memory_region_init_io(&s->iomem, obj, &nvidia_bpmp_ops, s,
                          TYPE_NVIDIA_BPMP_GUEST, NVIDIA_BPMP_REGION_SIZE);
    nvidia_bpmp_allow_reentry(&s->iomem);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->iomem);
}

static void nvidia_bpmp_finalize(Object *obj)
{
    NvidiaBpmpGuestState *s = NVIDIA_BPMP_GUEST(obj);

    bpmp_client_close(s->client);
    qemu_cond_destroy(&s->idle);
    qemu_mutex_destroy(&s->lock);
}

/* What the guest holds is known to the broker, on this host. */
static const VMStateDescription nvidia_bpmp_vmstate = {
    .name = TYPE_NVIDIA_BPMP_GUEST,
    .unmigratable = 1,
};

static NVIDIA_BPMP_CONST Property nvidia_bpmp_properties[] = {
    DEFINE_PROP_STRING("broker", NvidiaBpmpGuestState, broker),
    DEFINE_PROP_STRING("fd", NvidiaBpmpGuestState, fd_name),
    DEFINE_PROP_STRING("tls-creds-dir", NvidiaBpmpGuestState, tls_creds_dir),
    DEFINE_PROP_STRING("tls-server-name", NvidiaBpmpGuestState,
                       tls_server_name),
    DEFINE_PROP_UINT64("addr", NvidiaBpmpGuestState, addr, UINT64_MAX),
    DEFINE_PROP_UINT32("timeout-ms", NvidiaBpmpGuestState, timeout_ms,
                       BPMP_CLIENT_DEFAULT_TIMEOUT_MS),
    DEFINE_PROP_BOOL("wait", NvidiaBpmpGuestState, wait, true),
    DEFINE_PROP_END_OF_LIST()
};

static void nvidia_bpmp_class_init(ObjectClass *klass,
                                   NVIDIA_BPMP_CLASS_DATA data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "NVIDIA Tegra BPMP, served by a BPMP broker";
    dc->realize = nvidia_bpmp_realize;
    dc->vmsd = &nvidia_bpmp_vmstate;
    dc->user_creatable = true;
    dc->hotpluggable = false;
    device_class_set_props(dc, nvidia_bpmp_properties);
    rc->phases.enter = nvidia_bpmp_reset_enter;
    rc->phases.hold = nvidia_bpmp_reset_hold;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo nvidia_bpmp_types[] = {
    {
        .name = TYPE_NVIDIA_BPMP_GUEST,
        .parent = NVIDIA_BPMP_PARENT,
        .instance_size = sizeof(NvidiaBpmpGuestState),
        .instance_init = nvidia_bpmp_init,
        .instance_finalize = nvidia_bpmp_finalize,
        .class_init = nvidia_bpmp_class_init,
    },
};

DEFINE_TYPES(nvidia_bpmp_types)
