// SPDX-License-Identifier: Apache-2.0
#include "broker/service/spec.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace bpmp::service {
namespace {

using testing::HasSubstr;

v1::Config Parse(const std::string& text) {
  v1::Config config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config)) << text;
  return config;
}

// The line is the number of fields that the message has set.
core::Where FieldCount(const google::protobuf::Message* message, std::string_view /*field*/,
                       int /*index*/) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  message->GetReflection()->ListFields(*message, &fields);
  return {"test.yaml", static_cast<int>(fields.size())};
}

std::string ProblemsOf(const std::string& text) {
  const auto spec = ToPolicySpec(Parse(text), &FieldCount);
  EXPECT_TRUE(absl::IsInvalidArgument(spec.status()));
  return std::string(spec.status().message());
}

// A field of each kind.
constexpr char kWhole[] = R"pb(
  vms {
    name: "net-vm"
    devices { device: "mgbe0" on_exit: PULSE clocks_on_exit: KEEP on_grant: PULSE_RESETS }
    devices { device: "uarta" }
    clocks { name: "pllp_out0" access: ACCESS_VOTE }
    resets { name: "can0" access: ACCESS_EXCLUSIVE }
    power_domains { name: "disp" access: ACCESS_GET }
    rate_limits { clock: "emc" min_hz: 5 }
    rate_limits { clock: "vic" max_hz: 7 }
    ids: HIDDEN
    audit_only: true
    thermal { zones: 8 zones: 0 }
    emc_latency: true
    pcie_controllers: 5
  }
  vms { name: "host-vm" all: ACCESS_EXCLUSIVE }
  clocks { clock: "emc" rate_policy: RATE_POLICY_RANGE }
  shared_resets: "can_all"
  pins { clock: "emc" rate_hz: 9 }
  pins { power_domain: "disp" }
)pb";

TEST(SpecTest, CarriesAVmOver) {
  const auto spec = ToPolicySpec(Parse(kWhole), &FieldCount);
  ASSERT_TRUE(spec.ok()) << spec.status();
  ASSERT_EQ(spec->vms.size(), 2u);
  const core::VmSpec& vm = spec->vms[0];
  EXPECT_EQ(vm.name, "net-vm");
  EXPECT_TRUE(vm.hide_ids);
  EXPECT_TRUE(vm.audit_only);
  ASSERT_EQ(vm.thermal_zones.size(), 2u);
  EXPECT_EQ(vm.thermal_zones[0].number, 8u);
  ASSERT_EQ(vm.pcie_controllers.size(), 1u);
  EXPECT_EQ(vm.pcie_controllers[0].number, 5u);
  EXPECT_TRUE(vm.emc_latency);
  EXPECT_FALSE(spec->vms[1].emc_latency);
  EXPECT_FALSE(spec->vms[1].audit_only);
  EXPECT_FALSE(vm.all_exclusive);
  EXPECT_TRUE(spec->vms[1].all_exclusive);
}

TEST(SpecTest, CarriesAVmsGrantsOver) {
  const auto spec = ToPolicySpec(Parse(kWhole), &FieldCount);
  ASSERT_TRUE(spec.ok()) << spec.status();
  ASSERT_FALSE(spec->vms.empty());
  const core::VmSpec& vm = spec->vms[0];
  ASSERT_EQ(vm.devices.size(), 2u);
  EXPECT_EQ(vm.devices[0].device, "mgbe0");
  EXPECT_EQ(vm.devices[0].reset_on_exit, core::ResetOnExit::kPulse);
  EXPECT_EQ(vm.devices[0].clock_on_exit, core::ClockOnExit::kLeave);
  EXPECT_TRUE(vm.devices[0].pulse_on_grant);
  EXPECT_EQ(vm.devices[1].reset_on_exit, core::ResetOnExit::kAssert);
  EXPECT_EQ(vm.devices[1].clock_on_exit, core::ClockOnExit::kBoot);
  EXPECT_FALSE(vm.devices[1].pulse_on_grant);
  ASSERT_EQ(vm.clocks.size(), 1u);
  EXPECT_EQ(vm.clocks[0].resource, "pllp_out0");
  EXPECT_EQ(vm.clocks[0].access, core::Access::kVote);
  ASSERT_EQ(vm.resets.size(), 1u);
  EXPECT_EQ(vm.resets[0].access, core::Access::kExclusive);
  ASSERT_EQ(vm.domains.size(), 1u);
  EXPECT_EQ(vm.domains[0].access, core::Access::kGet);
  ASSERT_EQ(vm.rate_limits.size(), 2u);
  EXPECT_EQ(vm.rate_limits[0].min_hz, 5);
  EXPECT_EQ(vm.rate_limits[0].max_hz, std::numeric_limits<int64_t>::max());
  EXPECT_EQ(vm.rate_limits[1].max_hz, 7);
}

TEST(SpecTest, CarriesTheBoardsRulesOver) {
  const auto spec = ToPolicySpec(Parse(kWhole), &FieldCount);
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_FALSE(spec->audit_only);
  ASSERT_EQ(spec->clock_rules.size(), 1u);
  EXPECT_EQ(spec->clock_rules[0].clock, "emc");
  EXPECT_EQ(spec->clock_rules[0].policy, core::RatePolicy::kRange);
  ASSERT_EQ(spec->shared_resets.size(), 1u);
  EXPECT_EQ(spec->shared_resets[0].resource, "can_all");
  ASSERT_EQ(spec->pins.size(), 2u);
  EXPECT_EQ(spec->pins[0].kind, core::ResourceKind::kClock);
  EXPECT_EQ(spec->pins[0].rate_hz, 9);
  EXPECT_EQ(spec->pins[1].kind, core::ResourceKind::kDomain);
  EXPECT_EQ(spec->pins[1].resource, "disp");
  EXPECT_EQ(spec->pins[1].rate_hz, std::nullopt);
}

TEST(SpecTest, SaysWhereEachEntryIs) {
  const v1::Config config = Parse(R"pb(vms {
                                         name: "a"
                                         ids: SHOWN
                                         socket: "s"
                                         devices { device: "x" }
                                       })pb");
  const auto spec = ToPolicySpec(config, &FieldCount);
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(spec->vms[0].where.line, 4);
  EXPECT_EQ(spec->vms[0].devices[0].where.line, 1);
  const core::VmSpec at = ToVmSpec(config.vms(0), core::Where{"over.yaml", 12});
  EXPECT_EQ(at.where.file, "over.yaml");
  EXPECT_EQ(at.devices[0].where.line, 12);
}

TEST(SpecTest, AnAccessMustBeSaid) {
  EXPECT_EQ(ProblemsOf(R"pb(vms {
                              name: "a"
                              clocks { name: "emc" }
                            })pb"),
            "test.yaml:1: vm a: the grant of 'emc' needs an 'access': none, get, vote or "
            "exclusive");
  EXPECT_THAT(ProblemsOf(R"pb(vms {
                                name: "a"
                                resets { name: "r" access: 17 }
                              })pb"),
              HasSubstr("needs an 'access'"));
}

TEST(SpecTest, AllIsExclusiveOrNothing) {
  EXPECT_EQ(ProblemsOf(R"pb(vms { name: "a" all: ACCESS_VOTE })pb"),
            "test.yaml:2: vm a: 'all' is 'exclusive', or is left out");
}

TEST(SpecTest, APinIsOneThing) {
  EXPECT_THAT(ProblemsOf("pins {}"), HasSubstr("either a 'clock' or a 'power_domain'"));
  EXPECT_THAT(ProblemsOf(R"pb(pins { clock: "a" power_domain: "b" })pb"),
              HasSubstr("either a 'clock' or a 'power_domain'"));
  EXPECT_THAT(ProblemsOf(R"pb(pins { power_domain: "b" rate_hz: 1 })pb"),
              HasSubstr("a power domain has no rate"));
  EXPECT_THAT(ProblemsOf(R"pb(pins { clock: "a" rate_hz: -1 })pb"), HasSubstr("below zero"));
}

TEST(SpecTest, AllProblemsAreSaidAtOnce) {
  const std::string problems = ProblemsOf(R"pb(
    vms {
      devices {}
      rate_limits { min_hz: -1 }
    }
    clocks { clock: "emc" }
    clocks { rate_policy: RATE_POLICY_MAX }
  )pb");
  EXPECT_THAT(problems, HasSubstr("a vm: it has no name\n"));
  EXPECT_THAT(problems, HasSubstr("an entry of 'devices' has no 'device'\n"));
  EXPECT_THAT(problems, HasSubstr("an entry of 'rate_limits' has no 'clock'\n"));
  EXPECT_THAT(problems, HasSubstr("a rate limit is below zero\n"));
  EXPECT_THAT(problems, HasSubstr("the rule of clock 'emc': it needs a 'rate_policy'"));
  EXPECT_THAT(problems, HasSubstr("a clock rule: it has no 'clock'"));
}

}  // namespace
}  // namespace bpmp::service
