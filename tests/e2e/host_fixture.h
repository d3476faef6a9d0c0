// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_E2E_HOST_FIXTURE_H_
#define TESTS_E2E_HOST_FIXTURE_H_

#include <memory>
#include <string>

#include "tests/e2e/e2e_fixture.h"

namespace bpmp::testing {

// A machine that stands for the host: its BPMP is the simulated one, reached by the guest proxy,
// and our host proxy is loaded on top.
class HostFixture : public E2eTest {
 protected:
  HostFixture() : E2eTest(R"(vms { name: "stands-for-host" all: ACCESS_EXCLUSIVE })") {}

  // The debug kernels have the host proxy built in, and KUnit.
  static bool BuiltIn();

  // Boots it with what `nodes` adds to the node of the host's own consumer, which they end, and
  // beside it: its last node is ended here. Not with the host proxy yet, unless that is built in.
  // `more` is of the emulator's device.
  std::unique_ptr<LinuxGuest> BootMachine(const std::string& nodes, const std::string& more = "");
  // Loads the host proxy, unless it is built in; false, and the test has failed, if that fails.
  static bool LoadProxy(LinuxGuest* host);
};

}  // namespace bpmp::testing

#endif  // TESTS_E2E_HOST_FIXTURE_H_
