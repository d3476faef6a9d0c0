// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_QEMU_QEMU_FIXTURE_H_
#define TESTS_QEMU_QEMU_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/lib/test_broker.h"
#include "tests/qemu/qemu_process.h"
#include "tests/qemu/window.h"

namespace bpmp::testing {

inline constexpr char kTwoVms[] = R"(
  vms { name: "a" devices { device: "uarta" } }
  vms { name: "b" devices { device: "vic" } }
)";

// A broker inside the test, and emulators of the version that the parameter names (QemuPath).
class QemuTest : public ::testing::TestWithParam<std::string> {
 protected:
  // `config` as TestBroker takes it.
  explicit QemuTest(const std::string& config = kTwoVms) : broker_(config) {}

  void SetUp() override {
    path_ = QemuPath(GetParam());
    if (path_.empty()) {
      GTEST_SKIP() << "BPMP_QEMU_" << GetParam()
                   << " doesn't say where that QEMU is; tests/run.sh -L qemu builds it";
    }
  }

  std::string Device(const std::string& vm, const std::string& more = "") const {
    return absl::StrCat("nvidia-bpmp-guest,broker=unix:", broker_.socket(vm), more);
  }
  std::string MailboxDevice(const std::string& vm, const std::string& more = "") const {
    return absl::StrCat("nvidia-bpmp-mailbox,broker=unix:", broker_.socket(vm), more);
  }
  // A machine whose CPUs don't run, with the device of a VM.
  std::unique_ptr<QemuProcess> Start(const std::string& vm, const std::string& more = "") {
    return StartWith({"-device", Device(vm, more)});
  }
  std::unique_ptr<QemuProcess> StartWith(const std::vector<std::string>& arguments,
                                         const std::string& accelerator = "qtest") {
    return std::make_unique<QemuProcess>(path_, accelerator, arguments);
  }
  uint64_t Requests(const std::string& vm) {
    const auto session = broker_.sessions().Find(broker_.vm(vm));
    return session.has_value() ? session->requests : 0;
  }
  void AddFault(const std::string& text) {
    broker_.sim().AddFault(*backend::sim::ParseFault(text));
  }

  std::string path_;
  TestBroker broker_;
};

// A seed for what a hostile guest does, the same for everybody who tests a commit (tests/run.sh),
// and printed.
uint64_t FuzzSeed();

// The versions that users have; the names of ctest's tests have no dots.
#define BPMP_FOR_EACH_QEMU(fixture)                                         \
  INSTANTIATE_TEST_SUITE_P(Qemu, fixture, ::testing::Values("7_2", "10_0"), \
                           [](const auto& version) { return version.param; })

// The one with ASan and UBSan, for what a hostile guest may do.
#define BPMP_SANITIZED_QEMU(fixture)                                                \
  INSTANTIATE_TEST_SUITE_P(Sanitized, fixture, ::testing::Values("10_0_SANITIZED"), \
                           [](const auto& version) { return version.param; })

}  // namespace bpmp::testing

#endif  // TESTS_QEMU_QEMU_FIXTURE_H_
