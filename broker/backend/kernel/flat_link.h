// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_KERNEL_FLAT_LINK_H_
#define BROKER_BACKEND_KERNEL_FLAT_LINK_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/backend/kernel/host_device.h"
#include "broker/backend/kernel/host_link.h"
#include "broker/base/clock.h"

namespace bpmp::backend::kernel {

// The flat ABI: linux/tegra-bpmp-host.h.
//
// One BPMP_HOST_TRANSFER a request rather than SUBMIT, poll and RESULT: it ends at the deadline by
// itself, and then counts as abandoned; a fatal signal ends it, too; any number of threads may use
// the one file. What it can't is to be called back, so that Shutdown() of the backend waits for the
// deadlines of what is in flight.
class FlatLink final : public HostLink {
 public:
  // Null when the device doesn't know this ABI. `clock` must outlive the link.
  static absl::StatusOr<std::unique_ptr<FlatLink>> Detect(std::shared_ptr<OpenDevice> device,
                                                          const Clock* clock);

  LinkResult Transfer(const mrq::EncodedRequest& request, absl::Time deadline) override;
  absl::StatusOr<std::optional<Holds>> Adopt() override;
  std::string Describe() const override;

 private:
  FlatLink(std::shared_ptr<OpenDevice> device, const Clock* clock, uint32_t version, uint32_t slots)
      : device_(std::move(device)), clock_(clock), version_(version), slots_(slots) {}

  uint32_t MillisecondsUntil(absl::Time deadline) const;
  // The call itself failed; what it asked for did not happen, but for a wait that was cut short.
  LinkResult Failed(int error) const;
  // The call succeeded, the host's own transfer to the firmware did not.
  LinkResult NotCarried(int error) const;
  absl::StatusOr<Holds> ReadHolds();

  const std::shared_ptr<OpenDevice> device_;
  const Clock* const clock_;
  const uint32_t version_;
  const uint32_t slots_;
};

}  // namespace bpmp::backend::kernel

#endif  // BROKER_BACKEND_KERNEL_FLAT_LINK_H_
