// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/vm_endpoint.h"

#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/client.h"

namespace bpmp::ctl {

absl::StatusOr<Endpoint> VmEndpoint(Context& context, const std::string& vm) {
  v1::GetVmRequest request;
  request.set_name(vm);
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  BPMP_ASSIGN_OR_RETURN(const v1::Vm found, admin->Call(&v1::Admin::Stub::GetVm, request));
  return Endpoint{found.socket(), absl::StrCat("the broker's socket for ", vm)};
}

}  // namespace bpmp::ctl
