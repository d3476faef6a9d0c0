// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_TYPED_CALLER_H_
#define BROKER_SERVICE_TYPED_CALLER_H_

#include <grpcpp/server_context.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bpmp/v1/types.pb.h"
#include "broker/backend/engine.h"
#include "broker/base/ids.h"
#include "broker/core/core.h"
#include "broker/core/resource.h"
#include "broker/mrq/types.h"
#include "broker/service/acceptor.h"
#include "broker/service/caller.h"
#include "broker/service/unary_call.h"

namespace bpmp::service {

// What the typed services work with. Nothing passed by pointer is owned; all outlives the server.
struct TypedDeps {
  backend::Engine* engine = nullptr;
  Acceptor* acceptor = nullptr;  // for its delays
  CallerOf caller_of;
  // The VM is not shown what it may not use (`ids: hidden`). Null: no VM hides.
  std::function<bool(VmId)> hides_ids;
};

// One typed call that was let in. Counts as outstanding for its VM until it is finished, which
// happens exactly once: by Finish(), or, when it is dropped because the broker stops, as
// unavailable.
class TypedCall {
 public:
  TypedCall(const TypedDeps* deps, Caller caller, UnaryCall* call);
  ~TypedCall();
  TypedCall(const TypedCall&) = delete;
  TypedCall& operator=(const TypedCall&) = delete;

  void Finish(const absl::Status& status);

  VmId vm() const { return caller_.endpoint->vm; }
  const Endpoint& endpoint() const { return *caller_.endpoint; }
  ConnectionLeases* leases() const { return caller_.leases.get(); }  // may be null
  // Until it is finished.
  const grpc::CallbackServerContext& context() const { return call_->context(); }
  const backend::Engine& engine() const { return *deps_->engine; }
  // A resource that the VM is shown; errors as of FindResource (lookup.h).
  absl::StatusOr<core::Resource> Find(core::ResourceKind kind, const v1::ResourceRef& ref) const;
  // To be called under the engine's lock.
  bool Shows(const core::Core& core, core::Resource resource) const;

 private:
  bool Hides() const { return deps_->hides_ids != nullptr && deps_->hides_ids(vm()); }

  const TypedDeps* const deps_;
  const Caller caller_;
  UnaryCall* call_;  // null once finished
};

// What a typed request has that the protocol has no words for.
struct TypedExtra {
  v1::Lease lease = v1::LEASE_UNSPECIFIED;  // how long the vote lasts that it adds
  std::optional<int64_t> max_rate_hz;       // as of core::Call
};

// What the typed services share: who calls, how fast he may, and how a request becomes one
// mrq::Request of his VM's current epoch and its answer an Outcome. A VM over its rate is slowed,
// as on its session. Thread-safe; outlives the server.
class TypedCaller {
 public:
  using Work = absl::AnyInvocable<void(std::unique_ptr<TypedCall>)>;
  using MakeRequest = std::function<absl::StatusOr<mrq::Request>(const TypedCall&, uint32_t id)>;
  // Reads a successful answer. Runs before the caller is answered.
  using Fill =
      absl::AnyInvocable<void(const TypedCall&, core::Resource, const mrq::Response& response)>;

  explicit TypedCaller(TypedDeps deps) : deps_(std::move(deps)) {}
  TypedCaller(const TypedCaller&) = delete;
  TypedCaller& operator=(const TypedCaller&) = delete;

  // Runs `work` when it is the call's turn, which is at once unless the VM is too fast.
  void Start(UnaryCall* call, Work work);

  // Finds the resource, makes the request of its id, submits it and answers. `ref` and `outcome`
  // belong to the call's messages.
  void Run(UnaryCall* call, core::ResourceKind kind, const v1::ResourceRef& ref, MakeRequest make,
           v1::Outcome* outcome, Fill fill = nullptr, TypedExtra extra = {});

 private:
  void Submit(std::unique_ptr<TypedCall> call, core::Resource resource, const core::Call& asked,
              v1::Outcome* outcome, Fill fill, backend::LeaseId lease);

  const TypedDeps deps_;
};

// Why a request ended as it did, in one sentence with the names of who is in the way; empty where
// it did just what was asked. Takes the engine's lock. `asked.ticket` doesn't count.
std::string OutcomeReason(const backend::Engine& engine, const core::Call& asked, int32_t error,
                          core::Reason reason);

// The time until the client gives up, at most `limit`.
absl::Duration TimeLeft(const grpc::CallbackServerContext& context, absl::Duration limit);

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_TYPED_CALLER_H_
