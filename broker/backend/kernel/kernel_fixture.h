// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_KERNEL_KERNEL_FIXTURE_H_
#define BROKER_BACKEND_KERNEL_KERNEL_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "broker/backend/kernel/fake_host_device.h"
#include "broker/backend/kernel/kernel_backend.h"
#include "broker/base/fake_clock.h"
#include "broker/mrq/codec.h"

namespace bpmp::backend::kernel {

// A kernel backend before a fake device, on a clock that stands still.
class KernelFixture : public testing::Test {
 protected:
  using Proxy = FakeHostDevice::Proxy;
  using Result = absl::StatusOr<mrq::Response>;

  ~KernelFixture() override {
    if (device_ == nullptr) return;
    device_->LetGo();
    backend_.reset();
    EXPECT_EQ(device_->misuses(), 0u);
  }

  void Start(Proxy proxy, Abi abi = Abi::kAuto,
             FakeHostDevice::Firmware firmware = FakeHostDevice::Echo) {
    device_ = std::make_shared<FakeHostDevice>(proxy, std::move(firmware));
    KernelOptions options;
    options.abi = abi;
    options.on_notice = [this](const Notice& notice) {
      notices_.push_back((notice.usable ? "+" : "-") + notice.text);
    };
    backend_ = std::make_unique<KernelBackend>(device_, &clock_, std::move(options));
  }

  absl::Time Later() const { return clock_.Now() + absl::Hours(1); }
  absl::Time Soon() const { return clock_.Now() + absl::Milliseconds(1); }

  Result Transfer(const mrq::Request& request) { return backend_->Transfer(request, Later()); }
  // The echo of THREADED_PING is its number.
  Result Ask() { return Transfer(mrq::PingRequest{true, 7}); }
  absl::StatusCode CodeOf(const Result& result) const { return result.status().code(); }

  // Asks, with the device hanging, until the deadline has passed.
  Result AskUntilLate() {
    Result result;
    std::thread caller([&] { result = backend_->Transfer(mrq::PingRequest{true, 7}, Soon()); });
    device_->WaitUntilHanging(++hanging_);
    clock_.Advance(absl::Milliseconds(1));
    caller.join();
    return result;
  }

  FakeClock clock_;
  std::shared_ptr<FakeHostDevice> device_;
  std::vector<std::string> notices_;  // touched by one thread at a time
  std::unique_ptr<KernelBackend> backend_;
  size_t hanging_ = 0;
};

}  // namespace bpmp::backend::kernel

#endif  // BROKER_BACKEND_KERNEL_KERNEL_FIXTURE_H_
