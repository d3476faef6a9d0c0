// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/kernel/write_link.h"

#include <errno.h>

#include <array>
#include <cstdint>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/backend/kernel/write_message.h"

namespace bpmp::backend::kernel {

// One request on its way: the kernel has pointers into it, so that it never moves and lives until
// the kernel has returned, whoever has given up by then.
struct WriteLink::Exchange {
  explicit Exchange(const mrq::EncodedRequest& request) : tx(request.data) {
    message.mrq = request.mrq;
    message.tx_data = tx.data();
    message.tx_size = request.size;
    message.rx_data = rx.data();
    message.rx_size = request.rx_size;
    message.ret = std::numeric_limits<int32_t>::min();
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  std::array<uint8_t, mrq::kPayloadSize> tx;
  std::array<uint8_t, mrq::kPayloadSize> rx{};
  WriteMessage message;
  ssize_t result = 0;
};

LinkResult WriteLink::Transfer(const mrq::EncodedRequest& request, absl::Time deadline) {
  const auto exchange = std::make_shared<Exchange>(request);
  const CallPool::End end =
      pool_->Run([exchange, device = device_,
                  size = size_] { exchange->result = device->Write(&exchange->message, size); },
                 deadline);
  switch (end) {
    case CallPool::End::kDone:
      return ResultOf(*exchange, request.rx_size);
    case CallPool::End::kLate:
      return {LateError(device_->name())};
    case CallPool::End::kBusy:
      return {BusyError(device_->name())};
    case CallPool::End::kStopped:
      break;
  }
  return {absl::UnavailableError(
      absl::StrCat(device_->name(), ": the broker is stopping; nothing was sent"))};
}

LinkResult WriteLink::ResultOf(const Exchange& exchange, size_t rx_size) const {
  if (exchange.result < 0) return Failed(static_cast<int>(-exchange.result));
  if (static_cast<size_t>(exchange.result) != size_) {
    return {UnknownError(device_->name(), absl::StrFormat("took %d of %d bytes of a request",
                                                          exchange.result, size_))};
  }
  return {ToResponse(device_->name(), exchange.message.ret, {exchange.rx.data(), rx_size})};
}

LinkResult WriteLink::Failed(int error) const {
  switch (error) {
    // What its allow-list doesn't have. An answer, as the flat ABI gives it.
    case EINVAL:
    case EPERM:
    case EACCES:
      return {mrq::Fail(mrq::Error::kAccess)};
    // The host's driver is suspended, and takes nothing; or there was no memory to start with.
    case EAGAIN:
    case ENOMEM:
      return {BusyError(device_->name())};
    // The driver, or the proxy's way to it, isn't there: said before anything is sent.
    case ENODEV:
    case ENXIO:
    case EBADF:
      return {GoneError(device_->name(), error), true};
    default:
      break;
  }
  return {UnknownError(device_->name(), absl::StrCat("lost the firmware (", ErrnoText(error), ")")),
          IsGone(error)};
}

std::string WriteLink::Describe() const {
  return absl::StrFormat("write() of %d bytes; what is late stays in its slot", size_);
}

}  // namespace bpmp::backend::kernel
