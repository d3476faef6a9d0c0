// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_COMPONENT_DRAIN_FIXTURE_H_
#define TESTS_COMPONENT_DRAIN_FIXTURE_H_

#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <thread>

#include "tests/component/admin_fixture.h"
#include "tests/lib/guest_client.h"

namespace bpmp::testing {

// A call of WaitReleased that is under way.
class Waiting {
 public:
  Waiting(std::unique_ptr<v1::Admin::Stub> stub, const std::string& vm) : stub_(std::move(stub)) {
    request_.set_name(vm);
    stub_->async()->WaitReleased(&context_, &request_, &response_, [this](grpc::Status status) {
      done_.set_value(std::move(status));
    });
  }
  ~Waiting() {
    context_.TryCancel();
    if (end_.valid()) {
      end_.wait();
    }
  }
  // Blocks until it is over.
  grpc::Status End() { return end_.get(); }
  // The client goes.
  void Cancel() { context_.TryCancel(); }
  const v1::WaitReleasedResponse& response() const { return response_; }

 private:
  const std::unique_ptr<v1::Admin::Stub> stub_;
  grpc::ClientContext context_;
  v1::WaitReleasedRequest request_;
  v1::WaitReleasedResponse response_;
  std::promise<grpc::Status> done_;
  std::future<grpc::Status> end_ = done_.get_future();
};

// An administrator who drains VMs.
class DrainFixture : public AdminFixture {
 protected:
  explicit DrainFixture(const std::string& more = "") : AdminFixture(more) {}

  grpc::Status Drain(const std::string& vm, v1::DrainVmResponse* response,
                     v1::DrainVmRequest::Session session = v1::DrainVmRequest::KEEP) {
    return Call(*Admin(), &v1::Admin::Stub::DrainVm, response, [&](auto* request) {
      request->set_name(vm);
      request->set_session(session);
    });
  }
  // As it is then.
  v1::Vm Drained(const std::string& vm,
                 v1::DrainVmRequest::Session session = v1::DrainVmRequest::KEEP) {
    v1::DrainVmResponse response;
    const grpc::Status status = Drain(vm, &response, session);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.vm();
  }
  grpc::Status Undrain(const std::string& vm) {
    v1::UndrainVmResponse response;
    return Call(*Admin(), &v1::Admin::Stub::UndrainVm, &response,
                [&](auto* request) { request->set_name(vm); });
  }
  grpc::Status Delete(const std::string& name) {
    v1::DeleteVmResponse response;
    return Call(*Admin(), &v1::Admin::Stub::DeleteVm, &response,
                [&](auto* request) { request->set_name(name); });
  }
  std::unique_ptr<Waiting> Wait(const std::string& vm) {
    return std::make_unique<Waiting>(Admin(), vm);
  }
  // Until so many calls wait in the broker.
  void UntilWaiting(size_t count) {
    while (broker_.admin().release_waits() != count) std::this_thread::yield();
  }
  // How the broker ends a new session of the VM; OK where it takes it.
  grpc::Status OpenSession(const std::string& vm, uint64_t resume = 0) {
    GuestClient guest(broker_.socket(vm));
    v1::SessionRequest hello;
    hello.mutable_hello()->set_resume_session_id(resume);
    guest.Send(hello);
    if (guest.Receive().has_value()) {
      return grpc::Status::OK;
    }
    return guest.Finish();
  }
};

}  // namespace bpmp::testing

#endif  // TESTS_COMPONENT_DRAIN_FIXTURE_H_
