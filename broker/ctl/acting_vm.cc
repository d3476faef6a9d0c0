// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/acting_vm.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/request_parser.h"
#include "broker/ctl/words.h"
#include "broker/mrq/codec.h"

namespace bpmp::ctl {

absl::StatusOr<ActingVm::Answer> ActingVm::Ask(const mrq::Request& request) {
  v1::TransferAsRequest asked;
  asked.set_vm(vm_);
  *asked.mutable_request() = ToWire(request);
  asked.set_lease(v1::LEASE_CONNECTION);
  BPMP_ASSIGN_OR_RETURN(const v1::TransferAsResponse answer,
                        admin_->Call(&v1::Admin::Stub::TransferAs, asked));
  Answer result;
  const std::string& rx = answer.response().rx();
  result.response =
      mrq::FromBytes(answer.response().error(),
                     absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(rx.data()), rx.size()));
  if (!result.response.ok()) {
    result.refusal = ErrorAndReason(result.response.error, answer.reason_text());
  }
  return result;
}

absl::StatusOr<mrq::Response> ActingVm::Do(const mrq::Request& request) {
  BPMP_ASSIGN_OR_RETURN(const Answer answer, Ask(request));
  if (!answer.response.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat(mrq::Describe(request), " is refused: ", answer.refusal));
  }
  return answer.response;
}

}  // namespace bpmp::ctl
