// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_TREE_PROFILE_H_
#define BROKER_DAEMON_TREE_PROFILE_H_

#include <string>
#include <vector>

#include "bpmp/v1/profile.pb.h"
#include "broker/core/profile.h"
#include "broker/devicetree/devices.h"
#include "broker/devicetree/tree.h"

namespace bpmp::daemon {

// The device of `profile` that a device of a tree is: the one with the node's path or name among
// its own. Labels and aliases say nothing, because profiles have friendly names of their own. Null
// when the profile has none.
const core::Device* Counterpart(const core::Profile& profile, const devicetree::TreeDevice& device);

// What the tree has, as a profile to merge after `profile`: a device of both gets the tree's names
// as well, and those that are only the tree's get the names that are free. Devices with ids that
// no board has are left out, with a line in `problems`.
v1::DeviceProfile TreeProfile(const devicetree::Tree& tree, const core::Profile& profile,
                              const std::vector<devicetree::TreeDevice>& devices,
                              std::vector<std::string>* problems);

// Where a tree and a profile describe one device differently.
struct Drift {
  std::string missing;  // "clock 378, reset 47" that only the node lists; empty: none
  std::string surplus;  // those that only the profile lists, its shared clocks aside
  bool empty() const { return missing.empty() && surplus.empty(); }
};
Drift Compare(const core::Device& profile, const devicetree::TreeDevice& tree);

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_TREE_PROFILE_H_
