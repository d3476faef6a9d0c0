// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_E2E_E2E_FIXTURE_H_
#define TESTS_E2E_E2E_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "broker/backend/sim/tegra_model.h"
#include "broker/core/resource.h"
#include "tests/e2e/linux_guest.h"
#include "tests/lib/temporary_directory.h"
#include "tests/lib/test_broker.h"

namespace bpmp::testing {

// How the guest reaches the broker: by the registers of nvidia-bpmp-guest, with our guest proxy, or
// by nvidia-bpmp-mailbox, with Linux' own driver.
enum class FrontEnd { kWindow, kMailbox };

// A pair of versions, as tests/run.sh names them: "6_1_on_7_2" is Linux 6.1 in QEMU 7.2, and
// "6_1_STOCK" is Linux 6.1 without any change.
struct Versions {
  const char* linux;
  const char* qemu;
  FrontEnd front_end = FrontEnd::kWindow;
};
std::string NameOf(const Versions& versions);
// The last argument of INSTANTIATE_TEST_SUITE_P.
inline std::string NameOfTest(const ::testing::TestParamInfo<Versions>& info) {
  return NameOf(info.param);
}
// Each version once with each front end, and the debug kernels.
inline constexpr Versions kWindowPairs[] = {{"6_1", "7_2"}, {"6_12", "10_0"}};
inline constexpr Versions kPairs[] = {{"6_1", "7_2"},
                                      {"6_12", "10_0"},
                                      {"6_1_STOCK", "7_2", FrontEnd::kMailbox},
                                      {"6_12_STOCK", "10_0", FrontEnd::kMailbox}};
inline constexpr Versions kDebug[] = {{"6_1_DEBUG", "7_2"}, {"6_12_DEBUG", "10_0"}};
std::ostream& operator<<(std::ostream& out, const Versions& versions);

// The devices that most tests pass through, and what a consumer is given of the first: positions in
// these lists are what it is told.
inline constexpr uint32_t kUartaClock = 155;
inline constexpr uint32_t kUartaReset = 100;
inline constexpr uint32_t kVicClock = 167;
inline constexpr uint32_t kVicDomain = 29;
inline constexpr char kUartaNode[] =
    "clocks = <&{/bpmp} 155>, <&{/bpmp} 102>, <&{/bpmp} 14>; resets = <&{/bpmp} 100>;";

// A broker inside the test, on the simulated board, and guests with Linux.
//
// Each time that a guest ends, and at the end of each test, the hardware is what the living VMs
// hold (model_check.h), or the test fails; and so it does where the kernel of a guest that still
// runs at its end complains.
class E2eTest : public ::testing::TestWithParam<Versions> {
 protected:
  // `config` as TestBroker takes it.
  explicit E2eTest(const std::string& config) : E2eTest(config, TestBroker::Options()) {}
  E2eTest(const std::string& config, const TestBroker::Options& options);
  // Skips where the environment doesn't say where the emulator and the kernel are.
  void SetUp() override;
  void TearDown() override { ExpectModelIsHeld(); }

  static bool HasMailbox() { return GetParam().front_end == FrontEnd::kMailbox; }
  // What Linux' drivers make of a request that nobody answers. The mailbox knows no errors but the
  // firmware's, and they have one word for all of these.
  static int Unanswered() { return HasMailbox() ? -22 : -110; }

  // As many CPUs as a guest may have that talks a lot: Linux' own drivers lose a channel of the
  // mailbox when two CPUs ring at once (docs/linux-guests.md).
  static int Cpus() { return HasMailbox() ? 1 : 2; }

  // What guest of a VM there would be.
  GuestMachine Machine(const std::string& vm, const std::string& more = "") const;
  GuestMachine MachineOn(const std::string& socket, const std::string& more = "") const;
  // The same, with a test consumer in its device tree, which is of the machine as it is now:
  // `resources` are the properties `clocks`, `resets` and `power-domains` in dtc's syntax.
  GuestMachine WithConsumer(GuestMachine machine, const std::string& resources);
  // Starts it, and doesn't wait.
  std::unique_ptr<LinuxGuest> Start(const GuestMachine& machine);
  // Boots it. Null, and the test has failed, if it doesn't come up.
  std::unique_ptr<LinuxGuest> Boot(const GuestMachine& machine);
  // Boots it, and has the consumer's driver.
  std::unique_ptr<LinuxGuest> BootConsumer(const GuestMachine& machine);

  // --- The hardware's truth ---
  bool ClockOn(uint32_t clock);
  bool DomainOn(uint32_t domain);
  int64_t Rate(uint32_t clock);
  bool ResetAsserted(uint32_t reset);
  // How many requests that change something have reached the hardware.
  uint64_t Edges();

  // Whether the hardware is what the living VMs hold. Every test ends with it by itself.
  void ExpectModelIsHeld();

  TestBroker broker_;

 private:
  const backend::sim::TegraModel start_;  // the hardware before the first guest
  const TemporaryDirectory directory_;
  int trees_ = 0;
};

// What a guest's consumer answers: 0 or a negative errno.
int Consumer(LinuxGuest* guest, const std::string& file, const std::string& text);

// Asks the same until it is done, however often it fails meanwhile. Fails the test when the guest
// ends before.
void UntilConsumerCan(LinuxGuest* guest, const std::string& file, const std::string& text);

// Each line of the kernel's log that no healthy kernel writes.
std::vector<std::string> Complaints(const std::string& log);

}  // namespace bpmp::testing

#endif  // TESTS_E2E_E2E_FIXTURE_H_
