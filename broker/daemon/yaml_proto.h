// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_YAML_PROTO_H_
#define BROKER_DAEMON_YAML_PROTO_H_

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/daemon/source_map.h"

namespace bpmp::daemon {

// How many problems of one file are told at once.
inline constexpr int kMaxYamlProblems = 20;

// Fills `message`, which is empty, from YAML text whose keys are the message's field names.
//  - An enumeration is written in lower case without its prefix: `exclusive`, `pulse_resets`.
//  - Where a message is expected, a plain string stands for its first field, if that is a string:
//    `devices: [uarta]` is `devices: [{device: uarta}]`.
//  - Integers are decimal, or hexadecimal with 0x; booleans are `true` and `false`.
//  - An empty value (`vms:`) leaves a list or message empty.
// Any message whose fields are strings, integers, booleans, enumerations, messages and lists of
// those will do.
//
// InvalidArgument has one line for each problem, "broker.yaml:12:5: vms[0].devces: no such field;
// did you mean 'devices'?", and `message` is then in no useful state. `sources` may be null. Never
// throws, and is bounded in memory and depth, whatever the bytes.
absl::Status LoadYaml(std::string_view text, std::string_view file,
                      google::protobuf::Message* message, SourceMap* sources);

// LoadYaml from a file.
absl::Status LoadYamlFile(const std::string& path, google::protobuf::Message* message,
                          SourceMap* sources);

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_YAML_PROTO_H_
