/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernel versions, all of it here. Built against 6.1 and 6.12; 5.15 and 6.6
 * are meant to work, by what their headers say, and are untested.
 *
 * Two differences need nothing: the struct tegra_bpmp_message of 6.7 and newer (and of later 6.6)
 * has flags at its end, which our messages leave zero; and a platform driver's remove() changed
 * its type in 6.11, so the driver has none and undoes its probe by devm actions.
 */
#ifndef BPMP_HOST_COMPAT_H
#define BPMP_HOST_COMPAT_H

#include <linux/kconfig.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

/* Before 6.0 a module with KUnit suites can have no module_init() of its own. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 0, 0) && \
	IS_ENABLED(CONFIG_TEGRA_BPMP_HOST_PROXY_KUNIT_TEST)
#error "CONFIG_TEGRA_BPMP_HOST_PROXY_KUNIT_TEST needs Linux 6.0 or newer"
#endif

#endif /* BPMP_HOST_COMPAT_H */
