// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_VM_CHECKS_H_
#define BROKER_SERVICE_VM_CHECKS_H_

#include <google/protobuf/message.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "bpmp/v1/config.pb.h"

// The VMs' entries in the configuration but for what is policy (spec.h): their defaults, and what
// can be wrong with them. The same whether an entry comes from the file or from the admin API.
namespace bpmp::service {

// One thing that is wrong, or that an operator should know, with the place of it.
struct VmFinding {
  enum class Weight { kProblem, kWarning };  // the entry can't be used; it can, but
  Weight weight = Weight::kProblem;
  const google::protobuf::Message* at = nullptr;  // a message of what was checked
  std::string_view field;                         // of `at`; lives for ever
  std::string text;                               // for people, without the place
};

// Sets every field of a VM's entry that was left out to its effective value, as
// bpmp/v1/config.proto says it.
void ApplyVmDefaults(const std::string& runtime_dir, v1::VmConfig* vm);

// Checks names, sockets (the admin API's too), certificates, users, modes and peers: each for
// itself, and that no two VMs have the same. Looks up users and groups on this machine. `config` is
// effective, its VMs' entries too. In the order in which they are written, one by one; then what
// several have together.
std::vector<VmFinding> CheckVms(const v1::Config& config);

// The same for a VM that comes to those of `config` while the broker runs. InvalidArgument with one
// line for each problem; `notes`, which may be null, gets the warnings that its coming brings.
absl::Status CheckNewVm(const v1::Config& config, const v1::VmConfig& vm,
                        std::vector<std::string>* notes);

// What differs in the entries of one VM and can't, because its socket was made by `before` and is
// open. The findings are problems of `after`.
std::vector<VmFinding> CheckOpenSocket(const v1::VmConfig& before, const v1::VmConfig& after);

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_VM_CHECKS_H_
