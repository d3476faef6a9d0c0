// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_PROFILE_YAML_H_
#define BROKER_CTL_PROFILE_YAML_H_

#include <string>
#include <vector>

#include "bpmp/v1/profile.pb.h"
#include "broker/devicetree/devices.h"
#include "broker/devicetree/tree.h"

namespace bpmp::ctl {

// The profile of `chosen`, which are some of `all` the devices of a tree. A clock that another
// device of the tree lists as well is one of `shared_clocks`. Named after the board.
v1::DeviceProfile MakeProfile(const devicetree::Tree& tree,
                              const std::vector<const devicetree::TreeDevice*>& chosen,
                              const std::vector<devicetree::TreeDevice>& all);

// The same as YAML for the broker's `profiles`, with what the node calls its clocks behind the ids.
// REQUIRES: `profile` is MakeProfile() of the other two.
std::string ProfileYaml(const devicetree::Tree& tree, const v1::DeviceProfile& profile,
                        const std::vector<const devicetree::TreeDevice*>& chosen);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_PROFILE_YAML_H_
