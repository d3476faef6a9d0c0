// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_TESTING_BOARD_H_
#define BROKER_CORE_TESTING_BOARD_H_

#include "broker/core/inventory.h"
#include "broker/core/policy.h"
#include "broker/core/profile.h"
#include "broker/core/testing/board_ids.h"

namespace bpmp::core::testing {

// The board that board_ids.h draws.
struct Board {
  Inventory inventory;
  Profile profile;
  PolicySpec spec;
};
Board MakeBoard();
// The same, where kNvdecVm may also vote on vic: on all that kVicVm uses.
Board PairBoard();

// Compiles the board's specification; the program ends with its problems if it has any.
Policy CompileOrDie(const Board& board);

}  // namespace bpmp::core::testing

#endif  // BROKER_CORE_TESTING_BOARD_H_
