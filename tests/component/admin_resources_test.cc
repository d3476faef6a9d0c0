// SPDX-License-Identifier: Apache-2.0
// Admin: resources, who holds them, and why a VM is answered as it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "broker/mrq/codec.h"
#include "tests/component/admin_fixture.h"
#include "tests/lib/guest_client.h"

namespace bpmp::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AdminResourcesTest : public AdminFixture {
 protected:
  AdminResourcesTest()
      : AdminFixture(R"pb(pins { clock: "fuse" }
                          clocks { clock: "i2c1" rate_policy: RATE_POLICY_FIXED })pb") {}

  grpc::Status Refusal(const v1::ResourceRef& ref) {
    v1::ResourceState state;
    return Call(*Admin(), &v1::Admin::Stub::GetResource, &state,
                [&](auto* request) { *request->mutable_resource() = ref; });
  }
  v1::ListResourcesResponse List(v1::ResourceKind kind, bool active_only) {
    v1::ListResourcesResponse list;
    EXPECT_TRUE(Call(*Admin(), &v1::Admin::Stub::ListResources, &list, [&](auto* request) {
                  request->set_kind(kind);
                  request->set_active_only(active_only);
                }).ok());
    return list;
  }
  grpc::Status Explain(const std::string& vm, const v1::MrqRequest& asked,
                       v1::ExplainResponse* response) {
    return Call(*Admin(), &v1::Admin::Stub::Explain, response, [&](auto* request) {
      request->set_vm(vm);
      *request->mutable_request() = asked;
    });
  }
  v1::ExplainResponse Explain(const std::string& vm, mrq::ClkCmd command, ClockId clock) {
    mrq::ClkRequest request;
    request.cmd = command;
    request.clock = clock;
    v1::ExplainResponse response;
    EXPECT_TRUE(Explain(vm, ToMessage(request), &response).ok());
    return response;
  }
};

TEST_F(AdminResourcesTest, AClockShowsEverythingKnownOfIt) {
  Enable("serial-vm", Named("uarta"));
  Enable("voter-vm", Named("uarta"));
  const v1::ResourceState uarta = Get(Named("uarta", v1::RESOURCE_KIND_CLOCK));
  EXPECT_EQ(uarta.kind(), v1::RESOURCE_KIND_CLOCK);
  EXPECT_EQ(uarta.id(), kUarta.value());
  EXPECT_EQ(uarta.gate(), v1::GATE_STATE_ON);
  EXPECT_EQ(uarta.reset(), v1::RESET_STATE_UNSPECIFIED);
  EXPECT_THAT(uarta.holders(), ElementsAre("serial-vm", "voter-vm"));
  EXPECT_THAT(uarta.exclusive(), ElementsAre("serial-vm"));
  EXPECT_EQ(uarta.rate_hz(), Rate(kUarta));
  EXPECT_EQ(uarta.parent(), kPllpOut0.value());
  EXPECT_EQ(uarta.parent_name(), "pllp_out0");
  EXPECT_EQ(uarta.flags() & mrq::clk_flag::kHasMux, mrq::clk_flag::kHasMux);
  EXPECT_EQ(uarta.rate_policy(), v1::RATE_POLICY_OWNER);
  EXPECT_FALSE(uarta.pinned());
  EXPECT_FALSE(uarta.busy());
  EXPECT_TRUE(uarta.quarantined_for().empty());
  EXPECT_EQ(Get(WithId(kI2c1.value(), v1::RESOURCE_KIND_CLOCK)).rate_policy(),
            v1::RATE_POLICY_FIXED);
  EXPECT_FALSE(Get(Named("osc", v1::RESOURCE_KIND_CLOCK)).has_parent());
}

TEST_F(AdminResourcesTest, TheHostsHoldsAreToldApart) {
  const v1::ResourceState fuse = Get(Named("fuse", v1::RESOURCE_KIND_CLOCK));
  EXPECT_TRUE(fuse.pinned());
  EXPECT_THAT(fuse.holders(), ElementsAre("host"));
  const v1::ResourceState osc = Get(Named("osc", v1::RESOURCE_KIND_CLOCK));
  EXPECT_TRUE(osc.found_on());
  EXPECT_FALSE(osc.pinned());
  EXPECT_THAT(osc.holders(), ElementsAre("host"));
}

TEST_F(AdminResourcesTest, ADomainAndAResetShowTheirOwnStates) {
  const v1::ResourceState vic = Get(Named("vic", v1::RESOURCE_KIND_POWER_DOMAIN));
  EXPECT_EQ(vic.id(), kVicDomain.value());
  EXPECT_EQ(vic.gate(), v1::GATE_STATE_OFF);
  EXPECT_EQ(vic.flags(), 0u);
  const v1::ResourceState uarta = Get(Named("uarta", v1::RESOURCE_KIND_RESET));
  EXPECT_EQ(uarta.id(), kUartaReset.value());
  EXPECT_EQ(uarta.gate(), v1::GATE_STATE_UNSPECIFIED);
  EXPECT_EQ(uarta.reset(), v1::RESET_STATE_UNKNOWN);
  EXPECT_THAT(uarta.exclusive(), ElementsAre("serial-vm"));
}

TEST_F(AdminResourcesTest, AReferenceMustBeClear) {
  EXPECT_EQ(Refusal(Named("uarta")).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(Refusal(Named("uarta")).error_message(), HasSubstr("say what it is"));
  const grpc::Status unknown = Refusal(Named("uartaa", v1::RESOURCE_KIND_CLOCK));
  EXPECT_EQ(unknown.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(unknown.error_message(), "no clock 'uartaa'; did you mean 'uarta'?");
  EXPECT_EQ(Refusal(WithId(2000, v1::RESOURCE_KIND_RESET)).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(AdminResourcesTest, ListsByKind) {
  EXPECT_EQ(List(v1::RESOURCE_KIND_CLOCK, false).resources_size(), 435);
  EXPECT_EQ(List(v1::RESOURCE_KIND_POWER_DOMAIN, false).resources_size(), 31);
  const v1::ListResourcesResponse all = List(v1::RESOURCE_KIND_UNSPECIFIED, false);
  std::map<v1::ResourceKind, int> kinds;
  for (const v1::ResourceState& state : all.resources()) ++kinds[state.kind()];
  EXPECT_EQ(kinds[v1::RESOURCE_KIND_CLOCK], 435);
  EXPECT_EQ(kinds[v1::RESOURCE_KIND_POWER_DOMAIN], 31);
  EXPECT_GT(kinds[v1::RESOURCE_KIND_RESET], 100);
  v1::ListResourcesResponse list;
  EXPECT_EQ(Call(*Admin(), &v1::Admin::Stub::ListResources, &list,
                 [](auto* request) { request->set_kind(static_cast<v1::ResourceKind>(9)); })
                .error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(AdminResourcesTest, ActiveIsWhatSomebodyHolds) {
  const auto is_active = [this](const std::string& name) {
    const v1::ListResourcesResponse list = List(v1::RESOURCE_KIND_CLOCK, true);
    for (const v1::ResourceState& state : list.resources()) {
      if (state.name() == name) return true;
    }
    return false;
  };
  EXPECT_FALSE(is_active("uarta"));
  EXPECT_TRUE(is_active("osc"));
  Enable("serial-vm", Named("uarta"));
  EXPECT_TRUE(is_active("uarta"));
  EXPECT_LT(List(v1::RESOURCE_KIND_CLOCK, true).resources_size(), 435);
}

TEST_F(AdminResourcesTest, ExplainsWhatWouldBeDone) {
  const v1::ExplainResponse enable = Explain("serial-vm", mrq::ClkCmd::kEnable, kUarta);
  EXPECT_EQ(enable.error(), 0);
  EXPECT_TRUE(enable.error_name().empty());
  EXPECT_EQ(enable.reason(), "edge");
  EXPECT_TRUE(enable.edge());
  EXPECT_EQ(enable.request(), "CLK ENABLE uarta");
  EXPECT_THAT(enable.text(), HasSubstr("serial-vm has 'exclusive' on uarta"));
  // Nothing is done.
  EXPECT_FALSE(Enabled(kUarta));

  Enable("voter-vm", Named("uarta"));
  const v1::ExplainResponse shared = Explain("serial-vm", mrq::ClkCmd::kEnable, kUarta);
  EXPECT_FALSE(shared.edge());
  EXPECT_EQ(shared.reason(), "others-hold");
  EXPECT_THAT(shared.others(), ElementsAre("voter-vm"));
}

TEST_F(AdminResourcesTest, ExplainsWhyNot) {
  const v1::ExplainResponse denied = Explain("serial-vm", mrq::ClkCmd::kEnable, kVic);
  EXPECT_EQ(denied.error(), -13);
  EXPECT_EQ(denied.error_name(), "EACCES");
  EXPECT_EQ(denied.reason(), "not-permitted");
  EXPECT_FALSE(denied.edge());
  EXPECT_THAT(denied.text(), HasSubstr("serial-vm has 'none' on vic"));
}

TEST_F(AdminResourcesTest, ExplainsBytesThatAreNoRequest) {
  v1::MrqRequest debug;
  debug.set_mrq(75);
  debug.set_tx(std::string(8, '\0'));
  v1::ExplainResponse response;
  ASSERT_TRUE(Explain("serial-vm", debug, &response).ok());
  EXPECT_EQ(response.error_name(), "EINVAL");
  EXPECT_EQ(response.request(), "DEBUG");
  EXPECT_FALSE(response.text().empty());
  debug.set_tx(std::string(121, '\0'));
  EXPECT_EQ(Explain("serial-vm", debug, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Explain("nobody", debug, &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace bpmp::testing
