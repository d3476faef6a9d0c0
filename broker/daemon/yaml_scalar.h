// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_YAML_SCALAR_H_
#define BROKER_DAEMON_YAML_SCALAR_H_

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

#include "broker/daemon/yaml_tree.h"

namespace bpmp::daemon {

// Sets a singular field of `message` that is no message, or adds an element to a repeated one, from
// a YAML value. Returns what is wrong with the value ("expected true or false, got 'yes'"), or "".
std::string SetScalar(const YamlNode& node, const google::protobuf::FieldDescriptor* field,
                      google::protobuf::Message* message);

// Hostile text made fit for a terminal and a log line: escaped, and cut where it is long.
std::string Printable(std::string_view text);

// How a configuration writes an enumeration's value: ACCESS_EXCLUSIVE of enum Access is
// "exclusive".
// "" for the value that means "not set".
std::string EnumWord(const google::protobuf::EnumValueDescriptor& value);

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_YAML_SCALAR_H_
