// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_INVENTORY_READER_H_
#define BROKER_BACKEND_INVENTORY_READER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/base/clock.h"
#include "broker/core/backend.h"
#include "broker/core/inventory.h"

namespace bpmp::backend {

struct InventoryReaderOptions {
  absl::Duration transfer_timeout = absl::Seconds(2);  // of one question
  absl::Duration total_timeout = absl::Seconds(60);    // of all (T234: about 1,400)
  int attempts = 3;  // for one question whose answer doesn't come; reads may be repeated
  // The highest reset id, for a firmware that can't say (Linux never asks).
  uint32_t default_max_reset_id = 0;
};

// Asks the firmware for everything it has, with reads alone, as Linux does when it boots, and makes
// the answer safe (core::Sanitize). Blocks; uses one transfer at a time.
//
// An id whose description is refused doesn't exist. What exists but can't be asked whether it is on
// counts as on, so that nobody turns it off. All this is said in `notes`, one line each, with the
// repairs of Sanitize(); it may be null.
//
// Unavailable or DeadlineExceeded when the backend doesn't answer; FailedPrecondition for a
// firmware that the broker can't work with. The message says what was asked.
absl::StatusOr<core::Inventory> ReadInventory(core::Backend* backend, const Clock& clock,
                                              const InventoryReaderOptions& options,
                                              std::vector<std::string>* notes);

}  // namespace bpmp::backend

#endif  // BROKER_BACKEND_INVENTORY_READER_H_
