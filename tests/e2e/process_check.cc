// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/process_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "tests/lib/guest_client.h"

namespace bpmp::testing {
namespace {

std::unique_ptr<v1::Admin::Stub> AdminOf(const client::BrokerProcess& broker) {
  return v1::Admin::NewStub(ConnectTo(broker.admin_socket()));
}

// Blocks until VM "a" has been released after event `since`.
void AwaitRelease(v1::Admin::Stub* admin, uint64_t since) {
  grpc::ClientContext context;
  v1::WatchRequest request;
  request.set_since(since);
  request.add_vms("a");
  request.add_kinds("released");
  const auto events = admin->Watch(&context, request);
  v1::Event event;
  EXPECT_TRUE(events->Read(&event)) << "the broker ended before VM a was released";
}

uint64_t LastEvent(v1::Admin::Stub* admin) {
  grpc::ClientContext context;
  v1::ServerStatus status;
  const auto said = admin->GetServerStatus(&context, {}, &status);
  EXPECT_TRUE(said.ok()) << said.error_message();
  return status.last_event();
}

bool HeldByVm(const v1::ResourceState& state) {
  return std::any_of(state.holders().begin(), state.holders().end(),
                     [](const std::string& holder) { return holder != "host"; });
}

bool IsAtRest(const v1::ResourceState& state) {
  const bool gate_rests = state.gate() == v1::GATE_STATE_OFF || state.found_on() ||
                          state.gate() == v1::GATE_STATE_UNSPECIFIED;
  return gate_rests && state.reset() != v1::RESET_STATE_DEASSERTED && !HeldByVm(state) &&
         state.implied().empty() && !state.residue() && !state.busy() &&
         state.quarantined_for().empty();
}

bool IsTunedAs(const v1::ResourceState& state, const v1::ResourceState& before) {
  return state.kind() == before.kind() && state.id() == before.id() &&
         state.rate_hz() == before.rate_hz() && state.parent() == before.parent();
}

}  // namespace

v1::Vm VmOf(const client::BrokerProcess& broker) {
  grpc::ClientContext context;
  v1::GetVmRequest request;
  request.set_name("a");
  v1::Vm vm;
  const auto status = AdminOf(broker)->GetVm(&context, request, &vm);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return vm;
}

v1::ListResourcesResponse ResourcesOf(const client::BrokerProcess& broker) {
  grpc::ClientContext context;
  v1::ListResourcesResponse all;
  const auto status = AdminOf(broker)->ListResources(&context, {}, &all);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_GT(all.resources_size(), 0);
  return all;
}

std::vector<std::string> Leftovers(const client::BrokerProcess& broker, LinuxGuest* guest,
                                   const v1::ListResourcesResponse& before) {
  const auto admin = AdminOf(broker);
  const uint64_t last = LastEvent(admin.get());
  guest->qemu().Kill();
  AwaitRelease(admin.get(), last + 1);
  const v1::ListResourcesResponse all = ResourcesOf(broker);
  EXPECT_EQ(all.resources_size(), before.resources_size());
  std::vector<std::string> left;
  for (int i = 0; i < std::min(all.resources_size(), before.resources_size()); ++i) {
    const v1::ResourceState& state = all.resources(i);
    if (!IsAtRest(state) || !IsTunedAs(state, before.resources(i))) {
      left.push_back(state.ShortDebugString());
    }
  }
  return left;
}

}  // namespace bpmp::testing
