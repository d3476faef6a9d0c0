// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_KERNEL_CONNECT_H_
#define BROKER_BACKEND_KERNEL_CONNECT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/backend/kernel/abi.h"
#include "broker/backend/kernel/call_pool.h"
#include "broker/backend/kernel/host_device.h"
#include "broker/backend/kernel/host_link.h"
#include "broker/base/clock.h"

namespace bpmp::backend::kernel {

// Opens the device and finds out how it is spoken to: the flat ABI says so by itself, for the
// length of a write() there is a PING, which the firmware must answer by `deadline`. A set ABI is
// tried alone, with the same proof. 56 bytes come before 48, for the oldest proxies read 56 where
// Linux has them, whatever the length; those who know 48 alone refuse more.
//
// NotFound, PermissionDenied: the device can't be opened. FailedPrecondition: it speaks no ABI that
// was asked for. Unavailable, ResourceExhausted: it may do so later. Never DeadlineExceeded.
absl::StatusOr<std::shared_ptr<HostLink>> Connect(const std::shared_ptr<HostDevice>& device,
                                                  Abi abi, const std::shared_ptr<CallPool>& pool,
                                                  const Clock& clock, absl::Time deadline);

}  // namespace bpmp::backend::kernel

#endif  // BROKER_BACKEND_KERNEL_CONNECT_H_
