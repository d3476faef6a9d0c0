// SPDX-License-Identifier: Apache-2.0
// An edge in flight against every other request, all pairs. What two callers see must be what they
// would have seen one after the other: in the order asked for one VM, in either order for two.
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/core/core.h"
#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "broker/core/testing/snapshot.h"
#include "broker/mrq/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

using ::testing::AnyOf;
using Fate = FakeBackend::Fate;

constexpr VmId kSame = kVicVm;     // whose edge is in flight
constexpr VmId kOther = kNvdecVm;  // may vote on all that kSame uses
constexpr VmId kStranger = kGuestVm;

Board PairBoard() {
  Board board = MakeBoard();
  ResourceGrant grant;
  grant.resource = "vic";
  grant.access = Access::kVote;
  board.spec.vms[kOther.value() - 1].clocks.push_back(grant);
  return board;
}

// A state of the core with one thing about to be asked.
struct Scenario {
  std::string name;
  std::vector<mrq::Request> before;  // by kSame, run to their end
  mrq::Request edge;                 // by kSame, left in flight
};

std::vector<Scenario> Scenarios() {
  return {
      {"turning on", {}, Enable(kVic)},
      {"turning off", {Enable(kVic)}, Disable(kVic)},
      {"rate", {}, SetRate(kVic, 80 * kMHz)},
      {"rate of a clock that runs", {Enable(kVic)}, SetRate(kVic, 80 * kMHz)},
      {"parent", {}, SetParent(kVic, kClkM)},
      {"parent of a clock that runs", {Enable(kVic)}, SetParent(kVic, kClkM)},
      {"deassert", {}, Deassert(kVideoReset)},
      {"assert", {Deassert(kVideoReset)}, Assert(kVideoReset)},
      {"pulse", {}, Pulse(kVideoReset)},
      {"powering on", {}, PowerOn(kVideoDomain)},
      {"powering off", {PowerOn(kVideoDomain)}, PowerOff(kVideoDomain)},
  };
}

std::vector<mrq::Request> Requests() {
  return {Enable(kVic),
          Disable(kVic),
          IsEnabled(kVic),
          SetRate(kVic, 80 * kMHz),
          SetRate(kVic, 90 * kMHz),
          RoundRate(kVic, 70 * kMHz),
          GetRate(kVic),
          SetParent(kVic, kClkM),
          SetParent(kVic, kPllADiv),
          GetParent(kVic),
          GetInfo(kVic),
          Clk(mrq::ClkCmd::kGetFmaxAtVmin, kVic),
          Enable(kPllB),
          Disable(kPllB),
          GetRate(kPllB),
          Assert(kVideoReset),
          Deassert(kVideoReset),
          Pulse(kVideoReset),
          PowerOn(kVideoDomain),
          PowerOff(kVideoDomain),
          PowerState(kVideoDomain),
          mrq::PingRequest{false, 7}};
}

// What can be seen of a run: both answers, and everything at the end.
struct Seen {
  mrq::Response first;
  mrq::Response second;
  std::vector<std::string> end;
  friend bool operator==(const Seen&, const Seen&) = default;
};

std::string Describe(const Seen& seen) {
  std::string text = absl::StrCat("answers ", seen.first.error, "/", int{seen.first.data[0]},
                                  " and ", seen.second.error, "/", int{seen.second.data[0]}, "\n");
  for (const std::string& line : seen.end) {
    if (line.find("vic") == 0 || line.find("pllb ") == 0 || line.find("domain video") == 0 ||
        line.find("reset 5") == 0) {
      absl::StrAppend(&text, "  ", line, "\n");
    }
  }
  return text;
}

class EdgePairs : public ::testing::Test {
 protected:
  static void Prepare(Rig* rig, const Scenario& scenario, bool shared) {
    if (shared) {
      for (const mrq::Request& request :
           {Enable(kVic), Enable(kPllB), Deassert(kVideoReset), PowerOn(kVideoDomain)}) {
        rig->Call(kOther, request);
      }
    }
    for (const mrq::Request& request : scenario.before) rig->Call(kSame, request);
  }

  static Seen InTurn(const Scenario& scenario, bool shared, VmId caller,
                     const mrq::Request& request, bool edge_first) {
    Rig rig(PairBoard());
    Prepare(&rig, scenario, shared);
    Seen seen;
    if (edge_first) seen.first = rig.Call(kSame, scenario.edge);
    seen.second = rig.Call(caller, request);
    if (!edge_first) seen.first = rig.Call(kSame, scenario.edge);
    seen.end = Snapshot(&rig);
    return seen;
  }

  // Returns false when the scenario has nothing in flight.
  static bool AtOnce(const Scenario& scenario, bool shared, VmId caller,
                     const mrq::Request& request, Fate fate, Seen* seen) {
    Rig rig(PairBoard());
    Prepare(&rig, scenario, shared);
    const Ticket first = rig.Ask(kSame, scenario.edge);
    if (rig.in_flight() == 0) return false;
    const Ticket second = rig.Ask(caller, request);
    rig.End(fate, mrq::Error::kIo);
    rig.RunAll();
    for (int i = 0; i < 10 && rig.core().NeedsMaintenance(); ++i) {
      rig.Maintain();
      rig.RunAll();
    }
    EXPECT_TRUE(rig.Answered(first));
    EXPECT_TRUE(rig.Answered(second));
    ExpectConsistent(&rig);
    if (rig.Answered(first)) seen->first = *rig.Of(first).answer;
    if (rig.Answered(second)) seen->second = *rig.Of(second).answer;
    seen->end = Snapshot(&rig);
    return true;
  }

  // Visits all pairs of scenario, request, caller, and whether kOther holds everything too.
  template <typename Visitor>
  static void ForAllPairs(Visitor visit) {
    int pairs = 0;
    for (const Scenario& scenario : Scenarios()) {
      for (const bool shared : {false, true}) {
        for (const VmId caller : {kSame, kOther, kStranger, kHost}) {
          for (const mrq::Request& request : Requests()) {
            SCOPED_TRACE(absl::StrCat(scenario.name, shared ? " (shared)" : "", " x ",
                                      mrq::Describe(request), " by ", caller.value()));
            if (visit(scenario, shared, caller, request)) ++pairs;
            if (HasFailure()) return;
          }
        }
      }
    }
    EXPECT_GT(pairs, 1000);
  }
};

TEST_F(EdgePairs, AreAsIfOneCameAfterTheOther) {
  ForAllPairs([](const Scenario& scenario, bool shared, VmId caller, const mrq::Request& request) {
    Seen seen;
    if (!AtOnce(scenario, shared, caller, request, Fate::kPerformed, &seen)) return false;
    const Seen in_order = InTurn(scenario, shared, caller, request, true);
    if (seen == in_order) return true;
    const Seen reversed = InTurn(scenario, shared, caller, request, false);
    // GET_ALL_INFO describes the present and waits for nothing.
    const bool either_order = caller != kSame || request == GetInfo(kVic);
    if (either_order && seen == reversed) return true;
    ADD_FAILURE() << "got " << Describe(seen) << "in order: " << Describe(in_order)
                  << "the other way: " << Describe(reversed);
    return true;
  });
}

// With faults the outcome depends on who joined; the rules that always hold are in AtOnce().
TEST_F(EdgePairs, ComeToRestAfterEveryFault) {
  for (const Fate fate : {Fate::kRefused, Fate::kFailed, Fate::kLostDone, Fate::kLostUndone}) {
    SCOPED_TRACE(static_cast<int>(fate));
    ForAllPairs(
        [fate](const Scenario& scenario, bool shared, VmId caller, const mrq::Request& request) {
          Seen seen;
          return AtOnce(scenario, shared, caller, request, fate, &seen);
        });
  }
}

// A caller that gives up changes nothing for the other, and what it asked leaves nothing behind.
TEST_F(EdgePairs, ComeToRestWhenEitherCallerGivesUp) {
  for (const bool first_gives_up : {true, false}) {
    ForAllPairs([first_gives_up](const Scenario& scenario, bool shared, VmId caller,
                                 const mrq::Request& request) {
      Rig rig(PairBoard());
      Prepare(&rig, scenario, shared);
      const Ticket first = rig.Ask(kSame, scenario.edge);
      if (rig.in_flight() == 0) return false;
      const Ticket second = rig.Ask(caller, request);
      const Ticket quitter = first_gives_up ? first : second;
      const bool waits = !rig.Answered(quitter);
      rig.Expire(quitter);
      EXPECT_TRUE(rig.Answered(quitter));
      if (waits) {
        EXPECT_THAT(rig.ErrorOf(quitter), AnyOf(0, -23));
      }
      rig.RunAll();
      ExpectConsistent(&rig);
      return true;
    });
  }
}

// A release in flight against every request of everybody.
TEST_F(EdgePairs, AReleaseAgainstEveryRequest) {
  for (const VmId caller : {kSame, kOther, kStranger, kHost}) {
    for (const mrq::Request& request : Requests()) {
      for (size_t progress = 0; progress < 8; ++progress) {
        SCOPED_TRACE(absl::StrCat(mrq::Describe(request), " by ", caller.value(), " after ",
                                  progress, " steps"));
        Rig rig(PairBoard());
        for (const mrq::Request& mine : {PowerOn(kVideoDomain), Enable(kPllB), Enable(kVic),
                                         SetRate(kVic, 80 * kMHz), Deassert(kVideoReset)}) {
          rig.Call(kSame, mine);
        }
        rig.Release(kSame);
        for (size_t i = 0; i < progress && rig.in_flight() > 0; ++i) rig.End();
        const bool releasing = rig.core().IsReleasing(kSame);
        const Ticket ticket = rig.Ask(caller, request);
        if (caller == kSame && releasing && ResourceOf(request).kind != ResourceKind::kNone &&
            Mutates(request)) {
          EXPECT_FALSE(rig.Answered(ticket)) << "must wait for the release";
        }
        rig.RunAll();
        EXPECT_FALSE(rig.core().IsReleasing(kSame));
        EXPECT_TRUE(rig.Answered(ticket));
        ExpectConsistent(&rig);
        if (HasFailure()) return;
      }
    }
  }
}

// --- Sharing an outcome ---

class Joiners : public ::testing::Test {
 protected:
  void SetUp() override {
    first_ = rig_.Ask(kSame, Enable(kVic));
    second_ = rig_.Ask(kOther, Enable(kVic));
    EXPECT_EQ(rig_.Of(first_).kind, Decision::Kind::kRun);
    EXPECT_EQ(rig_.Of(second_).kind, Decision::Kind::kWait);
    EXPECT_EQ(rig_.in_flight(), 1u);
  }
  void ExpectBoth(int32_t error, bool held) {
    rig_.RunAll();
    ASSERT_TRUE(rig_.Answered(first_));
    ASSERT_TRUE(rig_.Answered(second_));
    EXPECT_EQ(rig_.ErrorOf(first_), error);
    EXPECT_EQ(rig_.ErrorOf(second_), error);
    EXPECT_EQ(rig_.Holders(kVic).size(), held ? 2u : 0u);
    ExpectConsistent(&rig_);
  }

  Rig rig_{PairBoard()};
  Ticket first_;
  Ticket second_;
};

TEST_F(Joiners, ShareSuccess) {
  rig_.End();
  ExpectBoth(0, true);
  EXPECT_THAT(rig_.Edges(), ::testing::ElementsAre("CLK ENABLE clock 19"));
}

TEST_F(Joiners, ShareTheFirmwaresRefusal) {
  rig_.End(Fate::kRefused, mrq::Error::kNotSup);
  ExpectBoth(-134, false);
}

TEST_F(Joiners, ShareAFailedTransfer) {
  rig_.End(Fate::kFailed);
  ExpectBoth(-5, false);
}

TEST_F(Joiners, ShareWhatTheReadBackSaysAfterALostAnswer) {
  rig_.End(Fate::kLostDone);
  EXPECT_EQ(rig_.Flying(), "CLK IS_ENABLED clock 19");
  EXPECT_FALSE(rig_.Answered(first_));
  ExpectBoth(0, true);
}

TEST_F(Joiners, ShareATimeOutWhenTheReadBackSaysOff) {
  rig_.End(Fate::kLostUndone);
  ExpectBoth(-23, false);
}

TEST_F(Joiners, KeepTheEdgeOfOneThatGaveUp) {
  rig_.Expire(first_);
  EXPECT_EQ(rig_.ErrorOf(first_), -23);
  rig_.RunAll();
  EXPECT_EQ(rig_.ErrorOf(second_), 0);
  EXPECT_THAT(rig_.Holders(kVic), ::testing::ElementsAre(kOther));
  ExpectConsistent(&rig_);
}

TEST_F(Joiners, LeaveNothingWhenAllGaveUp) {
  rig_.Expire(first_);
  rig_.Expire(second_);
  rig_.RunAll();
  EXPECT_FALSE(rig_.firmware().on(kVic));
  EXPECT_TRUE(rig_.Holders(kVic).empty());
  ExpectConsistent(&rig_);
}

// --- Opposite targets ---

TEST(OppositeEdges, FollowOneAnotherInTheOrderAsked) {
  Rig rig(PairBoard());
  const Ticket on = rig.Ask(kSame, Enable(kVic));
  const Ticket off = rig.Ask(kSame, Disable(kVic));
  const Ticket again = rig.Ask(kSame, Enable(kVic));
  EXPECT_EQ(rig.in_flight(), 1u);
  rig.RunAll();
  for (const Ticket ticket : {on, off, again}) EXPECT_EQ(rig.ErrorOf(ticket), 0);
  EXPECT_TRUE(rig.firmware().on(kVic));
  EXPECT_TRUE(rig.Votes(kSame, kVic));
}

TEST(OppositeEdges, AnotherVmsEnableStartsWhenTheDisableEnds) {
  Rig rig(PairBoard());
  rig.Call(kSame, Enable(kVic));
  rig.backend().ClearLog();
  rig.Ask(kSame, Disable(kVic));
  const Ticket on = rig.Ask(kOther, Enable(kVic));
  EXPECT_EQ(rig.Of(on).kind, Decision::Kind::kWait);
  rig.End();
  EXPECT_EQ(rig.Flying(), "CLK ENABLE clock 19");
  rig.RunAll();
  EXPECT_THAT(rig.Edges(), ::testing::ElementsAre("CLK DISABLE clock 19", "CLK ENABLE clock 19"));
  EXPECT_EQ(rig.ErrorOf(on), 0);
}

TEST(OppositeEdges, DifferentResourcesDoNotWaitForEachOther) {
  Rig rig(PairBoard());
  rig.Ask(kUartVm, Enable(kUart));
  rig.Ask(kGpuVm, Enable(kGpu));
  rig.Ask(kEthVm, PowerOn(kEthDomain));
  EXPECT_EQ(rig.in_flight(), 3u);
}

// --- A disable that fails ---

TEST(FailedDisable, IsSuccessForTheVmAndLeavesTheClockInDoubt) {
  Rig rig(PairBoard());
  rig.Call(kSame, Enable(kVic));
  const Ticket off = rig.Ask(kSame, Disable(kVic));
  rig.End(Fate::kRefused, mrq::Error::kIo);
  ASSERT_TRUE(rig.Answered(off));
  EXPECT_EQ(rig.ErrorOf(off), 0);
  EXPECT_EQ(rig.Status(kVic).gate, GateState::kUnknown);
  EXPECT_TRUE(rig.Holders(kVic).empty());
  EXPECT_TRUE(rig.core().NeedsMaintenance());
  rig.Maintain();
  rig.RunAll();
  EXPECT_EQ(rig.Status(kVic).gate, GateState::kOff);
  EXPECT_FALSE(rig.firmware().on(kVic));
  EXPECT_FALSE(rig.core().NeedsMaintenance());
}

TEST(FailedDisable, EndsInQuarantineWhenItKeepsFailing) {
  Options options;
  options.max_retries = 2;
  Rig rig(PairBoard(), options);
  rig.Call(kSame, Enable(kVic));
  rig.Ask(kSame, Disable(kVic));
  rig.End(Fate::kRefused);
  int tries = 0;
  while (rig.core().NeedsMaintenance() && tries < 10) {
    rig.Maintain();
    while (rig.in_flight() > 0) rig.End(Fate::kRefused);
    ++tries;
  }
  EXPECT_LT(tries, 10);
  EXPECT_THAT(rig.core().Quarantined(), ::testing::ElementsAre(Resource::Of(kVic)));
  EXPECT_EQ(rig.Error(kOther, Enable(kVic)), -16);
  EXPECT_TRUE(rig.ClearQuarantine(Resource::Of(kVic)).ok());
  rig.RunAll();
  EXPECT_EQ(rig.Error(kOther, Enable(kVic)), 0);
  EXPECT_EQ(rig.ClearQuarantine(Resource::Of(kVic)).code(), absl::StatusCode::kNotFound);
}

TEST(FailedDisable, DoesNotKeepTheNextEnableFromWorking) {
  Rig rig(PairBoard());
  rig.Call(kSame, Enable(kVic));
  rig.Ask(kSame, Disable(kVic));
  rig.End(Fate::kRefused);
  EXPECT_EQ(rig.Error(kSame, Enable(kVic)), 0);
  EXPECT_TRUE(rig.firmware().on(kVic));
  ExpectConsistent(&rig);
}

}  // namespace
}  // namespace bpmp::core::testing
