// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_PATIENT_CALL_H_
#define BROKER_SERVICE_PATIENT_CALL_H_

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <memory>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "broker/service/status.h"

namespace bpmp::service {

// A unary call whose answer nothing bounds, like that of a release. It ends with the answer, or
// when the client gives up or the server stops; an answer that comes after that is dropped. Who is
// to answer holds a pointer to it. Thread-safe.
class PatientCall final : public grpc::ServerUnaryReactor {
 public:
  static std::shared_ptr<PatientCall> Make() {
    std::shared_ptr<PatientCall> call(new PatientCall);
    call->self_ = call;
    return call;
  }

  // Runs `fill`, which may write to the call's response, and ends the call with what it returns.
  // Not run when the call is over: its messages are gone.
  void Answer(absl::FunctionRef<absl::Status()> fill) {
    if (!over_.exchange(true)) Finish(ToGrpc(fill()));
  }

  void OnCancel() override {
    if (!over_.exchange(true)) Finish(grpc::Status::CANCELLED);
  }
  void OnDone() override { const std::shared_ptr<PatientCall> self = std::move(self_); }

 private:
  PatientCall() = default;

  std::atomic<bool> over_{false};
  std::shared_ptr<PatientCall> self_;  // until gRPC is done with it
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_PATIENT_CALL_H_
