// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/kernel/connect.h"

#include <errno.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "broker/backend/kernel/flat_link.h"
#include "broker/backend/kernel/write_link.h"
#include "broker/backend/kernel/write_message.h"
#include "broker/base/status_macros.h"
#include "broker/mrq/codec.h"

namespace bpmp::backend::kernel {
namespace {

constexpr uint32_t kChallenge = 0x1234'5678;

absl::Status OpenError(const std::string& device, int error) {
  const std::string what = absl::StrFormat("can't open %s (%s): ", device, ErrnoText(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(
          absl::StrCat(what,
                       "load the host's module bpmp-host-proxy, or set backend.kernel.device "
                       "to the device's name; a systemd unit needs PrivateDevices=no"));
    case ENOTBLK:
      return absl::NotFoundError(
          absl::StrFormat("%s is no character device; set backend.kernel.device to the host "
                          "proxy's, which is made when its module is loaded",
                          device));
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(absl::StrFormat(
          "%suser %d may not read and write it; change its owner by a udev rule; a systemd unit "
          "needs DeviceAllow=%s rw",
          what, geteuid(), device));
    case EBUSY:
      return absl::UnavailableError(absl::StrCat(what, "who has it? Ask: fuser -v ", device));
    default:
      return absl::UnavailableError(absl::StrCat(what, "dmesg may say more"));
  }
}

std::vector<size_t> SizesToTry(Abi abi) {
  switch (abi) {
    case Abi::kAuto:
      return {kLongWrite, kShortWrite};
    case Abi::kWrite56:
      return {kLongWrite};
    case Abi::kWrite48:
      return {kShortWrite};
    case Abi::kFlat:
      break;
  }
  return {};
}

bool IsEcho(const mrq::Response& response) {
  const auto reply = mrq::ReadU32(response);
  return response.ok() && reply.ok() && *reply == kChallenge << 1;
}

// What became of one proof: it is spoken, or not, or that can't be known now.
absl::StatusOr<bool> Proves(const LinkResult& pinged, const std::string& device, const Clock& clock,
                            absl::Time deadline) {
  if (pinged.response.ok()) return IsEcho(*pinged.response);
  const absl::Status& status = pinged.response.status();
  if (!absl::IsDeadlineExceeded(status)) return status;
  if (clock.Now() < deadline && !pinged.gone) return false;  // taken, and not understood
  return absl::UnavailableError(
      absl::StrFormat("the firmware behind %s doesn't answer a PING; nothing else was sent; dmesg "
                      "may say more",
                      device));
}

absl::StatusOr<std::shared_ptr<HostLink>> ConnectByWrite(const std::shared_ptr<OpenDevice>& device,
                                                         Abi abi,
                                                         const std::shared_ptr<CallPool>& pool,
                                                         const Clock& clock, absl::Time deadline) {
  const mrq::EncodedRequest ping = mrq::EncodeRequest(mrq::PingRequest{false, kChallenge});
  const std::vector<size_t> sizes = SizesToTry(abi);
  for (const size_t size : sizes) {
    auto link = std::make_shared<WriteLink>(device, pool, size);
    BPMP_ASSIGN_OR_RETURN(const bool proven,
                          Proves(link->Transfer(ping, deadline), device->name(), clock, deadline));
    if (proven) return link;
  }
  return absl::FailedPreconditionError(
      absl::StrFormat("%s answers no PING by a write() of %s bytes%s; is it the BPMP's host proxy?",
                      device->name(), absl::StrJoin(sizes, " or "),
                      abi == Abi::kAuto ? ", nor does it know the flat ABI"
                                        : "; backend.kernel.abi: auto tries all that there is"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<HostLink>> Connect(const std::shared_ptr<HostDevice>& device,
                                                  Abi abi, const std::shared_ptr<CallPool>& pool,
                                                  const Clock& clock, absl::Time deadline) {
  const int fd = device->Open();
  if (fd < 0) return OpenError(device->name(), -fd);
  const auto open = std::make_shared<OpenDevice>(device, fd);
  if (abi == Abi::kAuto || abi == Abi::kFlat) {
    BPMP_ASSIGN_OR_RETURN(std::unique_ptr<FlatLink> flat, FlatLink::Detect(open, &clock));
    if (flat != nullptr) return std::shared_ptr<HostLink>(std::move(flat));
    if (abi == Abi::kFlat) {
      return absl::FailedPreconditionError(
          absl::StrFormat("%s doesn't know the flat ABI; load a newer bpmp-host-proxy, or set "
                          "backend.kernel.abi: auto",
                          device->name()));
    }
  }
  return ConnectByWrite(open, abi, pool, clock, deadline);
}

}  // namespace bpmp::backend::kernel
