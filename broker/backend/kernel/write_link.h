// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_KERNEL_WRITE_LINK_H_
#define BROKER_BACKEND_KERNEL_WRITE_LINK_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/backend/kernel/call_pool.h"
#include "broker/backend/kernel/host_device.h"
#include "broker/backend/kernel/host_link.h"

namespace bpmp::backend::kernel {

// The known proxies' write() ABI (write_message.h). A write() can take Linux' own 600 seconds and
// has no deadline: it is made in a thread of the pool, with buffers of its own. Who asked goes at
// its deadline, and the slot stays taken until the kernel returns.
//
// The oldest proxies don't tell a transfer that failed from one that was answered: the answer's
// error word has a value before that no firmware sends, and then it is still there.
class WriteLink final : public HostLink {
 public:
  // `size`: kShortWrite or kLongWrite.
  WriteLink(std::shared_ptr<OpenDevice> device, std::shared_ptr<CallPool> pool, size_t size)
      : device_(std::move(device)), pool_(std::move(pool)), size_(size) {}

  LinkResult Transfer(const mrq::EncodedRequest& request, absl::Time deadline) override;
  absl::StatusOr<std::optional<Holds>> Adopt() override { return std::nullopt; }
  std::string Describe() const override;

 private:
  struct Exchange;

  // Of a write() that has returned.
  LinkResult ResultOf(const Exchange& exchange, size_t rx_size) const;
  // The proxy's write() failed, with `error`.
  LinkResult Failed(int error) const;

  const std::shared_ptr<OpenDevice> device_;
  const std::shared_ptr<CallPool> pool_;
  const size_t size_;
};

}  // namespace bpmp::backend::kernel

#endif  // BROKER_BACKEND_KERNEL_WRITE_LINK_H_
