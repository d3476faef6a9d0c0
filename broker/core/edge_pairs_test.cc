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
    if (caller != kSame && seen == reversed) return true;
    ADD_FAILURE() << "got " << Describe(seen) << "in order: " << Describe(in_order)
                  << "the other way: " << Describe(reversed);
    return true;
  });
}

// With faults the outcome depends on who joined; the rules that always hold are in AtOnce().
TEST_F(EdgePairs, ComeToRestAfterEveryFault) {
  for (const Fate fate :
       {Fate::kRefused, Fate::kFailed, Fate::kNoRoom, Fate::kLostDone, Fate::kLostUndone}) {
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

}  // namespace
}  // namespace bpmp::core::testing
