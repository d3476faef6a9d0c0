// SPDX-License-Identifier: Apache-2.0
#include "broker/core/testing/reference_model.h"

#include <utility>
#include <variant>

#include "broker/mrq/codec.h"

namespace bpmp::core::testing {
namespace {

using mrq::ClkCmd;

constexpr int32_t kEAgain = -11;
constexpr int32_t kEAccess = -13;
constexpr int32_t kEBusy = -16;
constexpr int32_t kEInval = -22;

// Refused before anything was done.
bool HadNoEffect(int32_t error) {
  return error == kEAccess || error == kEBusy || error == kEInval || error == kEAgain;
}

// Which clock, domain or reset a request is about; -1 for none.
int TargetOf(const mrq::Request& request) {
  if (const auto* clk = std::get_if<mrq::ClkRequest>(&request)) {
    return static_cast<int>(clk->clock.value());
  }
  if (const auto* pg = std::get_if<mrq::PgRequest>(&request)) {
    return 1000 + static_cast<int>(pg->domain.value());
  }
  if (const auto* reset = std::get_if<mrq::ResetRequest>(&request)) {
    return 2000 + static_cast<int>(reset->reset.value());
  }
  return -1;
}

bool ChangesState(const mrq::Request& request) {
  if (const auto* clk = std::get_if<mrq::ClkRequest>(&request)) {
    return clk->cmd == ClkCmd::kEnable || clk->cmd == ClkCmd::kDisable ||
           clk->cmd == ClkCmd::kSetRate || clk->cmd == ClkCmd::kSetParent;
  }
  if (const auto* pg = std::get_if<mrq::PgRequest>(&request)) {
    return pg->cmd == mrq::PgCmd::kSetState;
  }
  return std::holds_alternative<mrq::ResetRequest>(request);
}

std::string Complain(VmId vm, const mrq::Request& request, const std::string& what) {
  return ToString(vm) + ", " + mrq::Describe(request) + ": " + what;
}

struct BootTune {
  ClockId clock;
  int64_t mhz;
  ClockId parent;
};
constexpr BootTune kBootTunes[] = {
    {kUart, 48, kPllADiv},   {kSpi, 50, kPllADiv},     {kCan0, 19, kClkM},
    {kCan1, 19, kClkM},      {kEthApp, 100, kPllADiv}, {kEthTx, 300, kPllBDiv},
    {kEthRx, 300, kPllBDiv}, {kGpu, 500, kPllB},       {kGpuSys, 200, kPllAGate},
    {kVic, 150, kPllB},      {kNvdec, 150, kPllB},     {kBus, 60, kPllBDiv},
    {kLink, 60, kPllBDiv},   {kLane, 60, kPllBDiv},    {kI2c, 40, kPllADiv},
    {kFuse, 19, kClkM},      {kFound, 10, kClkM},      {kPllA, 400, kOsc},
    {kPllB, 600, kOsc},      {kPllADiv, 200, kPllA},   {kPllBDiv, 300, kPllB},
};

}  // namespace

ReferenceModel::ReferenceModel() {
  for (const BootTune& boot : kBootTunes) {
    Tune& tune = tunes_[boot.clock.value()];
    tune.rate.boot = tune.rate.is = boot.mhz * kMHz;
    tune.parent.boot = tune.parent.is = boot.parent.value();
  }
  Give(kUartVm, Right::kVote, {kPllADiv, kPllBDiv, kClkM, kPllA, kPllB, kOsc});
  Give(kSpiVm, Right::kVote, {kPllADiv, kPllBDiv, kClkM, kPllA, kPllB, kOsc, kUart});
  Give(kEthVm, Right::kVote, {kPllADiv, kPllBDiv, kClkM, kPllA, kPllB, kOsc, kFuse});
  Give(kGpuVm, Right::kVote, {kPllAGate, kPllADiv, kPllA, kPllB, kOsc, kClkM, kFuse});
  Give(kVicVm, Right::kVote, {kPllADiv, kClkM, kPllA, kPllB, kOsc});
  Give(kNvdecVm, Right::kVote, {kPllADiv, kClkM, kPllA, kPllB, kOsc});
  for (const VmId vm : {kCan0Vm, kCan1Vm}) {
    Give(vm, Right::kVote, {kClkM, kPllBDiv, kPllB, kOsc, kPllADiv, kPllA});
    Give(vm, Right::kVote, {kBus, kLink, kLane, kI2c});
  }
  Give(kGuestVm, Right::kGet, {kUart});
  for (uint32_t id = 0; id < kClockCount; ++id) Give(kHost, Right::kExclusive, {ClockId(id)});
  Own(kUartVm, {kUart});
  Own(kSpiVm, {kSpi});
  Own(kEthVm, {kEthApp, kEthTx, kEthRx});
  Own(kGpuVm, {kGpu, kGpuSys});
  Own(kVicVm, {kVic});
  Own(kNvdecVm, {kNvdec});
  Own(kCan0Vm, {kCan0});
  Own(kCan1Vm, {kCan1});
  // Nobody may ever tune these.
  for (const ClockId clock : {kPllA, kPllB, kPllADiv, kPllBDiv, kFuse, kFound, kI2c}) {
    tunes_[clock.value()].owner = kHost;
  }
  votes_[kHost.value()][kFound.value()] = true;
  residue_[kClockCount + kGpuDomain.value()] = true;
  lines_[kUartReset.value()].owner = kUartVm;
  lines_[kSpiReset.value()].owner = kSpiVm;
  for (const ResetId reset : {kEthReset, kEthPcsReset}) {
    lines_[reset.value()].owner = kEthVm;
    lines_[reset.value()].domain = true;
  }
  lines_[kGpuReset.value()].owner = kGpuVm;
  lines_[kGpuReset.value()].domain = true;
}

void ReferenceModel::Give(VmId vm, Right right, std::initializer_list<ClockId> clocks) {
  for (const ClockId clock : clocks) rights_[vm.value()][clock.value()] = right;
}

void ReferenceModel::Own(VmId vm, std::initializer_list<ClockId> clocks) {
  Give(vm, Right::kExclusive, clocks);
  for (const ClockId clock : clocks) tunes_[clock.value()].owner = vm;
}

ReferenceModel::Op ReferenceModel::Ask(VmId vm, const mrq::Request& request) {
  entries_.push_back({vm, request, Fate::kPending, {}});
  return entries_.size() - 1;
}

std::string ReferenceModel::Answer(Op op, const mrq::Response& response) {
  Entry& entry = entries_[op];
  if (entry.fate != Fate::kPending) return Complain(entry.vm, entry.request, "answered twice");
  entry.fate = Fate::kAnswered;
  entry.response = response;
  if (response.error == kEAgain) return "";  // of an epoch that is over
  if (Forbidden(entry.vm, entry.request)) {
    return response.error == kEAccess ? "" : Complain(entry.vm, entry.request, "not refused");
  }
  if (response.error == 0) return CheckOrder(op);
  return "";
}

// Two changes of one resource by one VM take effect, and are answered, in the order asked.
std::string ReferenceModel::CheckOrder(Op op) const {
  const Entry& entry = entries_[op];
  if (!ChangesState(entry.request)) return "";
  for (Op earlier = 0; earlier < op; ++earlier) {
    const Entry& other = entries_[earlier];
    if (other.fate == Fate::kPending && other.vm == entry.vm && ChangesState(other.request) &&
        TargetOf(other.request) == TargetOf(entry.request)) {
      return Complain(entry.vm, entry.request,
                      "answered before the older " + mrq::Describe(other.request));
    }
  }
  return "";
}

void ReferenceModel::GiveUp(Op op) { entries_[op].fate = Fate::kGaveUp; }

void ReferenceModel::Release(VmId vm) { entries_.push_back({vm, {}, Fate::kDeath, {}}); }

void ReferenceModel::Rest() {
  for (const Entry& entry : entries_) Digest(entry);
  entries_.clear();
}

void ReferenceModel::Digest(const Entry& entry) {
  if (entry.fate == Fate::kDeath) {
    Die(entry.vm);
  } else if (Forbidden(entry.vm, entry.request)) {
    return;
  } else if (const auto* clk = std::get_if<mrq::ClkRequest>(&entry.request)) {
    DigestClk(entry, *clk);
  } else if (const auto* reset = std::get_if<mrq::ResetRequest>(&entry.request)) {
    DigestReset(entry, *reset);
  } else if (const auto* pg = std::get_if<mrq::PgRequest>(&entry.request)) {
    DigestPg(entry, *pg);
  }
}

// A vote is there once its caller was told so, and gone once its caller asked for that.
void ReferenceModel::SetVote(const Entry& entry, size_t gate, bool on) {
  const bool done = entry.fate == Fate::kAnswered && entry.response.error == 0;
  if (on ? done : done || entry.fate == Fate::kGaveUp) votes_[entry.vm.value()][gate] = on;
}

void ReferenceModel::DigestClk(const Entry& entry, const mrq::ClkRequest& request) {
  const uint32_t clock = request.clock.value();
  switch (request.cmd) {
    case ClkCmd::kEnable:
    case ClkCmd::kDisable:
      SetVote(entry, clock, request.cmd == ClkCmd::kEnable);
      break;
    case ClkCmd::kSetRate:
    case ClkCmd::kSetParent:
      if (tunes_[clock].owner == entry.vm) DigestTune(entry, request);
      break;
    case ClkCmd::kGetAllInfo: {
      const auto info = mrq::ReadClkInfo(entry.response);
      if (info.ok() && (info->flags & mrq::clk_flag::kStateChangeDenied) != 0) {
        implied_[entry.vm.value()][clock] = true;
      }
      break;
    }
    default:
      break;
  }
}

void ReferenceModel::DigestTune(const Entry& entry, const mrq::ClkRequest& request) {
  Tune& tune = tunes_[request.clock.value()];
  if (entry.fate == Fate::kAnswered && HadNoEffect(entry.response.error)) return;
  Value& value = request.cmd == ClkCmd::kSetRate ? tune.rate : tune.parent;
  tune.owed = true;
  if (entry.fate != Fate::kAnswered || entry.response.error != 0) {
    tune.perhaps_changed = true;
    tune.rate.certain = false;  // it may follow the parent
    value.certain = false;
    return;
  }
  tune.changed = value.certain = true;
  value.perhaps_boot = false;
  value.is = request.cmd == ClkCmd::kSetRate ? mrq::ReadRate(entry.response).value_or(-1)
                                             : int64_t{request.parent.value()};
}

void ReferenceModel::DigestReset(const Entry& entry, const mrq::ResetRequest& request) {
  Line& line = lines_[request.reset.value()];
  const bool asserts = request.cmd == mrq::ResetCmd::kAssert;
  const bool done = entry.fate == Fate::kAnswered && entry.response.error == 0;
  if (request.reset == kVideoReset) {
    if (!done) {
      line.certain =
          line.certain && entry.fate == Fate::kAnswered && HadNoEffect(entry.response.error);
      if (!line.certain) wants_video_[entry.vm.value()].reset();
    } else if (request.cmd != mrq::ResetCmd::kModule) {
      wants_video_[entry.vm.value()] = !asserts;
    }
    return;
  }
  if (line.owner != entry.vm) return;
  if (done) {
    line.asserted = asserts;
    line.certain = true;
    line.touched |= !asserts;
  } else if (entry.fate == Fate::kGaveUp || !HadNoEffect(entry.response.error)) {
    // After a lost answer a release asserts, whatever was asked.
    line.certain = false;
    line.perhaps_touched = true;
  }
}

void ReferenceModel::DigestPg(const Entry& entry, const mrq::PgRequest& request) {
  if (request.cmd != mrq::PgCmd::kSetState) return;
  const size_t gate = kClockCount + request.domain.value();
  SetVote(entry, gate, request.arg != 0);
  const bool took_effect = entry.fate == Fate::kGaveUp || entry.response.error == 0;
  if (request.arg == 0 && took_effect && entry.vm == kGpuVm) residue_[gate] = false;
}

void ReferenceModel::Die(VmId vm) {
  votes_[vm.value()].fill(false);
  implied_[vm.value()].fill(false);
  wants_video_[vm.value()].reset();
  if (vm == kGpuVm) residue_[kClockCount + kGpuDomain.value()] = false;
  for (Tune& tune : tunes_) {
    if (tune.owner != vm) continue;
    tune.changed = tune.perhaps_changed = false;
    tune.rate.perhaps_boot = tune.parent.perhaps_boot = true;
  }
  for (Line& line : lines_) {
    if (line.owner != vm) continue;
    if (line.domain || !line.certain || line.perhaps_touched) {
      line.certain = false;
    } else if (line.touched) {
      line.asserted = true;
    }
    line.touched = line.perhaps_touched = false;
  }
}

}  // namespace bpmp::core::testing
