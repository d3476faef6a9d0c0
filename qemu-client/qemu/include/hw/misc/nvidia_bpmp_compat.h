/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What differs between the QEMU versions that the BPMP device is built with
 *
 * nvidia_bpmp_features.h is written by apply.sh, which looks for each feature
 * in the tree that it changes.
 */
#ifndef HW_MISC_NVIDIA_BPMP_COMPAT_H
#define HW_MISC_NVIDIA_BPMP_COMPAT_H

#include "hw/sysbus.h"
#include "hw/misc/nvidia_bpmp_features.h"

#ifdef NVIDIA_BPMP_HAVE_SYSTEM_HEADERS
#include "system/device_tree.h"
#include "system/kvm.h"
#include "system/qtest.h"
#else
#include "sysemu/device_tree.h"
#include "sysemu/kvm.h"
#include "sysemu/qtest.h"
#endif

#ifdef NVIDIA_BPMP_HAVE_SYSTEM_MEMORY
#include "system/address-spaces.h"
#else
#include "exec/address-spaces.h"
#endif

/* The big lock had another name before 9.0. */
#ifndef bql_lock
#define bql_lock() qemu_mutex_lock_iothread()
#define bql_unlock() qemu_mutex_unlock_iothread()
#endif

/* Sysbus devices that users may create have a type of their own from 10.0. */
#ifdef TYPE_DYNAMIC_SYS_BUS_DEVICE
#define NVIDIA_BPMP_PARENT TYPE_DYNAMIC_SYS_BUS_DEVICE
#else
#define NVIDIA_BPMP_PARENT TYPE_SYS_BUS_DEVICE
#endif

/* Properties became constant, and lost their end mark, in 10.0. */
#ifdef DEFINE_PROP_END_OF_LIST
#define NVIDIA_BPMP_CONST
#else
#define NVIDIA_BPMP_CONST const
#define DEFINE_PROP_END_OF_LIST()
#endif

/* Class data became constant in 10.1. */
#ifdef NVIDIA_BPMP_HAVE_CONST_CLASS_DATA
#define NVIDIA_BPMP_CLASS_DATA const void *
#else
#define NVIDIA_BPMP_CLASS_DATA void *
#endif

/* The hold phase of a reset is told the reset's type from 9.1. */
#ifdef NVIDIA_BPMP_HAVE_HOLD_TYPE
#define NVIDIA_BPMP_HOLD_ARGS Object *obj, ResetType type
#else
#define NVIDIA_BPMP_HOLD_ARGS Object *obj
#endif

/*
 * A device that releases the big lock in a callback is entered again by other
 * vCPUs, on purpose; where there is a guard against that, it would abort them.
 */
static inline void nvidia_bpmp_allow_reentry(MemoryRegion *mr)
{
#ifdef NVIDIA_BPMP_HAVE_REENTRANCY_GUARD
    mr->disable_reentrancy_guard = true;
#endif
}

#endif
