// SPDX-License-Identifier: Apache-2.0
#include "broker/service/typed_services.h"

#include <algorithm>
#include <iterator>

#include "broker/service/clocks_service.h"
#include "broker/service/power_domains_service.h"
#include "broker/service/resets_service.h"
#include "broker/service/unary_call.h"

namespace bpmp::service {
namespace {

// A call of a method whose handler is a function of its messages.
template <auto kHandler>
class CallOf;
template <typename Request, typename Response,
          void (*kHandler)(TypedCaller&, UnaryCall*, const Request&, Response*)>
class CallOf<kHandler> final : public UnaryCall {
 public:
  static UnaryCall* Start(TypedCaller* caller, grpc::CallbackServerContext* context) {
    auto* const call = new CallOf(caller, context);
    call->Begin();
    return call;
  }

 private:
  CallOf(TypedCaller* caller, grpc::CallbackServerContext* context)
      : UnaryCall(context), caller_(caller) {}

  google::protobuf::Message* request() override { return &request_; }
  const google::protobuf::Message& response() const override { return response_; }
  void Handle() override { kHandler(*caller_, this, request_, &response_); }

  TypedCaller* const caller_;
  Request request_;
  Response response_;
};

struct Method {
  std::string_view path;
  UnaryCall* (*start)(TypedCaller*, grpc::CallbackServerContext*);
};

constexpr Method kMethods[] = {
    {"/bpmp.v1.Clocks/ListClocks", &CallOf<&ListClocks>::Start},
    {"/bpmp.v1.Clocks/GetClock", &CallOf<&GetClock>::Start},
    {"/bpmp.v1.Clocks/EnableClock", &CallOf<&EnableClock>::Start},
    {"/bpmp.v1.Clocks/DisableClock", &CallOf<&DisableClock>::Start},
    {"/bpmp.v1.Clocks/SetRate", &CallOf<&SetRate>::Start},
    {"/bpmp.v1.Clocks/SetRateRange", &CallOf<&SetRateRange>::Start},
    {"/bpmp.v1.Clocks/RoundRate", &CallOf<&RoundRate>::Start},
    {"/bpmp.v1.Clocks/SetParent", &CallOf<&SetParent>::Start},
    {"/bpmp.v1.Resets/ListResets", &CallOf<&ListResets>::Start},
    {"/bpmp.v1.Resets/AssertReset", &CallOf<&AssertReset>::Start},
    {"/bpmp.v1.Resets/DeassertReset", &CallOf<&DeassertReset>::Start},
    {"/bpmp.v1.Resets/PulseReset", &CallOf<&PulseReset>::Start},
    {"/bpmp.v1.PowerDomains/ListPowerDomains", &CallOf<&ListPowerDomains>::Start},
    {"/bpmp.v1.PowerDomains/PowerOn", &CallOf<&PowerOn>::Start},
    {"/bpmp.v1.PowerDomains/PowerOff", &CallOf<&PowerOff>::Start},
};

const Method* Find(std::string_view path) {
  const auto it = std::find_if(std::begin(kMethods), std::end(kMethods),
                               [path](const Method& method) { return method.path == path; });
  return it == std::end(kMethods) ? nullptr : it;
}

}  // namespace

bool TypedServices::Serves(std::string_view path) { return Find(path) != nullptr; }

grpc::ServerGenericBidiReactor* TypedServices::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  const Method* const method = Find(context->method());
  if (method == nullptr) return grpc::CallbackGenericService::CreateReactor(context);
  return method->start(&caller_, context);
}

}  // namespace bpmp::service
