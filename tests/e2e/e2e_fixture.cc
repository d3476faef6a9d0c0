// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/e2e_fixture.h"

#include <gmock/gmock.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "tests/e2e/model_check.h"

namespace bpmp::testing {
namespace {

// The value of BPMP_<kind>_<version>, or "".
std::string Given(const std::string& kind, const std::string& version) {
  const char* const value = std::getenv(absl::StrCat("BPMP_", kind, "_", version).c_str());
  return value == nullptr ? "" : value;
}

std::string AskConsumer(LinuxGuest* guest, const std::string& file, const std::string& text) {
  constexpr char kFolder[] = "/sys/bus/platform/devices/consumer/";
  return guest->Run(absl::StrCat("echo ", text, " > ", kFolder, file, "; cat ", kFolder, "result"));
}

}  // namespace

std::string NameOf(const Versions& versions) {
  return absl::StrCat(versions.linux,
                      versions.front_end == FrontEnd::kMailbox ? "_mailbox_on_" : "_on_",
                      versions.qemu);
}

std::ostream& operator<<(std::ostream& out, const Versions& versions) {
  return out << NameOf(versions);
}

E2eTest::E2eTest(const std::string& config, const TestBroker::Options& options)
    : broker_(config, options),
      start_(broker_.sim().WithModel([](const auto& model) { return model; })) {}

void E2eTest::SetUp() {
  const Versions versions = GetParam();
  if (Given("QEMU", versions.qemu).empty() || Given("KERNEL", versions.linux).empty()) {
    GTEST_SKIP() << "BPMP_QEMU_" << versions.qemu << " and BPMP_KERNEL_" << versions.linux
                 << " don't say where these are; tests/run.sh -L e2e builds them";
  }
}

GuestMachine E2eTest::Machine(const std::string& vm, const std::string& more) const {
  return MachineOn(broker_.socket(vm), more);
}

GuestMachine E2eTest::MachineOn(const std::string& socket, const std::string& more) const {
  const std::string kernel = Given("KERNEL", GetParam().linux);
  GuestMachine machine;
  machine.qemu = Given("QEMU", GetParam().qemu);
  machine.kernel = kernel + "/arch/arm64/boot/Image";
  machine.initramfs = kernel + "/bpmp-initramfs.gz";
  machine.device = absl::StrCat(HasMailbox() ? "nvidia-bpmp-mailbox" : "nvidia-bpmp-guest",
                                ",broker=unix:", socket, more);
  return machine;
}

GuestMachine E2eTest::WithConsumer(GuestMachine machine, const std::string& resources) {
  const std::string directory = absl::StrCat(directory_.path(), "/", ++trees_);
  std::filesystem::create_directory(directory);
  machine.device_tree = MakeDeviceTree(
      machine,
      absl::StrCat("consumer { compatible = \"bpmp-broker,test-consumer\"; ", resources, " };"),
      directory);
  return machine;
}

std::unique_ptr<LinuxGuest> E2eTest::Start(const GuestMachine& machine) {
  auto guest = std::make_unique<LinuxGuest>(machine);
  LinuxGuest* const ends = guest.get();
  guest->BeforeEnd([this, ends] {
    // Of one that has ended already there is none.
    EXPECT_THAT(Complaints(ends->KernelLog()), ::testing::IsEmpty());
    ExpectModelIsHeld();
  });
  return guest;
}

std::unique_ptr<LinuxGuest> E2eTest::Boot(const GuestMachine& machine) {
  auto guest = Start(machine);
  if (guest->Ready()) return guest;
  ADD_FAILURE() << "the guest doesn't come up: " << guest->Console() << guest->qemu().Output();
  return nullptr;
}

std::unique_ptr<LinuxGuest> E2eTest::BootConsumer(const GuestMachine& machine) {
  auto guest = Boot(machine);
  if (guest != nullptr) guest->Run("insmod /lib/bpmp-consumer.ko");
  return guest;
}

void E2eTest::ExpectModelIsHeld() {
  EXPECT_THAT(ModelComplaints(&broker_, start_, {}), ::testing::IsEmpty());
}

bool E2eTest::ClockOn(uint32_t clock) {
  return broker_.sim().WithModel([&](auto& model) { return model.IsRunning(ClockId(clock)); });
}

bool E2eTest::DomainOn(uint32_t domain) {
  return broker_.sim().WithModel([&](auto& model) { return model.DomainOn(DomainId(domain)); });
}

int64_t E2eTest::Rate(uint32_t clock) {
  return broker_.sim().WithModel([&](auto& model) { return model.Rate(ClockId(clock)); });
}

bool E2eTest::ResetAsserted(uint32_t reset) {
  return broker_.sim().WithModel([&](auto& model) { return model.ResetAsserted(ResetId(reset)); });
}

uint64_t E2eTest::Edges() {
  return broker_.sim().WithModel([](auto& model) { return model.counters().Total(); });
}

int Consumer(LinuxGuest* guest, const std::string& file, const std::string& text) {
  const std::string answer = AskConsumer(guest, file, text);
  int result = 0;
  if (absl::SimpleAtoi(answer, &result)) return result;
  ADD_FAILURE() << file << " " << text << ": " << answer;
  return -1;
}

void UntilConsumerCan(LinuxGuest* guest, const std::string& file, const std::string& text) {
  while (AskConsumer(guest, file, text) != "0") {
    ASSERT_NE(guest->status(), -1) << "the guest has ended";
  }
}

std::vector<std::string> Complaints(const std::string& log) {
  constexpr std::array<absl::string_view, 8> kBad = {"WARNING:",    "BUG:",           "Oops",
                                                     "Call trace",  "INFO: possible", "KASAN",
                                                     "refcount_t:", "unbalanced"};
  std::vector<std::string> found;
  for (const absl::string_view line : absl::StrSplit(log, '\n')) {
    for (const absl::string_view bad : kBad) {
      if (absl::StrContains(line, bad)) found.emplace_back(line);
    }
  }
  return found;
}

}  // namespace bpmp::testing
