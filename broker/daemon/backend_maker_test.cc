// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/backend_maker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "broker/daemon/options.h"

namespace bpmp::daemon {
namespace {

using ::testing::HasSubstr;

v1::BackendConfig Kernel(const std::string& device) {
  v1::BackendConfig config;
  config.set_kind(v1::BackendConfig::KERNEL);
  config.mutable_kernel()->set_device(device);
  return config;
}

TEST(BackendMakerTest, TheSimulatorNeedsNothing) {
  v1::BackendConfig config;
  config.set_kind(v1::BackendConfig::SIM);
  const auto made = MakeBackend(config, SourceMap());
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->kind, "sim");
  EXPECT_EQ(made->kernel, nullptr);
  EXPECT_TRUE(TakeOver(*made).ok());
}

TEST(BackendMakerTest, WithoutTheDeviceItSaysWhatToDo) {
  const absl::Status status = MakeBackend(Kernel("/dev/no-such-bpmp"), SourceMap()).status();
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("can't open /dev/no-such-bpmp (ENOENT, No such file or directory): load "
                        "the host's module bpmp-host-proxy"));
  // Not the configuration's fault, so that a service manager tries again.
  EXPECT_EQ(ExitFor(status), Exit::kFailed);
}

TEST(BackendMakerTest, AnotherDeviceIsNotTakenForAHostProxy) {
  const absl::Status status = MakeBackend(Kernel("/dev/null"), SourceMap()).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("is it the BPMP's host proxy?"));
}

}  // namespace
}  // namespace bpmp::daemon
