// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/inventory_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_join.h"
#include "broker/backend/sim/sim_backend.h"
#include "broker/base/fake_clock.h"
#include "broker/mrq/codec.h"

namespace bpmp::backend {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A firmware with one answer changed: `twist` returns nullopt for what it leaves to the simulator.
class TwistedBackend : public core::Backend {
 public:
  using Twist =
      std::function<std::optional<absl::StatusOr<mrq::Response>>(const mrq::Request& request)>;
  explicit TwistedBackend(Twist twist) : twist_(std::move(twist)) {}

  absl::StatusOr<mrq::Response> Transfer(const mrq::Request& request,
                                         absl::Time deadline) override {
    ++calls;
    if (auto answer = twist_(request)) return *answer;
    return sim_.Transfer(request, deadline);
  }

  int calls = 0;

 private:
  const Twist twist_;
  sim::SimBackend sim_;
};

bool Is(const mrq::Request& request, mrq::ClkCmd cmd, uint32_t id = 0) {
  const auto* clk = std::get_if<mrq::ClkRequest>(&request);
  return clk != nullptr && clk->cmd == cmd && (id == 0 || clk->clock == ClockId(id));
}

bool Is(const mrq::Request& request, mrq::PgCmd cmd, uint32_t id = 0) {
  const auto* pg = std::get_if<mrq::PgRequest>(&request);
  return pg != nullptr && pg->cmd == cmd && (id == 0 || pg->domain == DomainId(id));
}

struct Result {
  absl::StatusOr<core::Inventory> inventory;
  std::vector<std::string> notes;
};

Result Read(core::Backend* backend, uint32_t default_max_reset = 0) {
  FakeClock clock;
  InventoryReaderOptions options;
  options.default_max_reset_id = default_max_reset;
  Result result{absl::UnknownError("not read"), {}};
  result.inventory = ReadInventory(backend, clock, options, &result.notes);
  return result;
}

TEST(InventoryReaderTest, ReadsTheWholeSimulatorAndNothingElse) {
  sim::SimBackend sim;
  const Result result = Read(&sim);
  ASSERT_TRUE(result.inventory.ok()) << result.inventory.status();
  EXPECT_THAT(result.notes, IsEmpty()) << absl::StrJoin(result.notes, "\n");
  const core::Inventory& inventory = *result.inventory;
  EXPECT_FALSE(inventory.fw_tag.empty());
  EXPECT_EQ(inventory.clocks.size(), 477u);
  EXPECT_EQ(inventory.domains.size(), 37u);
  EXPECT_EQ(inventory.max_reset_id, 173u);
  int clocks = 0;
  for (const core::ClockInfo& clock : inventory.clocks) clocks += clock.exists() ? 1 : 0;
  EXPECT_EQ(clocks, 435);
  EXPECT_EQ(inventory.Find(ClockId(0)), nullptr);
  const core::ClockInfo* uarta = inventory.Find(ClockId(155));
  ASSERT_NE(uarta, nullptr);
  EXPECT_EQ(uarta->name, "uarta");
  sim.WithModel([&](const sim::TegraModel& model) {
    EXPECT_EQ(uarta->rate_hz, model.Rate(ClockId(155)));
    EXPECT_EQ(uarta->parent, model.Parent(ClockId(155)));
    EXPECT_EQ(model.counters().Total(), 0u) << "reading changes nothing";
    for (uint32_t id = 0; id < inventory.clocks.size(); ++id) {
      EXPECT_EQ(inventory.clocks[id].found_on, model.IsEnabled(ClockId(id))) << id;
    }
    for (uint32_t id = 0; id < inventory.domains.size(); ++id) {
      EXPECT_EQ(inventory.domains[id].found_on, model.DomainOn(DomainId(id))) << id;
    }
  });
  EXPECT_EQ(inventory.Find(DomainId(18))->name, "mgbeb");
  const core::ClockInfo* osc = inventory.Find(ClockId(91));
  ASSERT_NE(osc, nullptr);
  EXPECT_FALSE(osc->parent.has_value()) << "a root";
}

TEST(InventoryReaderTest, WhatIsRefusedIsAHole) {
  TwistedBackend backend(
      [](const mrq::Request& request) -> std::optional<absl::StatusOr<mrq::Response>> {
        if (Is(request, mrq::ClkCmd::kGetAllInfo, 155)) return mrq::Fail(mrq::Error::kInval);
        if (Is(request, mrq::PgCmd::kGetName, 18)) return mrq::Fail(mrq::Error::kInval);
        return std::nullopt;
      });
  const Result result = Read(&backend);
  ASSERT_TRUE(result.inventory.ok());
  EXPECT_EQ(result.inventory->Find(ClockId(155)), nullptr);
  EXPECT_EQ(result.inventory->Find(DomainId(18)), nullptr);
}

TEST(InventoryReaderTest, WhatDoesntTellItsStateIsKept) {
  TwistedBackend backend(
      [](const mrq::Request& request) -> std::optional<absl::StatusOr<mrq::Response>> {
        if (Is(request, mrq::ClkCmd::kIsEnabled, 155)) return mrq::Fail(mrq::Error::kIo);
        if (Is(request, mrq::ClkCmd::kGetRate, 155)) return mrq::Fail(mrq::Error::kIo);
        if (Is(request, mrq::PgCmd::kGetState, 18)) return mrq::Ok();
        return std::nullopt;
      });
  const Result result = Read(&backend);
  ASSERT_TRUE(result.inventory.ok());
  EXPECT_TRUE(result.inventory->Find(ClockId(155))->found_on);
  EXPECT_EQ(result.inventory->Find(ClockId(155))->rate_hz, 0);
  EXPECT_TRUE(result.inventory->Find(DomainId(18))->found_on);
  EXPECT_THAT(result.notes,
              ElementsAre("clock uarta doesn't tell its rate; 0 is assumed",
                          "clock uarta doesn't tell whether it is on; it is kept as it is",
                          "power domain mgbeb doesn't tell whether it is on; it is kept as it is"));
}

TEST(InventoryReaderTest, AFirmwareNeedNotKnowItsHighestReset) {
  TwistedBackend backend(
      [](const mrq::Request& request) -> std::optional<absl::StatusOr<mrq::Response>> {
        if (std::holds_alternative<mrq::ResetRequest>(request)) {
          return mrq::Fail(mrq::Error::kNotSup);
        }
        if (std::holds_alternative<mrq::QueryFwTagRequest>(request)) {
          return mrq::Fail(mrq::Error::kNoDev);
        }
        return std::nullopt;
      });
  const Result result = Read(&backend, 99);
  ASSERT_TRUE(result.inventory.ok());
  EXPECT_EQ(result.inventory->max_reset_id, 99u);
  EXPECT_EQ(result.inventory->fw_tag, "");
  EXPECT_THAT(result.notes,
              ElementsAre("the firmware has no tag: ENODEV",
                          "the firmware doesn't tell its highest reset id; 99 is assumed"));
}

TEST(InventoryReaderTest, AbsurdMaximaAreCut) {
  TwistedBackend backend(
      [](const mrq::Request& request) -> std::optional<absl::StatusOr<mrq::Response>> {
        if (Is(request, mrq::ClkCmd::kGetMaxClkId)) return mrq::OkU32(0xffff'ffff);
        if (Is(request, mrq::PgCmd::kGetMaxId)) return mrq::OkU32(0xffff'ffff);
        return std::nullopt;
      });
  const Result result = Read(&backend);
  ASSERT_TRUE(result.inventory.ok());
  EXPECT_LE(result.inventory->clocks.size(), core::kMaxClockId + 1u);
  EXPECT_LE(result.inventory->domains.size(), core::kMaxDomainId + 1u);
  EXPECT_THAT(absl::StrJoin(result.notes, "\n"), HasSubstr("is 4294967295; the broker uses ids"));
}

TEST(InventoryReaderTest, AFirmwareWithoutClocksIsRefused) {
  TwistedBackend backend(
      [](const mrq::Request& request) -> std::optional<absl::StatusOr<mrq::Response>> {
        if (Is(request, mrq::ClkCmd::kGetMaxClkId)) return mrq::Fail(mrq::Error::kNoDev);
        return std::nullopt;
      });
  const absl::Status status = Read(&backend).inventory.status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("GET_MAX_CLK_ID"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("ENODEV"));
}

TEST(InventoryReaderTest, AsksAgainAndThenGivesUp) {
  int failures = 2;
  TwistedBackend flaky(
      [&](const mrq::Request& request) -> std::optional<absl::StatusOr<mrq::Response>> {
        if (Is(request, mrq::ClkCmd::kGetRate, 155) && failures-- > 0) {
          return absl::StatusOr<mrq::Response>(absl::DeadlineExceededError("no answer"));
        }
        return std::nullopt;
      });
  EXPECT_TRUE(Read(&flaky).inventory.ok());
  TwistedBackend dead([](const mrq::Request&) -> std::optional<absl::StatusOr<mrq::Response>> {
    return absl::StatusOr<mrq::Response>(absl::UnavailableError("no such device"));
  });
  const absl::Status status = Read(&dead).inventory.status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no such device"));
  EXPECT_EQ(dead.calls, 3);
}

TEST(InventoryReaderTest, IsBoundedInTime) {
  FakeClock clock;
  TwistedBackend slow([&](const mrq::Request&) -> std::optional<absl::StatusOr<mrq::Response>> {
    clock.Advance(absl::Seconds(1));
    return std::nullopt;
  });
  const absl::Status status = ReadInventory(&slow, clock, {}, nullptr).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(status.message()), HasSubstr("too slow"));
  EXPECT_EQ(slow.calls, 60);
}

}  // namespace
}  // namespace bpmp::backend
