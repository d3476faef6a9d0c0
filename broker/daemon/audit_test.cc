// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/base/fake_clock.h"
#include "broker/core/event.h"
#include "broker/mrq/types.h"

namespace bpmp::daemon {
namespace {

using core::EventKind;
using core::Reason;
using service::EventLog;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

EventLog::Record Denied(uint32_t vm, mrq::ClkCmd command, Reason reason = Reason::kNotPermitted) {
  EventLog::Record record;
  record.from_core = true;
  record.kind = core::EventKindName(EventKind::kDenied);
  record.event.kind = EventKind::kDenied;
  record.event.vm = VmId(vm);
  record.event.mrq = static_cast<uint32_t>(mrq::Mrq::kClk);
  record.event.cmd = static_cast<uint32_t>(command);
  record.event.reason = reason;
  return record;
}

EventLog::Record OfCore(EventKind kind) {
  EventLog::Record record;
  record.from_core = true;
  record.kind = core::EventKindName(kind);
  record.event.kind = kind;
  return record;
}

EventLog::Record OfServices(std::string_view kind) {
  EventLog::Record record;
  record.kind = kind;
  return record;
}

class AuditFolderTest : public testing::Test {
 protected:
  void Add(const EventLog::Record& record, const std::string& text,
           const std::string& resource = "") {
    service::RenderedEvent shown;
    shown.text = text;
    shown.names.resource = resource;
    folder_.Add(record, shown);
  }

  std::vector<std::string> Lines() { return std::exchange(lines_, {}); }

  FakeClock clock_;
  std::vector<std::string> lines_;
  AuditFolder folder_{&clock_, absl::Seconds(10),
                      [this](spdlog::level::level_enum level, const std::string& line) {
                        lines_.push_back(absl::StrCat(level == spdlog::level::warn    ? "W "
                                                      : level == spdlog::level::debug ? "D "
                                                                                      : "I ",
                                                      line));
                      }};
};

TEST_F(AuditFolderTest, EqualDenialsAreOneLineAWindow) {
  for (int i = 0; i < 5; ++i) Add(Denied(1, mrq::ClkCmd::kEnable), "net was refused", "osc");
  EXPECT_THAT(Lines(), ElementsAre("W net was refused"));
  clock_.Advance(absl::Seconds(9));
  Add(Denied(1, mrq::ClkCmd::kEnable), "net was refused", "osc");
  EXPECT_THAT(Lines(), IsEmpty());
  clock_.Advance(absl::Seconds(1));
  folder_.Flush();
  EXPECT_THAT(Lines(), ElementsAre("W net was refused (5 more within 10s)"));
  // It goes on: still one line a window.
  Add(Denied(1, mrq::ClkCmd::kEnable), "net was refused", "osc");
  EXPECT_THAT(Lines(), IsEmpty());
  clock_.Advance(absl::Seconds(10));
  folder_.Flush();
  EXPECT_THAT(Lines(), ElementsAre("W net was refused (1 more within 10s)"));
  // It stopped for a window: the next one is news.
  clock_.Advance(absl::Seconds(10));
  folder_.Flush();
  EXPECT_THAT(Lines(), IsEmpty());
  Add(Denied(1, mrq::ClkCmd::kEnable), "net was refused", "osc");
  EXPECT_THAT(Lines(), ElementsAre("W net was refused"));
}

TEST_F(AuditFolderTest, FoldsByVmRequestAndReason) {
  Add(Denied(1, mrq::ClkCmd::kEnable), "a");
  Add(Denied(2, mrq::ClkCmd::kEnable), "other vm");
  Add(Denied(1, mrq::ClkCmd::kSetRate), "other request");
  Add(Denied(1, mrq::ClkCmd::kEnable, Reason::kUnknownId), "other reason");
  EXPECT_THAT(Lines(), ElementsAre("W a", "W other vm", "D other request", "W other reason"));
}

TEST_F(AuditFolderTest, ASummaryNamesAFewOtherResources) {
  for (const char* name : {"a", "b", "a", "c", "b", "d", "e", "f", "g"}) {
    Add(Denied(1, mrq::ClkCmd::kEnable), "refused a", name);
  }
  Lines();
  folder_.Flush(/*all=*/true);
  EXPECT_THAT(Lines(), ElementsAre("W refused a (8 more within 10s, also of b, c, d, e, f, ...)"));
  folder_.Flush(/*all=*/true);
  EXPECT_THAT(Lines(), IsEmpty());
}

TEST_F(AuditFolderTest, LivesAreNeverFolded) {
  Add(OfCore(EventKind::kReleased), "released");
  Add(OfCore(EventKind::kReleased), "released");
  Add(OfServices(service::event_kind::kSessionOpened), "opened");
  EXPECT_THAT(Lines(), ElementsAre("I released", "I released", "I opened"));
  EXPECT_EQ(folder_.NextDue(), absl::InfiniteFuture());
}

TEST_F(AuditFolderTest, SaysWhenItWantsToBeCalled) {
  Add(Denied(1, mrq::ClkCmd::kEnable), "a");
  EXPECT_EQ(folder_.NextDue(), clock_.Now() + absl::Seconds(10));
}

TEST_F(AuditFolderTest, AWindowOfZeroFoldsNothing) {
  AuditFolder folder(
      &clock_, absl::ZeroDuration(),
      [this](spdlog::level::level_enum, const std::string& line) { lines_.push_back(line); });
  folder.Add(Denied(1, mrq::ClkCmd::kEnable), {{}, "a"});
  folder.Add(Denied(1, mrq::ClkCmd::kEnable), {{}, "a"});
  EXPECT_THAT(Lines(), ElementsAre("a", "a"));
}

// --- What is worth a line -----------------------------------------------------------------------

TEST(AuditRuleTest, DenialsThatGuestsShrugOffAreForDebugging) {
  EXPECT_EQ(RuleFor(Denied(1, mrq::ClkCmd::kEnable)).level, spdlog::level::warn);
  EXPECT_EQ(RuleFor(Denied(1, mrq::ClkCmd::kSetRate)).level, spdlog::level::debug);
  EXPECT_EQ(RuleFor(Denied(1, mrq::ClkCmd::kSetParent)).level, spdlog::level::debug);
  EventLog::Record record = Denied(1, mrq::ClkCmd::kEnable, Reason::kNotForwarded);
  record.event.mrq = 75;  // DEBUG, which a guest's debugfs probes
  record.event.cmd = 0;
  EXPECT_EQ(RuleFor(record).level, spdlog::level::debug);
  record.event.mrq = static_cast<uint32_t>(mrq::Mrq::kReset);
  EXPECT_EQ(RuleFor(record).level, spdlog::level::warn);
  record.event.mrq = static_cast<uint32_t>(mrq::Mrq::kPg);
  record.event.cmd = static_cast<uint32_t>(mrq::PgCmd::kSetState);
  EXPECT_EQ(RuleFor(record).level, spdlog::level::warn);
}

TEST(AuditRuleTest, EverydayTrafficIsForDebugging) {
  for (const EventKind kind : {EventKind::kVote, EventKind::kEdge, EventKind::kRate,
                               EventKind::kParent, EventKind::kReset, EventKind::kUnbalanced}) {
    EXPECT_EQ(RuleFor(OfCore(kind)).level, spdlog::level::debug) << core::EventKindName(kind);
  }
}

TEST(AuditRuleTest, WhatAnOperatorMustKnowIsLoud) {
  EXPECT_EQ(RuleFor(OfCore(EventKind::kQuarantined)).level, spdlog::level::err);
  EXPECT_EQ(RuleFor(OfCore(EventKind::kConflict)).level, spdlog::level::warn);
  EXPECT_EQ(RuleFor(OfCore(EventKind::kReleased)).level, spdlog::level::info);
  EXPECT_EQ(RuleFor(OfServices(service::event_kind::kSessionRefused)).level, spdlog::level::warn);
  EXPECT_TRUE(RuleFor(OfServices(service::event_kind::kThrottled)).fold);
  for (const auto kind :
       {service::event_kind::kThermalTrip, service::event_kind::kInboundDropped}) {
    EXPECT_EQ(RuleFor(OfServices(kind)).level, spdlog::level::warn);
    EXPECT_TRUE(RuleFor(OfServices(kind)).fold) << "the firmware may say it without end";
  }
  EXPECT_EQ(RuleFor(OfCore(EventKind::kWouldDeny)).level, spdlog::level::warn);
  EXPECT_TRUE(RuleFor(OfCore(EventKind::kWouldDeny)).fold) << "a guest asks again and again";
  EXPECT_EQ(RuleFor(OfServices(service::event_kind::kPolicyReloaded)).level, spdlog::level::info);
  EXPECT_EQ(RuleFor(OfServices(service::event_kind::kPolicyRefused)).level, spdlog::level::err);
}

}  // namespace
}  // namespace bpmp::daemon
