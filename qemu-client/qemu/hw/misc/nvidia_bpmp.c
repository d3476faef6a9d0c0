/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NVIDIA Tegra BPMP for guests: the session with the broker, and what else all
 * front ends have in common
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "qapi/error.h"
#include "block/aio.h"
#include "hw/boards.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "monitor/monitor.h"
#include "hw/misc/nvidia_bpmp.h"
#include "trace.h"

static void nvidia_bpmp_warn(void *opaque)
{
    g_autofree char *message = opaque;

    warn_report("nvidia-bpmp: %s", message);
}

/*
 * In one of the library's threads, or in a vCPU's that waits for its answer;
 * neither may block: what is worth saying is said in the main loop.
 */
static void nvidia_bpmp_log(void *opaque, enum bpmp_client_log_level level,
                            const char *message)
{
    trace_nvidia_bpmp_log(message);
    if (level >= BPMP_CLIENT_LOG_WARNING) {
        aio_bh_schedule_oneshot(qemu_get_aio_context(), nvidia_bpmp_warn,
                                g_strdup(message));
    }
}

bool nvidia_bpmp_check(NvidiaBpmpState *s, Error **errp)
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
    object_resolve_path_type("", TYPE_NVIDIA_BPMP, &ambiguous);
    if (ambiguous) {
        error_setg(errp, "a machine has at most one BPMP: one "
                   "nvidia-bpmp-guest or one nvidia-bpmp-mailbox");
        return false;
    }
    return true;
}

bool nvidia_bpmp_connect(NvidiaBpmpState *s, uint64_t flags,
                         nvidia_bpmp_notify *notify, Error **errp)
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
    config.notify = notify;
    config.notify_opaque = s;
    config.flags = flags;
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

void nvidia_bpmp_disconnect(NvidiaBpmpState *s)
{
    bpmp_client_close(s->client);
    s->client = NULL;
}

void nvidia_bpmp_release(NvidiaBpmpState *s)
{
    trace_nvidia_bpmp_release();
    if (s->client) {
        bpmp_client_reset_async(s->client, NULL, NULL);
    }
}

bool nvidia_bpmp_is_free(uint64_t addr, uint64_t size)
{
    MemoryRegionSection found = memory_region_find(get_system_memory(), addr,
                                                   size);

    if (!found.mr) {
        return true;
    }
    memory_region_unref(found.mr);
    return false;
}

bool nvidia_bpmp_check_place(const char *property, uint64_t addr,
                             uint64_t size, uint64_t align, Error **errp)
{
    if (!QEMU_IS_ALIGNED(addr, align) || addr >= NVIDIA_BPMP_ADDR_END) {
        error_setg(errp, "%s=0x%" PRIx64 " is no multiple of 0x%" PRIx64
                   " below 0x%" PRIx64, property, addr, align,
                   (uint64_t)NVIDIA_BPMP_ADDR_END);
        return false;
    }
    if (!nvidia_bpmp_is_free(addr, size)) {
        error_setg(errp, "the machine has something else at 0x%" PRIx64
                   "; set %s= to 0x%" PRIx64 " free bytes", addr, property,
                   size);
        return false;
    }
    return true;
}

void *nvidia_bpmp_add_node(void)
{
    static const char compatible[] = "nvidia,tegra234-bpmp\0"
                                     "nvidia,tegra186-bpmp";
    void *fdt = MACHINE(qdev_get_machine())->fdt;

    if (!fdt) {
        return NULL;
    }
    qemu_fdt_add_subnode(fdt, "/bpmp");
    qemu_fdt_setprop(fdt, "/bpmp", "compatible", compatible,
                     sizeof(compatible));
    qemu_fdt_setprop_cell(fdt, "/bpmp", "#clock-cells", 1);
    qemu_fdt_setprop_cell(fdt, "/bpmp", "#reset-cells", 1);
    qemu_fdt_setprop_cell(fdt, "/bpmp", "#power-domain-cells", 1);
    qemu_fdt_setprop_cell(fdt, "/bpmp", "phandle",
                          qemu_fdt_alloc_phandle(fdt));
    return fdt;
}

static void nvidia_bpmp_finalize(Object *obj)
{
    nvidia_bpmp_disconnect(NVIDIA_BPMP(obj));
}

/* What the guest holds is known to the broker, on this host. */
static const VMStateDescription nvidia_bpmp_vmstate = {
    .name = TYPE_NVIDIA_BPMP,
    .unmigratable = 1,
};

static NVIDIA_BPMP_CONST Property nvidia_bpmp_properties[] = {
    DEFINE_PROP_STRING("broker", NvidiaBpmpState, broker),
    DEFINE_PROP_STRING("fd", NvidiaBpmpState, fd_name),
    DEFINE_PROP_STRING("tls-creds-dir", NvidiaBpmpState, tls_creds_dir),
    DEFINE_PROP_STRING("tls-server-name", NvidiaBpmpState, tls_server_name),
    DEFINE_PROP_UINT32("timeout-ms", NvidiaBpmpState, timeout_ms,
                       BPMP_CLIENT_DEFAULT_TIMEOUT_MS),
    DEFINE_PROP_BOOL("wait", NvidiaBpmpState, wait, true),
    DEFINE_PROP_END_OF_LIST()
};

static void nvidia_bpmp_class_init(ObjectClass *klass,
                                   NVIDIA_BPMP_CLASS_DATA data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->vmsd = &nvidia_bpmp_vmstate;
    dc->user_creatable = true;
    dc->hotpluggable = false;
    device_class_set_props(dc, nvidia_bpmp_properties);
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo nvidia_bpmp_types[] = {
    {
        .name = TYPE_NVIDIA_BPMP,
        .parent = NVIDIA_BPMP_PARENT,
        .instance_size = sizeof(NvidiaBpmpState),
        .instance_finalize = nvidia_bpmp_finalize,
        .class_init = nvidia_bpmp_class_init,
        .abstract = true,
    },
};

DEFINE_TYPES(nvidia_bpmp_types)
