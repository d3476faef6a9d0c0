// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_TESTING_FAKE_BACKEND_H_
#define BROKER_CORE_TESTING_FAKE_BACKEND_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/core/core.h"
#include "broker/core/resource.h"
#include "broker/core/testing/firmware.h"
#include "broker/mrq/types.h"

namespace bpmp::core::testing {

// The resource that a request is about; kNone for one about none.
Resource ResourceOf(const mrq::Request& request);
// It changes the hardware's state.
bool Mutates(const mrq::Request& request);

// The worker and the firmware behind the core: transfers that it starts stay in flight until the
// test says what becomes of them. Two in flight for one resource is a failure of the test.
class FakeBackend {
 public:
  // What becomes of a transfer.
  enum class Fate : uint8_t {
    kPerformed,   // the firmware did it and answered
    kRefused,     // it answered an error and did nothing
    kFailed,      // never reached the firmware
    kNoRoom,      // nor did this: the backend had no room for it
    kLostDone,    // done, but the answer was lost
    kLostUndone,  // lost before it was done
  };

  explicit FakeBackend(Firmware* firmware) : firmware_(firmware) {}

  void Start(const Transfer& transfer);
  const std::vector<Transfer>& in_flight() const { return in_flight_; }
  // Ends the transfer at `index` of in_flight() and returns what to tell the core.
  // `error` is for kRefused.
  Outcome End(size_t index, Fate fate, mrq::Error error = mrq::Error::kIo);
  // Takes the oldest from what is in flight, for the test to answer.
  Transfer Take();

  // Everything that was ever started, in order.
  const std::vector<Transfer>& log() const { return log_; }
  void ClearLog() { log_.clear(); }
  void KeepLog(bool keep) { keep_log_ = keep; }

 private:
  Firmware* const firmware_;
  std::vector<Transfer> in_flight_;
  std::vector<Transfer> log_;
  bool keep_log_ = true;
  uint64_t last_id_ = 0;
};

}  // namespace bpmp::core::testing

#endif  // BROKER_CORE_TESTING_FAKE_BACKEND_H_
