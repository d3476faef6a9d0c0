/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NVIDIA Tegra BPMP mailbox for guests, served by a BPMP broker
 *
 * What Linux' Tegra drivers know: requests are frames in shared memory, and
 * two doorbells of the hardware synchronisation primitives (HSP) tell either
 * side that there is something new. A guest's kernel needs no change for it.
 *
 * This file has the device and the doorbells; nvidia_bpmp_channels.c has what
 * is in the shared memory.
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "qemu/range.h"
#include "qapi/error.h"
#include "hw/intc/arm_gic_common.h"
#include "hw/intc/arm_gicv3_common.h"
#include "hw/irq.h"
#include "hw/qdev-properties.h"
#include "hw/resettable.h"
#include "hw/misc/nvidia_bpmp_mailbox_internal.h"
#include "trace.h"

/* Complaints of a guest until it is reset. */
#define NVIDIA_BPMP_COMPLAINTS  16
/* The first of the shared interrupts, in the GIC's numbers. */
#define NVIDIA_GIC_SPI          32

static void nvidia_bpmp_mailbox_update_irq(NvidiaBpmpMailboxState *s)
{
    qemu_set_irq(s->irq, !!(s->pending & s->enable));
}

void nvidia_bpmp_mailbox_interrupt(NvidiaBpmpMailboxState *s)
{
    s->pending |= BIT(NVIDIA_HSP_MASTER_BPMP);
    nvidia_bpmp_mailbox_update_irq(s);
}

void nvidia_bpmp_mailbox_complain(NvidiaBpmpMailboxState *s, const char *what,
                                  uint64_t value)
{
    if (s->complaints == NVIDIA_BPMP_COMPLAINTS) {
        return;
    }
    s->complaints++;
    qemu_log_mask(LOG_GUEST_ERROR, "%s: the guest %s 0x%" PRIx64 "%s\n",
                  TYPE_NVIDIA_BPMP_MAILBOX, what, value,
                  s->complaints < NVIDIA_BPMP_COMPLAINTS ? "" :
                  "; no more will be said until it is reset");
}

static uint64_t nvidia_bpmp_mailbox_read(void *opaque, hwaddr offset,
                                         unsigned size)
{
    NvidiaBpmpMailboxState *s = opaque;
    uint64_t value = 0;

    if (size != NVIDIA_HSP_REGISTER) {
        nvidia_bpmp_mailbox_complain(s, "reads no whole register at", offset);
        return 0;
    }
    switch (offset) {
    case NVIDIA_HSP_DIMENSIONING:
        value = NVIDIA_HSP_DIMENSIONS;
        break;
    case NVIDIA_MISC_HIDREV:
        value = NVIDIA_CHIP_ID;
        break;
    case NVIDIA_MISC_STRAPS:
        break;
    case NVIDIA_HSP_DB_BPMP + NVIDIA_HSP_DB_ENABLE:
        /* The guest may ring. */
        value = BIT(NVIDIA_HSP_MASTER_CCPLEX);
        break;
    case NVIDIA_HSP_DB_CCPLEX + NVIDIA_HSP_DB_ENABLE:
        value = s->enable;
        break;
    case NVIDIA_HSP_DB_CCPLEX + NVIDIA_HSP_DB_RAW:
        value = s->pending;
        break;
    case NVIDIA_HSP_DB_CCPLEX + NVIDIA_HSP_DB_PENDING:
        value = s->pending & s->enable;
        break;
    default:
        nvidia_bpmp_mailbox_complain(s, "reads a register that isn't there:",
                                     offset);
        break;
    }
    trace_nvidia_bpmp_mailbox_read(offset, value);
    return value;
}

static void nvidia_bpmp_mailbox_write(void *opaque, hwaddr offset,
                                      uint64_t value, unsigned size)
{
    NvidiaBpmpMailboxState *s = opaque;

    trace_nvidia_bpmp_mailbox_write(offset, value);
    if (size != NVIDIA_HSP_REGISTER) {
        nvidia_bpmp_mailbox_complain(s, "writes no whole register at", offset);
        return;
    }
    switch (offset) {
    case NVIDIA_HSP_DB_BPMP + NVIDIA_HSP_DB_TRIGGER:
        nvidia_bpmp_channels_ring(s);
        break;
    case NVIDIA_HSP_DB_CCPLEX + NVIDIA_HSP_DB_ENABLE:
        s->enable = value;
        nvidia_bpmp_mailbox_update_irq(s);
        break;
    case NVIDIA_HSP_DB_CCPLEX + NVIDIA_HSP_DB_PENDING:
        s->pending &= ~value;
        nvidia_bpmp_mailbox_update_irq(s);
        break;
    default:
        nvidia_bpmp_mailbox_complain(s, "writes a register that isn't there:",
                                     offset);
        break;
    }
}

static const MemoryRegionOps nvidia_bpmp_mailbox_ops = {
    .read = nvidia_bpmp_mailbox_read,
    .write = nvidia_bpmp_mailbox_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    /* All reach us, so that what is said of a guest's errors has its limit. */
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

static void nvidia_bpmp_mailbox_reset_enter(Object *obj, ResetType type)
{
    NvidiaBpmpMailboxState *s = NVIDIA_BPMP_MAILBOX(obj);

    s->pending = 0;
    s->enable = 0;
    s->complaints = 0;
    nvidia_bpmp_channels_reset(s);
}

static void nvidia_bpmp_mailbox_reset_hold(NVIDIA_BPMP_HOLD_ARGS)
{
    NvidiaBpmpMailboxState *s = NVIDIA_BPMP_MAILBOX(obj);

    nvidia_bpmp_mailbox_update_irq(s);
    nvidia_bpmp_release(NVIDIA_BPMP(obj));
}

/* The machine's interrupt controller, whichever it has. */
static DeviceState *nvidia_bpmp_mailbox_gic(void)
{
    Object *gic = object_resolve_path_type("", TYPE_ARM_GIC_COMMON, NULL);

    if (!gic) {
        gic = object_resolve_path_type("", TYPE_ARM_GICV3_COMMON, NULL);
    }
    return gic ? DEVICE(gic) : NULL;
}

static bool nvidia_bpmp_mailbox_find_irq(NvidiaBpmpMailboxState *s,
                                         Error **errp)
{
    DeviceState *gic = nvidia_bpmp_mailbox_gic();
    uint32_t spis;

    if (!gic) {
        error_setg(errp, "the machine has no GIC to interrupt its CPUs with");
        return false;
    }
    spis = object_property_get_uint(OBJECT(gic), "num-irq", &error_abort) -
           NVIDIA_GIC_SPI;
    if (s->spi < NVIDIA_VIRT_SPIS || s->spi >= spis) {
        error_setg(errp, "spi=%" PRIu32 ": the machine's free interrupts are "
                   "%u to %" PRIu32, s->spi, NVIDIA_VIRT_SPIS, spis - 1);
        return false;
    }
    sysbus_connect_irq(SYS_BUS_DEVICE(s), 0, qdev_get_gpio_in(gic, s->spi));
    return true;
}

static void nvidia_bpmp_mailbox_realize(DeviceState *dev, Error **errp)
{
    NvidiaBpmpMailboxState *s = NVIDIA_BPMP_MAILBOX(dev);
    SysBusDevice *sbd = SYS_BUS_DEVICE(dev);

    if (!nvidia_bpmp_check(NVIDIA_BPMP(dev), errp) ||
        !nvidia_bpmp_check_place("addr", s->addr, NVIDIA_BPMP_REGISTERS_SIZE,
                                 0x10000, errp) ||
        !nvidia_bpmp_check_place("shmem-addr", s->shmem_addr,
                                 NVIDIA_BPMP_SHMEM_SIZE,
                                 NVIDIA_BPMP_SHMEM_SIZE, errp)) {
        return;
    }
    if (ranges_overlap(s->addr, NVIDIA_BPMP_REGISTERS_SIZE, s->shmem_addr,
                       NVIDIA_BPMP_SHMEM_SIZE)) {
        error_setg(errp, "addr=0x%" PRIx64 " and shmem-addr=0x%" PRIx64
                   " overlap", s->addr, s->shmem_addr);
        return;
    }
    if (!nvidia_bpmp_ivc_can_be_shared(errp) ||
        !nvidia_bpmp_mailbox_find_irq(s, errp)) {
        return;
    }
    memory_region_init_ram(&s->shmem, OBJECT(dev),
                           TYPE_NVIDIA_BPMP_MAILBOX ".shmem",
                           NVIDIA_BPMP_SHMEM_SIZE, &error_fatal);
    nvidia_bpmp_channels_init(s);
    if (!nvidia_bpmp_connect(NVIDIA_BPMP(dev),
                             s->read_ahead ? BPMP_CLIENT_READ_AHEAD : 0,
                             nvidia_bpmp_inbound_notify, errp)) {
        return;
    }
    sysbus_init_mmio(sbd, &s->shmem);
    sysbus_mmio_map(sbd, 0, s->addr);
    sysbus_mmio_map(sbd, 1, s->shmem_addr);
    nvidia_bpmp_mailbox_add_nodes(s);
}

static void nvidia_bpmp_mailbox_init(Object *obj)
{
    NvidiaBpmpMailboxState *s = NVIDIA_BPMP_MAILBOX(obj);

    qemu_mutex_init(&s->inbound.lock);
    memory_region_init_io(&s->registers, obj, &nvidia_bpmp_mailbox_ops, s,
                          TYPE_NVIDIA_BPMP_MAILBOX ".registers",
                          NVIDIA_BPMP_REGISTERS_SIZE);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->registers);
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
}

static void nvidia_bpmp_mailbox_finalize(Object *obj)
{
    NvidiaBpmpMailboxState *s = NVIDIA_BPMP_MAILBOX(obj);

    nvidia_bpmp_disconnect(NVIDIA_BPMP(obj));
    qemu_mutex_destroy(&s->inbound.lock);
}

static NVIDIA_BPMP_CONST Property nvidia_bpmp_mailbox_properties[] = {
    DEFINE_PROP_UINT64("addr", NvidiaBpmpMailboxState, addr,
                       NVIDIA_HSP_ADDR),
    DEFINE_PROP_UINT64("shmem-addr", NvidiaBpmpMailboxState, shmem_addr,
                       NVIDIA_BPMP_SHMEM_ADDR),
    DEFINE_PROP_UINT32("spi", NvidiaBpmpMailboxState, spi, NVIDIA_HSP_SPI),
    DEFINE_PROP_BOOL("thermal", NvidiaBpmpMailboxState, thermal, false),
    DEFINE_PROP_BOOL("read-ahead", NvidiaBpmpMailboxState, read_ahead, true),
    DEFINE_PROP_END_OF_LIST()
};

static void nvidia_bpmp_mailbox_class_init(ObjectClass *klass,
                                           NVIDIA_BPMP_CLASS_DATA data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "NVIDIA Tegra BPMP for stock guests, served by a BPMP broker";
    dc->realize = nvidia_bpmp_mailbox_realize;
    device_class_set_props(dc, nvidia_bpmp_mailbox_properties);
    rc->phases.enter = nvidia_bpmp_mailbox_reset_enter;
    rc->phases.hold = nvidia_bpmp_mailbox_reset_hold;
}

static const TypeInfo nvidia_bpmp_mailbox_types[] = {
    {
        .name = TYPE_NVIDIA_BPMP_MAILBOX,
        .parent = TYPE_NVIDIA_BPMP,
        .instance_size = sizeof(NvidiaBpmpMailboxState),
        .instance_init = nvidia_bpmp_mailbox_init,
        .instance_finalize = nvidia_bpmp_mailbox_finalize,
        .class_init = nvidia_bpmp_mailbox_class_init,
    },
};

DEFINE_TYPES(nvidia_bpmp_mailbox_types)
