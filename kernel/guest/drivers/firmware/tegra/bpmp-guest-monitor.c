// SPDX-License-Identifier: GPL-2.0-only
/*
 * The other side of the window, for KUnit tests: a window in memory that counts its accesses, and
 * does what a test says when the doorbell rings.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "bpmp-guest-monitor.h"

/* Payload goes in whole words; each register has its size, and RET and TSTAT are read as one. */
static bool bpmp_guest_monitor_has(unsigned int offset, unsigned int size)
{
	switch (offset) {
	case BPMP_GUEST_TX_SIZE:
	case BPMP_GUEST_RX_SIZE:
		return size == sizeof(u64);
	case BPMP_GUEST_RET:
		return size == sizeof(u32) || size == sizeof(u64);
	case BPMP_GUEST_MAGIC:
	case BPMP_GUEST_MRQ:
		return size == sizeof(u32);
	default:
		return offset < BPMP_GUEST_TX_SIZE && size == sizeof(u64) &&
		       IS_ALIGNED(offset, sizeof(u64));
	}
}

static u64 bpmp_guest_monitor_read(struct bpmp_guest *guest, unsigned int offset,
				   unsigned int size)
{
	struct bpmp_guest_monitor *monitor = container_of(guest, struct bpmp_guest_monitor, guest);
	__le64 bytes = 0;

	monitor->accesses++;
	if (bpmp_guest_monitor_has(offset, size))
		memcpy(&bytes, monitor->window + offset, size);
	else
		monitor->strange++;
	return le64_to_cpu(bytes);
}

static void bpmp_guest_monitor_write(struct bpmp_guest *guest, unsigned int offset,
				     unsigned int size, u64 value)
{
	struct bpmp_guest_monitor *monitor = container_of(guest, struct bpmp_guest_monitor, guest);
	__le64 bytes = cpu_to_le64(value);

	monitor->accesses++;
	if (!bpmp_guest_monitor_has(offset, size)) {
		monitor->strange++;
		return;
	}
	memcpy(monitor->window + offset, &bytes, size);
	if (offset != BPMP_GUEST_MRQ)
		return;
	monitor->rings++;
	monitor->mrq = value;
	monitor->perform(monitor);
}

static const struct bpmp_guest_bus bpmp_guest_monitor_bus = {
	.read = bpmp_guest_monitor_read,
	.write = bpmp_guest_monitor_write,
};

/* @monitor is zero before; @magic: what a monitor of this kind has there. */
void bpmp_guest_monitor_setup(struct bpmp_guest_monitor *monitor, u32 magic,
			      void (*perform)(struct bpmp_guest_monitor *monitor))
{
	__le32 bytes = cpu_to_le32(magic);

	memset(monitor->window, BPMP_GUEST_UNTOUCHED, sizeof(monitor->window));
	memcpy(monitor->window + BPMP_GUEST_MAGIC, &bytes, sizeof(bytes));
	monitor->perform = perform;
	bpmp_guest_setup(&monitor->guest, &bpmp_guest_monitor_bus);
	monitor->accesses = 0;
}

u64 bpmp_guest_monitor_u64(const struct bpmp_guest_monitor *monitor, unsigned int offset)
{
	__le64 bytes;

	memcpy(&bytes, monitor->window + offset, sizeof(bytes));
	return le64_to_cpu(bytes);
}

/* All of an answer, with zeroes behind its bytes. */
void bpmp_guest_monitor_answer(struct bpmp_guest_monitor *monitor, s32 status, s32 err,
			       const void *bytes, size_t size)
{
	__le32 words[] = { cpu_to_le32(err), cpu_to_le32(status) };

	memset(monitor->window + BPMP_GUEST_RX, 0, BPMP_GUEST_TX_SIZE - BPMP_GUEST_RX);
	memcpy(monitor->window + BPMP_GUEST_RX, bytes, size);
	memcpy(monitor->window + BPMP_GUEST_RET, words, sizeof(words));
}
