// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/yaml_proto.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "bpmp/v1/admin.pb.h"
#include "bpmp/v1/config.pb.h"
#include "broker/daemon/yaml_scalar.h"

namespace bpmp::daemon {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string ErrorOf(std::string_view text) {
  v1::Config config;
  const absl::Status status = LoadYaml(text, "b.yaml", &config, nullptr);
  return status.ok() ? "loaded" : std::string(status.message());
}

TEST(YamlProtoTest, FillsEveryKindOfField) {
  v1::Config config;
  ASSERT_EQ(LoadYaml(R"(
runtime_dir: /run/x
backend: {kind: sim, sim: {latency_us: 0x10, faults: [one, "two"]}}
vms:
  - name: net-vm
    mode: 0660
    all: exclusive
    devices:
      - uarta
      - {device: mgbe0, on_exit: deassert, on_grant: pulse_resets, clocks_on_exit: keep}
    clocks: [{name: 155, access: vote}]
    rate_limits: [{clock: vic, min_hz: -1, max_hz: 9223372036854775807}]
clocks:
pins:
  - osc
)",
                     "b.yaml", &config, nullptr),
            absl::OkStatus());
  EXPECT_EQ(config.runtime_dir(), "/run/x");
  EXPECT_EQ(config.backend().kind(), v1::BackendConfig::SIM);
  EXPECT_EQ(config.backend().sim().latency_us(), 16u);
  EXPECT_THAT(config.backend().sim().faults(), testing::ElementsAre("one", "two"));
  ASSERT_THAT(config.vms(), SizeIs(1));
  const v1::VmConfig& vm = config.vms(0);
  EXPECT_EQ(vm.mode(), "0660");
  EXPECT_EQ(vm.all(), v1::ACCESS_EXCLUSIVE);
  EXPECT_EQ(vm.devices(0).device(), "uarta");
  EXPECT_EQ(vm.devices(1).on_exit(), v1::DeviceGrantConfig::DEASSERT);
  EXPECT_EQ(vm.devices(1).on_grant(), v1::DeviceGrantConfig::PULSE_RESETS);
  EXPECT_EQ(vm.devices(1).clocks_on_exit(), v1::DeviceGrantConfig::KEEP);
  EXPECT_EQ(vm.clocks(0).name(), "155");
  EXPECT_EQ(vm.rate_limits(0).min_hz(), -1);
  EXPECT_EQ(vm.rate_limits(0).max_hz(), INT64_MAX);
  EXPECT_THAT(config.clocks(), SizeIs(0));
  EXPECT_EQ(config.pins(0).clock(), "osc");
}

TEST(YamlProtoTest, AnEmptyFileIsAnEmptyMessage) {
  EXPECT_EQ(ErrorOf(""), "loaded");
  EXPECT_EQ(ErrorOf("# nothing yet\n"), "loaded");
}

TEST(YamlProtoTest, EachProblemHasItsPlaceAndItsRemedy) {
  EXPECT_EQ(ErrorOf("vms:\n  - name: a\n    devces: [uarta]\n"),
            "b.yaml:3:5: vms[0].devces: no such field; did you mean 'devices'?");
  EXPECT_EQ(ErrorOf("zebra: 1\n"), "b.yaml:1:1: zebra: no such field");
  EXPECT_EQ(ErrorOf("limits: {burst: many}\n"),
            "b.yaml:1:17: limits.burst: expected a whole number, got 'many'");
  EXPECT_EQ(ErrorOf("limits: {burst: \"5\"}\n"),
            "b.yaml:1:17: limits.burst: expected a whole number, got '5'");
  EXPECT_EQ(ErrorOf("limits:\n  burst: -1\n"),
            "b.yaml:2:10: limits.burst: out of range: -1 is not between 0 and 4294967295");
  EXPECT_EQ(ErrorOf("limits:\n  burst: 4294967296\n"),
            "b.yaml:2:10: limits.burst: out of range: 4294967296 is not between 0 and 4294967295");
  EXPECT_EQ(ErrorOf("pins: [{clock: a, rate_hz: 99999999999999999999}]\n"),
            "b.yaml:1:28: pins[0].rate_hz: out of range: 99999999999999999999 is not between "
            "-9223372036854775808 and 9223372036854775807");
  EXPECT_EQ(ErrorOf("vms:\n  - all: exclusiv\n"),
            "b.yaml:2:10: vms[0].all: expected one of none, get, vote, exclusive; got 'exclusiv'; "
            "did you mean 'exclusive'?");
  EXPECT_EQ(ErrorOf("vms:\n  - all: ACCESS_VOTE\n"),
            "b.yaml:2:10: vms[0].all: expected one of none, get, vote, exclusive; got "
            "'ACCESS_VOTE'");
  EXPECT_EQ(ErrorOf("log: {level: unspecified}\n"),
            "b.yaml:1:14: log.level: expected one of debug, info, warning, error; got "
            "'unspecified'");
  EXPECT_EQ(ErrorOf("runtime_dir: /a\nadmin: {}\nruntime_dir: /b\n"),
            "b.yaml:3:1: runtime_dir: written twice");
  EXPECT_EQ(ErrorOf("runtime_dir:\nadmin: {}\n"), "b.yaml:1:1: runtime_dir: has no value");
  EXPECT_EQ(ErrorOf("runtime_dir: [a]\n"),
            "b.yaml:1:14: runtime_dir: expected one value, got a list");
  EXPECT_EQ(ErrorOf("vms: a\n"),
            "b.yaml:1:6: vms: expected a list: '- ...' lines, or [one, two] on one line");
  EXPECT_EQ(ErrorOf("vms:\n  - name: x\n  -\n"), "b.yaml:2:3: vms[1]: has no value");
  EXPECT_EQ(ErrorOf("admin: [x]\n"),
            "b.yaml:1:8: admin: expected named fields ('name: value'), got a list");
  EXPECT_EQ(ErrorOf("limits: 5\n"), "b.yaml:1:9: limits: expected named fields ('name: value')");
  EXPECT_EQ(ErrorOf("- a\n"), "b.yaml:1:1: expected named fields ('name: value'), got a list");
  EXPECT_EQ(ErrorOf("runtime_dir: \"/a\\nb\"\n"),
            "b.yaml:1:14: runtime_dir: has a control character in it: '/a\\nb'");
}

TEST(YamlProtoTest, AllProblemsOfAFileAreTold) {
  EXPECT_EQ(ErrorOf("rntime_dir: x\nlimits: {burst: x, max_outstanding: y}\n"),
            "b.yaml:1:1: rntime_dir: no such field; did you mean 'runtime_dir'?\n"
            "b.yaml:2:17: limits.burst: expected a whole number, got 'x'\n"
            "b.yaml:2:37: limits.max_outstanding: expected a whole number, got 'y'");
  std::string many;
  for (int i = 0; i < 25; ++i) absl::StrAppend(&many, "zebra", i, ": 1\n");
  const std::string errors = ErrorOf(many);
  EXPECT_THAT(std::vector<std::string>(absl::StrSplit(errors, '\n')), SizeIs(kMaxYamlProblems + 1));
  EXPECT_THAT(errors, EndsWith("\n... and 5 more"));
}

TEST(YamlProtoTest, HostileTextIsEscapedInMessages) {
  const std::string error = ErrorOf("\"\\e[31mred\": 1\n");
  EXPECT_THAT(error, HasSubstr("\\x1b[31mred"));
  EXPECT_THAT(error, testing::Not(HasSubstr("\x1b")));
  EXPECT_THAT(ErrorOf("limits: {burst: " + std::string(5000, 'x') + "}"), SizeIs(testing::Le(150)));
}

TEST(YamlProtoTest, BooleansAreTrueAndFalse) {
  v1::ListVmsRequest unused;  // any message will do; this one shows that the schema doesn't matter
  EXPECT_FALSE(LoadYaml("zebra: yes\n", "b.yaml", &unused, nullptr).ok());
}

TEST(YamlProtoTest, RemembersWhereThingsWere) {
  v1::Config config;
  SourceMap sources;
  ASSERT_TRUE(LoadYaml("vms:\n  - name: a\n    devices:\n      - uarta\n      - device: vic\n"
                       "shared_resets: [x,\n  y]\n",
                       "b.yaml", &config, &sources)
                  .ok());
  const v1::VmConfig& vm = config.vms(0);
  EXPECT_EQ(core::ToString(sources.Of(vm.devices(0))), "b.yaml:4: ");
  EXPECT_EQ(sources.Of(vm.devices(1)).line, 5);
  EXPECT_EQ(sources.Prefix(vm, "name"), "b.yaml:2:5: ");
  EXPECT_EQ(sources.Prefix(vm, "mode"), "b.yaml:2:5: ") << "not set: the message's own place";
  EXPECT_EQ(sources.Prefix(config, "shared_resets", 1), "b.yaml:7:3: ");
  const v1::VmConfig elsewhere;
  EXPECT_EQ(sources.Prefix(elsewhere), "b.yaml: ");
  EXPECT_EQ(SourceMap().Prefix(elsewhere), "");
}

TEST(YamlProtoTest, AFileThatIsNotThere) {
  v1::Config config;
  const absl::Status status = LoadYamlFile("/nonexistent/b.yaml", &config, nullptr);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("can't read /nonexistent/b.yaml"));
  EXPECT_EQ(LoadYamlFile("/", &config, nullptr).message(), "/ is a directory; name a file in it");
}

TEST(EnumWordTest, DropsThePrefix) {
  EXPECT_EQ(EnumWord(*v1::Access_descriptor()->FindValueByNumber(v1::ACCESS_VOTE)), "vote");
  EXPECT_EQ(EnumWord(*v1::RatePolicy_descriptor()->FindValueByNumber(v1::RATE_POLICY_MAX)), "max");
  EXPECT_EQ(EnumWord(*v1::Access_descriptor()->FindValueByNumber(0)), "");
}

}  // namespace
}  // namespace bpmp::daemon
