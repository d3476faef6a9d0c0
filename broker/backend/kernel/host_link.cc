// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/kernel/host_link.h"

#include <errno.h>
#include <string.h>

#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace bpmp::backend::kernel {

std::string ToString(const Holds& holds) {
  std::string text = absl::StrFormat("%d clocks and %d power domains are on for its users",
                                     holds.clocks, holds.domains);
  if (holds.orphans > 0) {
    absl::StrAppendFormat(&text, " (%d left by an earlier one)", holds.orphans);
  }
  return text;
}

std::string ErrnoText(int error) {
  const char* name = strerrorname_np(error);
  const char* text = strerrordesc_np(error);
  if (name == nullptr || text == nullptr) return absl::StrCat("error ", error);
  return absl::StrCat(name, ", ", text);
}

bool IsGone(int error) {
  return error == ENODEV || error == ENXIO || error == EBADF || error == EIO;
}

absl::Status GoneError(const std::string& device, int error) {
  return absl::UnavailableError(
      absl::StrFormat("%s is gone (%s); nothing was done; it is opened again when it is back: is "
                      "its module loaded?",
                      device, ErrnoText(error)));
}

absl::Status LateError(const std::string& device) {
  return absl::DeadlineExceededError(
      absl::StrFormat("%s didn't answer in time; whether it was done is unknown", device));
}

absl::Status BusyError(const std::string& device) {
  return absl::ResourceExhaustedError(absl::StrFormat(
      "%s still works on requests whose time is over; nothing was sent; try again later", device));
}

absl::Status UnknownError(const std::string& device, const std::string& why) {
  return absl::DeadlineExceededError(
      absl::StrFormat("%s %s; whether it was done is unknown", device, why));
}

absl::StatusOr<mrq::Response> ToResponse(const std::string& device, int32_t error,
                                         absl::Span<const uint8_t> rx) {
  if (error > 0 || error == std::numeric_limits<int32_t>::min()) {
    return UnknownError(device, "brought no answer of the firmware");
  }
  return mrq::FromBytes(error, error == 0 ? rx : absl::Span<const uint8_t>());
}

}  // namespace bpmp::backend::kernel
