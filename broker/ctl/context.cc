// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/context.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/json.h"

namespace bpmp::ctl {

absl::StatusOr<AdminClient*> Context::Admin() {
  if (admin_ == nullptr) {
    const Endpoint endpoint = AdminEndpoint(globals_.socket);
    BPMP_ASSIGN_OR_RETURN(auto channel, Connect(endpoint));
    admin_ = std::make_unique<AdminClient>(endpoint, std::move(channel), globals_.timeout);
  }
  return admin_.get();
}

bool Context::Print(std::string_view text) {
  if (!io_.out->good()) {
    return false;
  }
  errno = 0;
  *io_.out << text << std::flush;
  if (!io_.out->good()) {
    write_error_ = errno;
  }
  return io_.out->good();
}

ExitCode Context::Finish(ExitCode code) {
  if (Print("")) {
    return code;
  }
  if (write_error_ != EPIPE) {
    Warn(absl::StrCat("can't write to standard output",
                      write_error_ == 0 ? "" : absl::StrCat(": ", std::strerror(write_error_))));
  }
  return code == ExitCode::kOk ? ExitCode::kFailed : code;
}

void Context::Warn(std::string_view line) { *io_.err << "bpmpctl: " << line << std::endl; }

ExitCode Context::Show(const google::protobuf::Message& message,
                       absl::FunctionRef<std::string()> text, ExitCode code) {
  Print(globals_.json() ? ToJson(message, JsonLayout::kIndented) : text());
  return code;
}

}  // namespace bpmp::ctl
