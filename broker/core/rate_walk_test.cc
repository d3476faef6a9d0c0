// SPDX-License-Identifier: Apache-2.0
// Random rates of three VMs on clocks that go by `max`, `first` and `range`, one request after the
// other, against a model that shares nothing with the core but the messages. BPMP_PROPERTY_SEED
// repeats a walk.
#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/core/core.h"
#include "broker/core/testing/board.h"
#include "broker/core/testing/requests.h"
#include "broker/core/testing/rig.h"
#include "broker/core/testing/walk_seed.h"
#include "broker/mrq/codec.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

constexpr int kLives = 40;
constexpr int kSteps = 250;
constexpr VmId kVms[] = {kCan0Vm, kCan1Vm, kUartVm};
constexpr int64_t kBootMHz = 60;
constexpr int64_t kNoLimit = 1'000'000;
constexpr int64_t kRefused = -1;
constexpr int64_t kInvalid = -2;

struct Limits {
  int64_t lowest = 0;
  int64_t highest = kNoLimit;
};

// One clock, in MHz.
class RateModel {
 public:
  enum class Rule : uint8_t { kMax, kFirst, kRange };

  RateModel(Rule rule, std::map<uint32_t, Limits> limits)
      : rule_(rule), policy_(std::move(limits)) {}

  int64_t rate() const { return rate_; }
  // It may be found at this rate.
  bool Allows(int64_t mhz) const {
    return mhz == rate_ || mhz == perhaps_ || (!certain_ && mhz == kBootMHz);
  }
  void Observe(int64_t mhz) {
    rate_ = mhz;
    perhaps_.reset();
  }

  // What SET_RATE answers: a rate, or kRefused.
  int64_t Rates(uint32_t vm, int64_t mhz) const {
    const int64_t merged = Merge(vm, mhz, LimitsOf(vm));
    return merged == kRefused && mhz == rate_ ? rate_ : merged;
  }
  // The same for limits: kInvalid where the policy leaves nothing of them.
  int64_t Ranges(uint32_t vm, int64_t lowest, int64_t highest) const {
    if (rule_ != Rule::kRange) return kInvalid;
    const Limits within = Both(PolicyOf(vm), {lowest, highest});
    return within.lowest > within.highest ? kInvalid : Merge(vm, lowest, within);
  }

  void SetRate(uint32_t vm, int64_t mhz) {
    const int64_t now = Rates(vm, mhz);
    if (now == kRefused) return;
    Take(vm, mhz, now);
  }
  void SetRange(uint32_t vm, int64_t lowest, int64_t highest) {
    const int64_t now = Ranges(vm, lowest, highest);
    if (now < 0) return;
    stated_[vm] = {lowest, highest};
    Take(vm, lowest, now);
  }
  void Enable(uint32_t vm) {
    if (!holders_.insert(vm).second) return;
    users_.insert(vm);
    if (!lock_ && rule_ == Rule::kFirst) lock_ = vm;
    if (VoteOf(vm)) return;
    const Limits limits = rule_ == Rule::kRange ? LimitsOf(vm) : Limits();
    votes_.emplace_back(vm, std::clamp(rate_, limits.lowest, limits.highest));
    if (rule_ == Rule::kRange) rate_ = Wanted();
  }
  void Disable(uint32_t vm) {
    if (holders_.erase(vm) > 0) Leave(vm);
  }
  void Die(uint32_t vm) {
    holders_.erase(vm);
    users_.erase(vm);
    Leave(vm);
    if (!users_.empty()) return;
    rate_ = kBootMHz;
    certain_ = true;
  }

 private:
  static Limits Both(Limits a, Limits b) {
    return {std::max(a.lowest, b.lowest), std::min(a.highest, b.highest)};
  }
  Limits PolicyOf(uint32_t vm) const {
    const auto it = policy_.find(vm);
    return it == policy_.end() ? Limits() : it->second;
  }
  Limits LimitsOf(uint32_t vm) const {
    const auto it = stated_.find(vm);
    return it == stated_.end() ? PolicyOf(vm) : Both(PolicyOf(vm), it->second);
  }
  std::optional<int64_t> VoteOf(uint32_t vm) const {
    for (const auto& [voter, mhz] : votes_) {
      if (voter == vm) return mhz;
    }
    return std::nullopt;
  }
  int64_t Merge(uint32_t vm, int64_t mhz, Limits own) const {
    if (rule_ == Rule::kFirst) return lock_.value_or(vm) == vm ? mhz : kRefused;
    Limits all = rule_ == Rule::kRange ? Both({mhz, kNoLimit}, own) : Limits{mhz, kNoLimit};
    for (const auto& [voter, vote] : votes_) {
      if (voter == vm) continue;
      all = Both(all, {vote, kNoLimit});
      if (rule_ == Rule::kRange) all = Both(all, LimitsOf(voter));
    }
    return all.lowest > all.highest ? kRefused : all.lowest;
  }
  void Take(uint32_t vm, int64_t mhz, int64_t now) {
    const auto it = std::find_if(votes_.begin(), votes_.end(),
                                 [vm](const auto& vote) { return vote.first == vm; });
    if (it == votes_.end()) {
      votes_.emplace_back(vm, mhz);
    } else {
      it->second = mhz;
    }
    if (!lock_ && rule_ == Rule::kFirst) lock_ = vm;
    users_.insert(vm);
    rate_ = now;
    certain_ = true;
  }
  void Leave(uint32_t vm) {
    const bool voted =
        std::erase_if(votes_, [vm](const auto& vote) { return vote.first == vm; }) > 0;
    stated_.erase(vm);
    if (lock_ == vm) {
      lock_.reset();
      if (!votes_.empty()) {
        lock_ = votes_.front().first;
      } else if (!holders_.empty()) {
        lock_ = *holders_.begin();
      }
    }
    certain_ = rule_ != Rule::kFirst && !votes_.empty();
    if (!certain_) return;
    // Who asked for the rate that the clock had anyway was let in though others' limits exclude its
    // own. Whether that is looked at again when one leaves without a vote is left open.
    if (voted) {
      rate_ = Wanted();
    } else {
      perhaps_ = Wanted();
    }
  }
  int64_t Wanted() const {
    int64_t wanted = 0;
    for (const auto& [voter, mhz] : votes_) {
      const int64_t lowest = rule_ == Rule::kRange ? LimitsOf(voter).lowest : 0;
      wanted = std::max({wanted, mhz, lowest});
    }
    return wanted;
  }

  const Rule rule_;
  const std::map<uint32_t, Limits> policy_;
  int64_t rate_ = kBootMHz;
  std::optional<int64_t> perhaps_;
  bool certain_ = true;
  std::vector<std::pair<uint32_t, int64_t>> votes_;  // in the order of coming
  std::map<uint32_t, Limits> stated_;
  std::set<uint32_t> holders_;
  std::set<uint32_t> users_;  // asked for something and haven't died since
  std::optional<uint32_t> lock_;
};

Board WalkBoard() {
  Board board = MakeBoard();
  for (const char* clock : {"bus", "link", "lane"}) {
    ResourceGrant grant;
    grant.resource = clock;
    grant.access = Access::kVote;
    board.spec.vms[kUartVm.value() - 1].clocks.push_back(grant);
  }
  board.spec.vms[kCan0Vm.value() - 1].rate_limits = {{"lane", 20 * kMHz, 80 * kMHz, {}}};
  board.spec.vms[kUartVm.value() - 1].rate_limits = {{"lane", 40 * kMHz, 120 * kMHz, {}}};
  return board;
}

class RateWalk {
 public:
  explicit RateWalk(uint64_t seed) : random_(seed), rig_(WalkBoard()) {}

  void Step() {
    const VmId vm = kVms[Below(std::size(kVms))];
    const size_t index = Below(clocks_.size());
    auto& [clock, model] = clocks_[index];
    const int64_t mhz = 10 + Below(14) * 10;
    const int64_t kind = Below(10);
    absl::StrAppend(&history_, "\n  vm ", vm.value(), " clock ", clock.value(), " kind ", kind,
                    " at ", mhz);
    switch (kind) {
      case 0:
      case 1:
        rig_.Call(vm, Enable(clock));
        model.Enable(vm.value());
        break;
      case 2:
      case 3:
        rig_.Call(vm, Disable(clock));
        model.Disable(vm.value());
        break;
      case 4:
        rig_.Released(vm);
        for (auto& [each, its_model] : clocks_) its_model.Die(vm.value());
        break;
      case 5:
      case 6:
        AskRange(vm, clock, &model, mhz, mhz + Below(8) * 10);
        break;
      default:
        AskRate(vm, clock, &model, mhz);
    }
    Compare();
  }
  void End() {
    for (const VmId vm : kVms) {
      rig_.Released(vm);
      for (auto& [clock, model] : clocks_) model.Die(vm.value());
    }
    Compare();
  }

 private:
  int64_t Below(size_t limit) { return static_cast<int64_t>(random_() % limit); }
  static int64_t Answer(const mrq::Response& response) {
    if (response.ok()) return mrq::ReadRate(response).value_or(0) / kMHz;
    return response.error == -22 ? kInvalid : kRefused;
  }
  void AskRate(VmId vm, ClockId clock, RateModel* model, int64_t mhz) {
    const int64_t expected = model->Rates(vm.value(), mhz);
    const int64_t rounded = expected == kRefused ? model->rate() : expected;
    EXPECT_EQ(Answer(rig_.Call(vm, RoundRate(clock, mhz * kMHz))), rounded);
    EXPECT_EQ(Answer(rig_.Call(vm, SetRate(clock, mhz * kMHz))), expected);
    model->SetRate(vm.value(), mhz);
  }
  void AskRange(VmId vm, ClockId clock, RateModel* model, int64_t lowest, int64_t highest) {
    absl::StrAppend(&history_, " to ", highest);
    const Ticket ticket = rig_.Ask(vm, SetRate(clock, lowest * kMHz), highest * kMHz);
    rig_.RunAll();
    EXPECT_EQ(Answer(*rig_.Of(ticket).answer), model->Ranges(vm.value(), lowest, highest));
    model->SetRange(vm.value(), lowest, highest);
  }
  void Compare() {
    for (auto& [clock, model] : clocks_) {
      const int64_t now = rig_.firmware().rate(clock) / kMHz;
      EXPECT_TRUE(model.Allows(now)) << ToString(clock) << " at " << now << " MHz, not "
                                     << model.rate() << ", after" << history_;
      model.Observe(now);
      EXPECT_EQ(rig_.Status(clock).rate_hz, now * kMHz);
    }
  }

  std::mt19937_64 random_;
  std::string history_;
  Rig rig_;
  std::array<std::pair<ClockId, RateModel>, 3> clocks_ = {{
      {kBus, RateModel(RateModel::Rule::kMax, {})},
      {kLink, RateModel(RateModel::Rule::kFirst, {})},
      {kLane, RateModel(RateModel::Rule::kRange,
                        {{kCan0Vm.value(), {20, 80}}, {kUartVm.value(), {40, 120}}})},
  }};
};

TEST(RateWalkTest, EveryRateIsWhatTheVotesComeTo) {
  const uint64_t seed = WalkSeed();
  SCOPED_TRACE(HowToRepeat(seed));
  for (uint64_t life = 0; life < kLives && !::testing::Test::HasFailure(); ++life) {
    RateWalk walk(seed + life);
    for (int step = 0; step < kSteps && !::testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE(absl::StrCat("life ", life, ", step ", step));
      walk.Step();
    }
    walk.End();
  }
}

}  // namespace
}  // namespace bpmp::core::testing
