/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NVIDIA Tegra BPMP for guests: what its front ends have in common
 *
 * A front end is what a guest sees of the BPMP; behind it is a session with a
 * BPMP broker on the host. A machine has one front end at most.
 */
#ifndef HW_MISC_NVIDIA_BPMP_H
#define HW_MISC_NVIDIA_BPMP_H

#include "hw/sysbus.h"
#include "qom/object.h"
#include "hw/misc/nvidia_bpmp_compat.h"

#include <bpmp_client.h>

/* Abstract: nvidia-bpmp-guest and nvidia-bpmp-mailbox are its kinds. */
#define TYPE_NVIDIA_BPMP "nvidia-bpmp"
OBJECT_DECLARE_SIMPLE_TYPE(NvidiaBpmpState, NVIDIA_BPMP)

struct NvidiaBpmpState {
    SysBusDevice parent_obj;

    /* Properties */
    char *broker;
    char *fd_name;
    char *tls_creds_dir;
    char *tls_server_name;
    uint32_t timeout_ms;
    bool wait;

    bpmp_client *client;
};

#define NVIDIA_BPMP_PAYLOAD_MAX 120

/* The firmware's error numbers that front ends themselves use. Not errno's. */
#define NVIDIA_BPMP_EIO         5
#define NVIDIA_BPMP_ETIMEDOUT   23

/* Physical addresses have 52 bits at most. */
#define NVIDIA_BPMP_ADDR_END    (1ULL << 52)

/* What a guest gets in the firmware's name where the transport failed. */
static inline int32_t nvidia_bpmp_error_of(int status)
{
    return status == -ETIMEDOUT ? -NVIDIA_BPMP_ETIMEDOUT : -NVIDIA_BPMP_EIO;
}

/* What the firmware says unasked; as in struct bpmp_client_config. */
typedef void nvidia_bpmp_notify(void *opaque, uint32_t mrq, const void *data,
                                size_t size);

/* Whether the properties make sense: the first step of realize. */
bool nvidia_bpmp_check(NvidiaBpmpState *s, Error **errp);

/*
 * Makes the session: the last step of realize that can fail. `flags` as in
 * struct bpmp_client_config. `notify` may be NULL; it is called in any thread,
 * from before this returns.
 */
bool nvidia_bpmp_connect(NvidiaBpmpState *s, uint64_t flags,
                         nvidia_bpmp_notify *notify, Error **errp);

/* Ends it, and with it all callbacks; for what can't wait for our finalize. */
void nvidia_bpmp_disconnect(NvidiaBpmpState *s);

/*
 * The machine was reset: all that the guest holds is released, and its next
 * requests wait for that.
 */
void nvidia_bpmp_release(NvidiaBpmpState *s);

/* Whether nothing of the machine is at these guest-physical addresses. */
bool nvidia_bpmp_is_free(uint64_t addr, uint64_t size);

/*
 * Whether a front end may put something at `addr`, the value of `property`: a
 * multiple of `align` with `size` free bytes.
 */
bool nvidia_bpmp_check_place(const char *property, uint64_t addr,
                             uint64_t size, uint64_t align, Error **errp);

/*
 * Adds the node /bpmp that the guest's drivers bind to, without what tells how
 * it is reached. Returns the machine's device tree, or NULL where there is
 * none. A device tree of the user's own (-dtb) takes the place of all of it.
 */
void *nvidia_bpmp_add_node(void);

#endif
