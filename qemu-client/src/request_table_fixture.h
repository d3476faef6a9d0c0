// SPDX-License-Identifier: Apache-2.0
#ifndef QEMU_CLIENT_SRC_REQUEST_TABLE_FIXTURE_H_
#define QEMU_CLIENT_SRC_REQUEST_TABLE_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "qemu-client/src/request_table.h"

// For tests of RequestTable: a caller and a stream in few words.
namespace bpmp::client {

inline constexpr absl::Duration kTimeout = absl::Seconds(1);
inline absl::Time At(int64_t ms) { return absl::UnixEpoch() + absl::Milliseconds(ms); }

inline const std::vector<uint8_t> kEnable155 = {155, 0, 0, 7};
inline const std::vector<uint8_t> kDisable155 = {155, 0, 0, 8};

// How one request ended.
struct Result {
  int times = 0;
  int status = 1;
  int32_t error = 0;
  std::string rx;

  Waiter waiter() {
    return {[](void* opaque, int how, int32_t bpmp_error, const void* bytes, size_t size) {
              auto* const self = static_cast<Result*>(opaque);
              ++self->times;
              self->status = how;
              self->error = bpmp_error;
              self->rx.assign(static_cast<const char*>(bytes), size);
            },
            this};
  }
};

class RequestTableFixture : public ::testing::Test {
 protected:
  int Submit(Result* result, int64_t ms = 0, const std::vector<uint8_t>& tx = {1, 2, 3, 4},
             uint32_t mrq = 22) {
    Call call;
    call.mrq = mrq;
    call.tx = tx;
    call.rx_size = 4;
    call.timeout = kTimeout;
    call.waiter = result->waiter();
    return table_.Submit(call, At(ms), &wake_);
  }
  int Reset(Result* result, int64_t ms = 0) {
    return table_.Reset(result->waiter(), kTimeout, At(ms), &wake_);
  }
  std::optional<Outgoing> Take() {
    Outgoing out;
    if (!table_.Take(&out)) return std::nullopt;
    return out;
  }
  void Answer(const Outgoing& out, int64_t ms, int32_t error = 0,
              const std::vector<uint8_t>& rx = {}) {
    table_.OnResponse(out.sequence, error, rx, At(ms));
  }
  // A vote that the guest took.
  void Hold155() {
    Result result;
    ASSERT_EQ(Submit(&result, 0, kEnable155), 0);
    Answer(*Take(), 0);
    ASSERT_THAT(table_.votes().clocks, ::testing::ElementsAre(155));
  }

  RequestTable table_;
  bool wake_ = false;
};

}  // namespace bpmp::client

#endif  // QEMU_CLIENT_SRC_REQUEST_TABLE_FIXTURE_H_
