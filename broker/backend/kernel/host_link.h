// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_KERNEL_HOST_LINK_H_
#define BROKER_BACKEND_KERNEL_HOST_LINK_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/mrq/codec.h"
#include "broker/mrq/types.h"

namespace bpmp::backend::kernel {

// What the host proxy keeps on for its users (linux/tegra-bpmp-host.h).
struct Holds {
  size_t clocks = 0;
  size_t domains = 0;
  size_t orphans = 0;  // of both, whose file is closed
};
// "3 clocks and 1 power domains are on for its users (2 left by an earlier one)".
std::string ToString(const Holds& holds);

// How one transfer ended.
struct LinkResult {
  // DeadlineExceeded: the outcome is unknown. ResourceExhausted: the kernel's slots are taken.
  // Unavailable and all others: it had no effect.
  absl::StatusOr<mrq::Response> response;
  bool gone = false;  // the device is, and this link is of no more use
};

// One opening of the device, spoken to in one ABI. Thread-safe.
class HostLink {
 public:
  virtual ~HostLink() = default;

  // Blocks for the answer, until `deadline` at the longest.
  virtual LinkResult Transfer(const mrq::EncodedRequest& request, absl::Time deadline) = 0;

  // Makes all holds this opening's, and says what they are; nullopt where the ABI has none.
  virtual absl::StatusOr<std::optional<Holds>> Adopt() = 0;

  // What is spoken, for people.
  virtual std::string Describe() const = 0;
};

// --- What the links have in common --------------------------------------------------------------

// "ENODEV, No such device".
std::string ErrnoText(int error);

// Whether a system call that ends with this `error` has met a device without a driver.
bool IsGone(int error);

absl::Status GoneError(const std::string& device, int error);
absl::Status LateError(const std::string& device);
absl::Status BusyError(const std::string& device);
// The device's own words for a lost answer.
absl::Status UnknownError(const std::string& device, const std::string& why);

// An answer as the proxy hands it on. DeadlineExceeded for an error word that no firmware sends:
// then there was no answer.
absl::StatusOr<mrq::Response> ToResponse(const std::string& device, int32_t error,
                                         absl::Span<const uint8_t> rx);

}  // namespace bpmp::backend::kernel

#endif  // BROKER_BACKEND_KERNEL_HOST_LINK_H_
