// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/backend_maker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <variant>

#include "broker/daemon/options.h"
#include "broker/trace/reader.h"
#include "broker/trace/trace_in_test.h"

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

class BackendMakerTraceTest : public ::testing::Test {
 protected:
  BackendMakerTraceTest() {
    std::string name = "/tmp/bpmp-maker-XXXXXX";
    directory_ = mkdtemp(name.data());
  }
  ~BackendMakerTraceTest() override { std::filesystem::remove_all(directory_); }

  std::string Write(const std::string& name, const std::string& bytes) {
    std::ofstream(directory_ + "/" + name) << bytes;
    return directory_ + "/" + name;
  }

  std::string directory_;
};

TEST_F(BackendMakerTraceTest, NothingIsWrittenBeforeTheBrokerTakesOver) {
  v1::BackendConfig config;
  config.set_kind(v1::BackendConfig::SIM);
  const std::string file = directory_ + "/run.trace";
  config.mutable_record()->set_file(file);
  config.mutable_record()->set_max_mib(1);
  {
    const auto made = MakeBackend(config, SourceMap());
    ASSERT_TRUE(made.ok()) << made.status();
    EXPECT_TRUE(made->owned->Transfer(mrq::PingRequest{}, absl::InfiniteFuture()).ok());
    EXPECT_FALSE(std::filesystem::exists(file));
    EXPECT_TRUE(TakeOver(*made).ok());
  }
  auto reader = trace::Reader::Open(file);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(reader->start().backend, "sim");
  EXPECT_FALSE(reader->start().host_counts_apart);
  const auto record = reader->Next();
  ASSERT_TRUE(record.ok() && *record);
  EXPECT_EQ(trace::Describe(std::get<trace::Transfer>(**record)), "PING 0");
}

TEST_F(BackendMakerTraceTest, AReplayIsWhatItWasRecordedAs) {
  trace::Start start = trace::StartInTest();
  start.host_counts_apart = true;
  std::string bytes(trace::kMagic);
  trace::Encode(start, &bytes);
  v1::BackendConfig config;
  config.set_kind(v1::BackendConfig::SIM);
  config.mutable_sim()->set_trace(Write("run.trace", bytes));
  const auto made = MakeBackend(config, SourceMap());
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->kind, "sim");
  EXPECT_TRUE(made->host_counts_apart);
  EXPECT_FALSE(made->owned->Transfer(mrq::PingRequest{}, absl::InfiniteFuture()).ok());
}

TEST_F(BackendMakerTraceTest, WhatIsNoTraceIsTheConfigurationsFault) {
  v1::BackendConfig config;
  config.set_kind(v1::BackendConfig::SIM);
  config.mutable_sim()->set_trace(Write("run.trace", "hello"));
  const absl::Status status = MakeBackend(config, SourceMap()).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("is no trace of a bpmp-broker"));
  EXPECT_EQ(ExitFor(status), Exit::kConfig);
}

}  // namespace
}  // namespace bpmp::daemon
