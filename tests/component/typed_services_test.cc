// SPDX-License-Identifier: Apache-2.0
// The typed services, through a VM's own socket.
#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/component/admin_fixture.h"
#include "tests/lib/guest_client.h"

namespace bpmp::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class TypedServicesTest : public AdminFixture {
 protected:
  explicit TypedServicesTest(const std::string& more = "") : AdminFixture(more) {}

  // How a reference that names no clock is refused.
  grpc::Status Refusal(const std::string& vm, const v1::ResourceRef& clock) {
    v1::EnableClockResponse response;
    return Call(*Clocks(vm), &v1::Clocks::Stub::EnableClock, &response,
                [&](auto* request) { *request->mutable_clock() = clock; });
  }
  v1::ListClocksResponse List(const std::string& vm) {
    v1::ListClocksResponse response;
    EXPECT_TRUE(Call(*Clocks(vm), &v1::Clocks::Stub::ListClocks, &response, [](auto*) {}).ok());
    return response;
  }
};

TEST_F(TypedServicesTest, ListsEveryClockWithWhatTheVmMayDo) {
  Enable("serial-vm", Named("uarta"));
  const v1::ListClocksResponse list = List("serial-vm");
  EXPECT_EQ(list.clocks_size(), 435);
  EXPECT_TRUE(list.next_page_token().empty());
  std::map<std::string, v1::Clock> clocks;
  for (const v1::Clock& clock : list.clocks()) clocks[clock.name()] = clock;
  const v1::Clock& uarta = clocks["uarta"];
  EXPECT_EQ(uarta.id(), kUarta.value());
  EXPECT_TRUE(uarta.enabled());
  EXPECT_EQ(uarta.access(), v1::ACCESS_EXCLUSIVE);
  EXPECT_EQ(uarta.parent(), kPllpOut0.value());
  EXPECT_THAT(uarta.parents(), Contains(kPllpOut0.value()));
  EXPECT_THAT(uarta.parents(), Contains(kClkM.value()));
  EXPECT_GT(uarta.rate_hz(), 0);
  EXPECT_EQ(clocks["pllp_out0"].access(), v1::ACCESS_VOTE);
  EXPECT_EQ(clocks["pllp_out0"].parents_size(), 0);
  EXPECT_EQ(clocks["vic"].access(), v1::ACCESS_NONE);
  EXPECT_FALSE(clocks["vic"].enabled());
  EXPECT_FALSE(clocks["osc"].has_parent());
}

TEST_F(TypedServicesTest, EnabledIsTheVmsOwnVote) {
  Enable("serial-vm", Named("uarta"));
  const v1::ListClocksResponse list = List("voter-vm");
  for (const v1::Clock& clock : list.clocks()) {
    EXPECT_FALSE(clock.enabled()) << clock.name();
  }
}

TEST_F(TypedServicesTest, PagesMakeTheWholeList) {
  const auto stub = Clocks("serial-vm");
  std::vector<uint32_t> ids;
  std::string token;
  int pages = 0;
  do {
    v1::ListClocksResponse page;
    ASSERT_TRUE(Call(*stub, &v1::Clocks::Stub::ListClocks, &page, [&](auto* request) {
                  request->set_page_size(100);
                  request->set_page_token(token);
                }).ok());
    for (const v1::Clock& clock : page.clocks()) ids.push_back(clock.id());
    token = page.next_page_token();
    ++pages;
  } while (!token.empty());
  EXPECT_EQ(pages, 5);
  std::vector<uint32_t> whole;
  const v1::ListClocksResponse list = List("serial-vm");
  for (const v1::Clock& clock : list.clocks()) whole.push_back(clock.id());
  EXPECT_EQ(ids, whole);
}

TEST_F(TypedServicesTest, ABadPageIsRefused) {
  v1::ListClocksResponse page;
  EXPECT_EQ(Call(*Clocks("serial-vm"), &v1::Clocks::Stub::ListClocks, &page,
                 [](auto* request) { request->set_page_token("here"); })
                .error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Call(*Clocks("serial-vm"), &v1::Clocks::Stub::ListClocks, &page,
                 [](auto* request) { request->set_page_size(-1); })
                .error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(TypedServicesTest, EnablesAndDisablesByNameAndById) {
  EXPECT_EQ(Enable("serial-vm", Named("uarta")).error(), 0);
  EXPECT_TRUE(Enabled(kUarta));
  const v1::Outcome again = Enable("serial-vm", WithId(kUarta.value()));
  EXPECT_EQ(again.error(), 0);
  EXPECT_EQ(again.reason(), "the VM votes for it already");
  EXPECT_EQ(Disable("serial-vm", WithId(kUarta.value())).error(), 0);
  EXPECT_FALSE(Enabled(kUarta));
  const v1::Outcome unbalanced = Disable("serial-vm", Named("uarta"));
  EXPECT_EQ(unbalanced.error(), 0);
  EXPECT_THAT(unbalanced.reason(), HasSubstr("no vote"));
}

TEST_F(TypedServicesTest, AnotherHolderKeepsTheClockOn) {
  Enable("serial-vm", Named("uarta"));
  EXPECT_THAT(Enable("voter-vm", Named("uarta")).reason(), HasSubstr("others"));
  EXPECT_EQ(Disable("serial-vm", Named("uarta")).error(), 0);
  EXPECT_TRUE(Enabled(kUarta));
  Disable("voter-vm", Named("uarta"));
  EXPECT_FALSE(Enabled(kUarta));
}

TEST_F(TypedServicesTest, ARefusalSaysWhyAndWhatToDo) {
  const v1::Outcome outcome = Enable("serial-vm", Named("vic"));
  EXPECT_EQ(outcome.error(), -13);
  EXPECT_EQ(outcome.error_name(), "EACCES");
  EXPECT_THAT(outcome.reason(), HasSubstr("policy doesn't allow it"));
  EXPECT_THAT(outcome.reason(), HasSubstr("serial-vm has 'none' on vic"));
}

TEST_F(TypedServicesTest, AConflictNamesWhoIsInTheWay) {
  Enable("serial-vm", Named("uarta"));
  Enable("voter-vm", Named("uarta"));
  v1::SetParentResponse response;
  ASSERT_TRUE(
      Call(*Clocks("serial-vm"), &v1::Clocks::Stub::SetParent, &response, [](auto* request) {
        *request->mutable_clock() = Named("uarta");
        *request->mutable_parent() = Named("clk_m");
      }).ok());
  EXPECT_EQ(response.outcome().error_name(), "EBUSY");
  EXPECT_THAT(response.outcome().reason(), HasSubstr("In the way: voter-vm"));
}

TEST_F(TypedServicesTest, SetsTheParent) {
  v1::SetParentResponse response;
  ASSERT_TRUE(
      Call(*Clocks("serial-vm"), &v1::Clocks::Stub::SetParent, &response, [](auto* request) {
        *request->mutable_clock() = Named("uarta");
        *request->mutable_parent() = WithId(kClkM.value());
      }).ok());
  EXPECT_EQ(response.outcome().error(), 0) << response.outcome().reason();
  EXPECT_EQ(broker_.sim().WithModel([](auto& model) { return model.Parent(kUarta); }), kClkM);
  // A parent that isn't there is no request.
  EXPECT_EQ(Call(*Clocks("serial-vm"), &v1::Clocks::Stub::SetParent, &response,
                 [](auto* request) {
                   *request->mutable_clock() = Named("uarta");
                   *request->mutable_parent() = Named("clk_n");
                 })
                .error_message(),
            "no clock 'clk_n'; did you mean 'clk_m'?");
}

TEST_F(TypedServicesTest, AnswersTheRealRate) {
  v1::SetRateResponse set;
  const auto ask = [](auto* request) {
    *request->mutable_clock() = Named("uarta");
    request->set_rate_hz(1'843'201);
  };
  v1::RoundRateResponse round;
  ASSERT_TRUE(Call(*Clocks("serial-vm"), &v1::Clocks::Stub::RoundRate, &round, ask).ok());
  EXPECT_EQ(round.outcome().error(), 0);
  ASSERT_TRUE(Call(*Clocks("serial-vm"), &v1::Clocks::Stub::SetRate, &set, ask).ok());
  EXPECT_EQ(set.outcome().error(), 0) << set.outcome().reason();
  const int64_t real = Rate(kUarta);
  EXPECT_EQ(set.rate_hz(), real);
  EXPECT_EQ(round.rate_hz(), real);
  v1::GetClockResponse get;
  ASSERT_TRUE(Call(*Clocks("serial-vm"), &v1::Clocks::Stub::GetClock, &get, [](auto* request) {
                *request->mutable_clock() = Named("uarta");
              }).ok());
  EXPECT_EQ(get.clock().rate_hz(), real);
  EXPECT_EQ(get.clock().id(), kUarta.value());
  EXPECT_EQ(get.clock().access(), v1::ACCESS_EXCLUSIVE);
}

TEST_F(TypedServicesTest, ARateIsPositive) {
  for (const int64_t rate : {int64_t{0}, int64_t{-5}}) {
    v1::SetRateResponse response;
    const grpc::Status status =
        Call(*Clocks("serial-vm"), &v1::Clocks::Stub::SetRate, &response, [=](auto* request) {
          *request->mutable_clock() = Named("uarta");
          request->set_rate_hz(rate);
        });
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr("a rate is positive"));
  }
}

TEST_F(TypedServicesTest, AWrongNameGetsASuggestion) {
  const grpc::Status status = Refusal("serial-vm", Named("uartaa"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "no clock 'uartaa'; did you mean 'uarta'?");
  EXPECT_EQ(Refusal("serial-vm", WithId(4'000'000'000)).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(TypedServicesTest, AReferenceMustNameAClock) {
  EXPECT_EQ(Refusal("serial-vm", v1::ResourceRef()).error_message(),
            "name a clock by its name or id");
  const grpc::Status reset = Refusal("serial-vm", Named("uarta", v1::RESOURCE_KIND_RESET));
  EXPECT_EQ(reset.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(reset.error_message(), "this takes a clock, and was given a reset");
}

TEST_F(TypedServicesTest, WhatIsHiddenDoesNotExist) {
  const v1::ListClocksResponse list = List("hidden-vm");
  std::set<std::string> names;
  for (const v1::Clock& clock : list.clocks()) {
    names.insert(clock.name());
    EXPECT_NE(clock.access(), v1::ACCESS_NONE);
  }
  EXPECT_TRUE(names.contains("i2c1"));
  EXPECT_FALSE(names.contains("uarta"));
  // By name and by id, and without a word on what there is.
  EXPECT_EQ(Refusal("hidden-vm", Named("uarta")).error_message(), "no clock 'uarta'");
  EXPECT_EQ(Refusal("hidden-vm", Named("uartaa")).error_message(), "no clock 'uartaa'");
  EXPECT_EQ(Refusal("hidden-vm", WithId(kUarta.value())).error_message(), "no clock '155'");
  EXPECT_EQ(Enable("hidden-vm", Named("i2c1")).error(), 0);
}

TEST_F(TypedServicesTest, DrivesTheVmsResets) {
  v1::ListResetsResponse list;
  ASSERT_TRUE(Call(*Resets("serial-vm"), &v1::Resets::Stub::ListResets, &list, [](auto*) {}).ok());
  ASSERT_EQ(list.resets_size(), 1);
  EXPECT_EQ(list.resets(0).id(), kUartaReset.value());
  EXPECT_EQ(list.resets(0).name(), "uarta");
  EXPECT_EQ(list.resets(0).state(), v1::RESET_STATE_UNKNOWN);
  EXPECT_FALSE(list.resets(0).shared());

  const auto uarta = [](auto* request) { *request->mutable_reset() = Named("uarta"); };
  v1::DeassertResetResponse deassert;
  ASSERT_TRUE(Call(*Resets("serial-vm"), &v1::Resets::Stub::DeassertReset, &deassert, uarta).ok());
  EXPECT_EQ(deassert.outcome().error(), 0);
  list.Clear();
  Call(*Resets("serial-vm"), &v1::Resets::Stub::ListResets, &list, [](auto*) {});
  EXPECT_EQ(list.resets(0).state(), v1::RESET_STATE_DEASSERTED);

  v1::AssertResetResponse assert;
  Call(*Resets("serial-vm"), &v1::Resets::Stub::AssertReset, &assert, uarta);
  EXPECT_EQ(assert.outcome().error(), 0);
  EXPECT_TRUE(
      broker_.sim().WithModel([](auto& model) { return model.ResetAsserted(kUartaReset); }));
  v1::PulseResetResponse pulse;
  Call(*Resets("serial-vm"), &v1::Resets::Stub::PulseReset, &pulse, uarta);
  EXPECT_EQ(pulse.outcome().error(), 0);
  EXPECT_EQ(broker_.sim().WithModel([](auto& model) { return model.ResetPulses(kUartaReset); }),
            1u);
}

TEST_F(TypedServicesTest, AnothersResetIsRefused) {
  v1::AssertResetResponse response;
  ASSERT_TRUE(
      Call(*Resets("serial-vm"), &v1::Resets::Stub::AssertReset, &response, [](auto* request) {
        *request->mutable_reset() = Named("vic");
      }).ok());
  EXPECT_EQ(response.outcome().error_name(), "EACCES");
}

TEST_F(TypedServicesTest, SwitchesPowerDomains) {
  const auto vic = [](auto* request) { *request->mutable_power_domain() = Named("vic"); };
  v1::PowerOnResponse on;
  ASSERT_TRUE(Call(*PowerDomains("video-vm"), &v1::PowerDomains::Stub::PowerOn, &on, vic).ok());
  EXPECT_EQ(on.outcome().error(), 0) << on.outcome().reason();
  EXPECT_TRUE(Powered(kVicDomain));

  v1::ListPowerDomainsResponse list;
  Call(*PowerDomains("video-vm"), &v1::PowerDomains::Stub::ListPowerDomains, &list, [](auto*) {});
  bool found = false;
  for (const v1::PowerDomain& domain : list.power_domains()) {
    EXPECT_EQ(domain.on(), domain.id() == kVicDomain.value()) << domain.name();
    found = found || (domain.name() == "vic" && domain.access() == v1::ACCESS_EXCLUSIVE);
  }
  EXPECT_TRUE(found);

  v1::PowerOnResponse refused;
  Call(*PowerDomains("serial-vm"), &v1::PowerDomains::Stub::PowerOn, &refused, vic);
  EXPECT_EQ(refused.outcome().error_name(), "EACCES");
  v1::PowerOffResponse off;
  Call(*PowerDomains("video-vm"), &v1::PowerDomains::Stub::PowerOff, &off, vic);
  EXPECT_EQ(off.outcome().error(), 0);
  EXPECT_FALSE(Powered(kVicDomain));
}

TEST_F(TypedServicesTest, AFirmwareErrorIsASuccessfulCall) {
  AddFault("CLK ENABLE uarta error=EIO count=1");
  const v1::Outcome outcome = Enable("serial-vm", Named("uarta"));
  EXPECT_EQ(outcome.error_name(), "EIO");
  EXPECT_EQ(outcome.reason(), "the firmware refused");
  EXPECT_EQ(Enable("serial-vm", Named("uarta")).error(), 0);
}

TEST_F(TypedServicesTest, AVmsSocketHasNoAdminService) {
  const auto stub = v1::Admin::NewStub(ConnectTo(broker_.socket("serial-vm")));
  v1::ListVmsResponse list;
  EXPECT_EQ(Call(*stub, &v1::Admin::Stub::ListVms, &list, [](auto*) {}).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  v1::PinResponse pin;
  EXPECT_EQ(Call(*stub, &v1::Admin::Stub::Pin, &pin, [](auto*) {}).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(TypedServicesTest, TheAdminSocketHasNoVmsServices) {
  const auto stub = v1::Clocks::NewStub(ConnectTo(broker_.admin_socket()));
  v1::ListClocksResponse list;
  EXPECT_EQ(Call(*stub, &v1::Clocks::Stub::ListClocks, &list, [](auto*) {}).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

// One call may wait at a time.
class TypedLimitTest : public TypedServicesTest {
 protected:
  TypedLimitTest()
      : TypedServicesTest(
            "limits { max_outstanding: 1 request_timeout_ms: 60000 } "
            "backend { transfer_timeout_ms: 60000 }") {}
};

TEST_F(TypedLimitTest, TooManyOutstandingCallsAreRefused) {
  AddFault("CLK ENABLE uarta hang count=1");
  const auto stub = Clocks("serial-vm");
  grpc::ClientContext context;
  v1::EnableClockRequest request;
  *request.mutable_clock() = Named("uarta");
  v1::EnableClockResponse response;
  grpc::Status first;
  std::promise<void> done;
  stub->async()->EnableClock(&context, &request, &response, [&](const grpc::Status& status) {
    first = status;
    done.set_value();
  });
  broker_.sim().WaitUntilHanging(1);

  const grpc::Status second = Refusal("serial-vm", Named("pllp_out0"));
  EXPECT_EQ(second.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(second.error_message(), HasSubstr("vm serial-vm has 1 calls outstanding"));
  // Another VM's limit is its own.
  EXPECT_EQ(Enable("hidden-vm", Named("i2c1")).error(), 0);

  broker_.sim().ReleaseHangs();
  done.get_future().wait();
  EXPECT_TRUE(first.ok());
  EXPECT_EQ(response.outcome().error(), 0);
  EXPECT_EQ(Enable("serial-vm", Named("pllp_out0")).error(), 0);
}

TEST_F(TypedServicesTest, TheClientsDeadlineEndsTheWait) {
  AddFault("CLK ENABLE uarta hang count=1");
  const auto stub = Clocks("serial-vm");
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
  v1::EnableClockRequest request;
  *request.mutable_clock() = Named("uarta");
  v1::EnableClockResponse response;
  const grpc::Status status = stub->EnableClock(&context, request, &response);
  // Either the broker's answer or the client's own clock came first.
  EXPECT_TRUE(status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED ||
              (status.ok() && response.outcome().error_name() == "ETIMEDOUT"))
      << status.error_message() << response.ShortDebugString();
  broker_.sim().ReleaseHangs();
}

}  // namespace
}  // namespace bpmp::testing
