// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/kernel/flat_link.h"

#include <errno.h>
#include <linux/tegra-bpmp-host.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/base/status_macros.h"

namespace bpmp::backend::kernel {
namespace {

static_assert(sizeof(bpmp_host_transfer::tx) == mrq::kPayloadSize);
static_assert(sizeof(bpmp_host_transfer::rx) == mrq::kPayloadSize);

// What drivers say of an ioctl that they don't know.
bool IsUnknownIoctl(int error) {
  return error == ENOTTY || error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

absl::Status CallError(const std::string& device, const char* call, int error) {
  return absl::InternalError(
      absl::StrFormat("%s failed %s (%s); nothing was done; is the module "
                      "older than the broker? dmesg may say more",
                      device, call, ErrnoText(error)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<FlatLink>> FlatLink::Detect(std::shared_ptr<OpenDevice> device,
                                                           const Clock* clock) {
  bpmp_host_info info{};
  const int result = device->Ioctl(BPMP_HOST_INFO, &info);
  if (result < 0 && IsUnknownIoctl(-result)) return nullptr;
  if (result < 0 && IsGone(-result)) return GoneError(device->name(), -result);
  if (result < 0) return CallError(device->name(), "BPMP_HOST_INFO", -result);
  // Some driver that happens to know the number.
  if (info.abi_version < BPMP_HOST_ABI_VERSION) return nullptr;
  return std::unique_ptr<FlatLink>(
      new FlatLink(std::move(device), clock, info.abi_version, info.slots));
}

std::string FlatLink::Describe() const {
  return absl::StrFormat("flat ABI, version %d, %d transfers at a time", version_, slots_);
}

uint32_t FlatLink::MillisecondsUntil(absl::Time deadline) const {
  const absl::Duration left = std::clamp(deadline - clock_->Now(), absl::Milliseconds(1),
                                         absl::Milliseconds(BPMP_HOST_MAX_TIMEOUT_MS));
  return static_cast<uint32_t>(absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1))));
}

LinkResult FlatLink::Transfer(const mrq::EncodedRequest& request, absl::Time deadline) {
  bpmp_host_transfer transfer{};
  transfer.mrq = request.mrq;
  transfer.tx_size = request.size;
  transfer.rx_size = request.rx_size;
  transfer.timeout_ms = MillisecondsUntil(deadline);
  std::copy_n(request.data.begin(), request.size, transfer.tx);
  const int result = device_->Ioctl(BPMP_HOST_TRANSFER, &transfer);
  if (result < 0) return Failed(-result);
  if (transfer.status != 0) return NotCarried(-transfer.status);
  return {ToResponse(device_->name(), transfer.err, {transfer.rx, request.rx_size})};
}

LinkResult FlatLink::Failed(int error) const {
  switch (error) {
    case EAGAIN:
    case ENOBUFS:
      return {BusyError(device_->name())};
    case ETIMEDOUT:
    case EINTR:
      return {LateError(device_->name())};
    // A request that the proxy doesn't serve. An answer, for there will never be another.
    case EINVAL:
      return {mrq::Fail(mrq::Error::kInval)};
    case EOPNOTSUPP:
      return {mrq::Fail(mrq::Error::kNotSup)};
    case EPERM:
    case EACCES:
      return {mrq::Fail(mrq::Error::kAccess)};
    default:
      break;
  }
  if (IsGone(error)) return {GoneError(device_->name(), error), true};
  return {CallError(device_->name(), "BPMP_HOST_TRANSFER", error)};
}

LinkResult FlatLink::NotCarried(int error) const {
  // The host's driver is suspended, and takes nothing.
  if (error == EAGAIN) return {BusyError(device_->name())};
  // The device itself is there: it has told us.
  return {
      UnknownError(device_->name(), absl::StrCat("lost the firmware (", ErrnoText(error), ")"))};
}

absl::StatusOr<std::optional<Holds>> FlatLink::Adopt() {
  // First: whose they were is forgotten after.
  BPMP_ASSIGN_OR_RETURN(const Holds holds, ReadHolds());
  const int result = device_->Ioctl(BPMP_HOST_ADOPT, nullptr);
  if (result >= 0) return holds;
  if (IsGone(-result)) return GoneError(device_->name(), -result);
  return CallError(device_->name(), "BPMP_HOST_ADOPT", -result);
}

absl::StatusOr<Holds> FlatLink::ReadHolds() {
  Holds holds;
  for (uint32_t start = 0;;) {
    bpmp_host_holds part{};
    part.start = start;
    const int result = device_->Ioctl(BPMP_HOST_HOLDS, &part);
    if (result < 0 && IsGone(-result)) return GoneError(device_->name(), -result);
    if (result < 0) return CallError(device_->name(), "BPMP_HOST_HOLDS", -result);
    const uint32_t count = std::min<uint32_t>(part.count, BPMP_HOST_HOLDS_MAX);
    for (uint32_t i = 0; i < count; ++i) {
      ++(part.hold[i].type == BPMP_HOST_CLOCK ? holds.clocks : holds.domains);
      if ((part.hold[i].flags & BPMP_HOST_HOLD_ORPHAN) != 0) ++holds.orphans;
    }
    start += count;
    if (count == 0 || start >= part.total) return holds;
  }
}

}  // namespace bpmp::backend::kernel
