/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NVIDIA Tegra BPMP mailbox for guests: its nodes in the guest's device tree
 */
#include "qemu/osdep.h"
#include "hw/boards.h"
#include "hw/misc/nvidia_bpmp_mailbox_internal.h"

#include <libfdt.h>

/* Interrupt specifiers of a GIC: kind, number, trigger. */
#define NVIDIA_GIC_FDT_SPI          0
#define NVIDIA_GIC_FDT_LEVEL_HIGH   4
/* The mailbox's kind, in the HSP's specifiers. */
#define NVIDIA_HSP_MBOX_TYPE_DB     0

static uint32_t nvidia_bpmp_mailbox_add_hsp(NvidiaBpmpMailboxState *s,
                                            void *fdt)
{
    static const char compatible[] = "nvidia,tegra234-hsp\0"
                                     "nvidia,tegra194-hsp";
    g_autofree char *node = g_strdup_printf("/hsp@%" PRIx64, s->addr);
    uint32_t phandle = qemu_fdt_alloc_phandle(fdt);

    qemu_fdt_add_subnode(fdt, node);
    qemu_fdt_setprop(fdt, node, "compatible", compatible, sizeof(compatible));
    qemu_fdt_setprop_sized_cells(fdt, node, "reg", 2, s->addr,
                                 2, NVIDIA_HSP_SIZE);
    qemu_fdt_setprop_cells(fdt, node, "interrupts", NVIDIA_GIC_FDT_SPI,
                           s->spi, NVIDIA_GIC_FDT_LEVEL_HIGH);
    /*
     * Alone: then the driver leaves the shared mailboxes, of which we have
     * none, in peace.
     */
    qemu_fdt_setprop_string(fdt, node, "interrupt-names", "doorbell");
    qemu_fdt_setprop_cell(fdt, node, "#mbox-cells", 2);
    qemu_fdt_setprop_cell(fdt, node, "phandle", phandle);
    return phandle;
}

static void nvidia_bpmp_mailbox_add_misc(NvidiaBpmpMailboxState *s, void *fdt)
{
    g_autofree char *node = g_strdup_printf("/misc@%" PRIx64,
                                            s->addr + NVIDIA_MISC);

    qemu_fdt_add_subnode(fdt, node);
    qemu_fdt_setprop_string(fdt, node, "compatible", "nvidia,tegra234-misc");
    qemu_fdt_setprop_sized_cells(fdt, node, "reg",
                                 2, s->addr + NVIDIA_MISC,
                                 2, NVIDIA_MISC_SIZE,
                                 2, s->addr + NVIDIA_MISC_STRAPS,
                                 2, NVIDIA_MISC_STRAPS_SIZE);
}

static uint32_t nvidia_bpmp_mailbox_add_pool(void *fdt, const char *sram,
                                             const char *label, unsigned at)
{
    g_autofree char *node = g_strdup_printf("%s/sram@%x", sram, at);
    uint32_t phandle = qemu_fdt_alloc_phandle(fdt);

    qemu_fdt_add_subnode(fdt, node);
    qemu_fdt_setprop_cells(fdt, node, "reg", at, NVIDIA_BPMP_SHMEM_PAGE);
    qemu_fdt_setprop_string(fdt, node, "label", label);
    qemu_fdt_setprop(fdt, node, "pool", NULL, 0);
    qemu_fdt_setprop_cell(fdt, node, "phandle", phandle);
    return phandle;
}

/* For drivers that take the pages from a pool of on-chip memory. */
static void nvidia_bpmp_mailbox_add_sram(NvidiaBpmpMailboxState *s, void *fdt)
{
    g_autofree char *node = g_strdup_printf("/sram@%" PRIx64, s->shmem_addr);
    uint32_t from_guest, to_guest;

    qemu_fdt_add_subnode(fdt, node);
    qemu_fdt_setprop_string(fdt, node, "compatible", "mmio-sram");
    qemu_fdt_setprop_sized_cells(fdt, node, "reg", 2, s->shmem_addr,
                                 2, 2 * NVIDIA_BPMP_SHMEM_PAGE);
    qemu_fdt_setprop_cell(fdt, node, "#address-cells", 1);
    qemu_fdt_setprop_cell(fdt, node, "#size-cells", 1);
    qemu_fdt_setprop_sized_cells(fdt, node, "ranges", 1, 0, 2, s->shmem_addr,
                                 1, 2 * NVIDIA_BPMP_SHMEM_PAGE);
    qemu_fdt_setprop(fdt, node, "no-memory-wc", NULL, 0);
    from_guest = nvidia_bpmp_mailbox_add_pool(fdt, node, "cpu-bpmp-tx", 0);
    to_guest = nvidia_bpmp_mailbox_add_pool(fdt, node, "cpu-bpmp-rx",
                                            NVIDIA_BPMP_SHMEM_PAGE);
    qemu_fdt_setprop_cells(fdt, "/bpmp", "shmem", from_guest, to_guest);
}

/* For drivers that map them as reserved memory, from Linux 6.5 on. */
static void nvidia_bpmp_mailbox_add_memory(NvidiaBpmpMailboxState *s,
                                           void *fdt)
{
    g_autofree char *node = g_strdup_printf("/reserved-memory/bpmp-shmem@%"
                                            PRIx64, s->shmem_addr);
    uint32_t phandle = qemu_fdt_alloc_phandle(fdt);

    if (fdt_path_offset(fdt, "/reserved-memory") < 0) {
        qemu_fdt_add_subnode(fdt, "/reserved-memory");
        qemu_fdt_setprop_cell(fdt, "/reserved-memory", "#address-cells", 2);
        qemu_fdt_setprop_cell(fdt, "/reserved-memory", "#size-cells", 2);
        qemu_fdt_setprop(fdt, "/reserved-memory", "ranges", NULL, 0);
    }
    qemu_fdt_add_subnode(fdt, node);
    qemu_fdt_setprop_sized_cells(fdt, node, "reg", 2, s->shmem_addr,
                                 2, 2 * NVIDIA_BPMP_SHMEM_PAGE);
    qemu_fdt_setprop(fdt, node, "no-map", NULL, 0);
    qemu_fdt_setprop_cell(fdt, node, "phandle", phandle);
    qemu_fdt_setprop_cell(fdt, "/bpmp", "memory-region", phandle);
}

void nvidia_bpmp_mailbox_add_nodes(NvidiaBpmpMailboxState *s)
{
    void *fdt = nvidia_bpmp_add_node();
    uint32_t hsp;

    if (!fdt) {
        return;
    }
    hsp = nvidia_bpmp_mailbox_add_hsp(s, fdt);
    qemu_fdt_setprop_cells(fdt, "/bpmp", "mboxes", hsp,
                           NVIDIA_HSP_MBOX_TYPE_DB, NVIDIA_HSP_MASTER_BPMP);
    nvidia_bpmp_mailbox_add_misc(s, fdt);
    nvidia_bpmp_mailbox_add_sram(s, fdt);
    nvidia_bpmp_mailbox_add_memory(s, fdt);
    if (s->thermal) {
        qemu_fdt_add_subnode(fdt, "/bpmp/thermal");
        qemu_fdt_setprop_string(fdt, "/bpmp/thermal", "compatible",
                                "nvidia,tegra186-bpmp-thermal");
        qemu_fdt_setprop_cell(fdt, "/bpmp/thermal", "#thermal-sensor-cells",
                              1);
    }
}
