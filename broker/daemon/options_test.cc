// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/options.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace bpmp::daemon {
namespace {

std::optional<Exit> Parse(std::vector<std::string> arguments, Options* options) {
  arguments.insert(arguments.begin(), "bpmp-broker");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  return ParseCommandLine(static_cast<int>(argv.size()), argv.data(), options);
}

TEST(OptionsTest, AreReadFromTheCommandLine) {
  Options options;
  EXPECT_EQ(Parse({"--config", "b.yaml", "--check", "--sim"}, &options), std::nullopt);
  EXPECT_EQ(options.config_file, "b.yaml");
  EXPECT_TRUE(options.check && options.sim);
}

TEST(OptionsTest, WithoutAConfigurationThereAreDefaults) {
  Options options;
  EXPECT_EQ(Parse({}, &options), std::nullopt);
  EXPECT_EQ(options.config_file, "");
}

TEST(OptionsTest, AnEmptyNameIsNoConfiguration) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"--config", ""}, {"--config="}, {"-c", ""}}) {
    Options options;
    EXPECT_EQ(Parse(arguments, &options), Exit::kUsage) << arguments[0];
  }
}

}  // namespace
}  // namespace bpmp::daemon
