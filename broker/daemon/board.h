// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_BOARD_H_
#define BROKER_DAEMON_BOARD_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bpmp/v1/config.pb.h"
#include "broker/core/profile.h"
#include "broker/devicetree/tree.h"

namespace bpmp::daemon {

// The devices of the board: those of the profiles, and those of the host's device tree that no
// profile describes (docs/adr/2026-11-29-profiles-go-before-the-device-tree.md).
struct Board {
  core::Profile profile;
  // One line each, as Plan has them.
  std::vector<std::string> warnings;
  std::vector<std::string> notes;
  // How many devices of VMs the tree has and describes otherwise than the profile, or doesn't have:
  // as many of the warnings are about these.
  size_t drifted = 0;
};

// `config` is effective. InvalidArgument for a profile, or a device tree that the configuration
// names, that can't be used; a live tree that can't be used is a warning. `live_tree` is what
// `device_tree: auto` reads.
absl::StatusOr<Board> LoadBoard(const v1::Config& config,
                                const std::string& live_tree = devicetree::kLiveTree);

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_BOARD_H_
