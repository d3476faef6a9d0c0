// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/host_fixture.h"

#include <gmock/gmock.h>

#include "absl/strings/match.h"

namespace bpmp::testing {

using ::testing::ContainsRegex;

bool HostFixture::BuiltIn() { return absl::StrContains(GetParam().linux, "DEBUG"); }

std::unique_ptr<LinuxGuest> HostFixture::BootMachine(const std::string& nodes,
                                                     const std::string& more) {
  GuestMachine bare = Machine("stands-for-host", more);
  bare.cpus = Cpus();
  bare.memory_mib = 512;
  auto host = BootConsumer(WithConsumer(bare, nodes));
  if (host != nullptr && BuiltIn()) {
    const std::string log = host->KernelLog();
    EXPECT_THAT(log, ContainsRegex("tegra-bpmp-host-decode: pass:3 fail:0 skip:0 total:3"));
    EXPECT_THAT(log, ContainsRegex("tegra-bpmp-host-policy: pass:5 fail:0 skip:0 total:5"));
    EXPECT_THAT(log, ContainsRegex("tegra-bpmp-host-tree: pass:2 fail:0 skip:0 total:2"));
  }
  return host;
}

bool HostFixture::LoadProxy(LinuxGuest* host) {
  if (BuiltIn()) return true;
  host->Run("insmod /lib/bpmp-host-proxy.ko");
  EXPECT_EQ(host->status(), 0) << host->KernelLog();
  return host->status() == 0;
}

}  // namespace bpmp::testing
