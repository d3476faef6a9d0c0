// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_SAME_FIELD_H_
#define BROKER_SERVICE_SAME_FIELD_H_

#include <google/protobuf/message.h>
#include <google/protobuf/util/message_differencer.h>

namespace bpmp::service {

// Whether one field is the same in two messages of one type.
template <typename Config>
bool SameField(const Config& a, const Config& b, const google::protobuf::FieldDescriptor* field) {
  Config left = a;
  Config right = b;
  Config of_left;
  Config of_right;
  Config::GetReflection()->SwapFields(&left, &of_left, {field});
  Config::GetReflection()->SwapFields(&right, &of_right, {field});
  return google::protobuf::util::MessageDifferencer::Equals(of_left, of_right);
}

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_SAME_FIELD_H_
