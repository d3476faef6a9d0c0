// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "broker/backend/sim/csv.h"
#include "broker/backend/sim/fault.h"
#include "broker/backend/sim/t234_data.h"
#include "broker/backend/sim/thermal_model.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"
#include "broker/mrq/codec.h"

namespace bpmp::backend::sim {
namespace {

struct EffectName {
  std::string_view name;
  FaultEffect effect;
};
constexpr EffectName kEffects[] = {
    {"hang", FaultEffect::kHang},   {"lost", FaultEffect::kLost},
    {"drop", FaultEffect::kDrop},   {"unavailable", FaultEffect::kUnavailable},
    {"drift", FaultEffect::kDrift},
};

constexpr std::string_view kPossible =
    "error=, delay=, heat=, hang, lost, drop, unavailable or drift";

// Numbers up to here are asked for their names; the ABI's are all below.
constexpr uint32_t kMaxMrq = 127;
constexpr int32_t kMaxError = 255;

absl::Status Bad(std::string_view what, std::string_view word, std::string_view possible) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", ToAbsl(word), "' is no ", ToAbsl(what), "; write ", ToAbsl(possible)));
}

std::optional<uint32_t> MrqByName(std::string_view name) {
  for (uint32_t mrq = 0; mrq <= kMaxMrq; ++mrq) {
    if (mrq::MrqName(mrq) == name && name != "?") {
      return mrq;
    }
  }
  return std::nullopt;
}

// One request of each command of an MRQ that has ids.
std::vector<mrq::Request> CommandsOf(uint32_t mrq) {
  std::vector<mrq::Request> requests;
  const auto add = [&](auto request, auto first, auto last) {
    for (auto cmd = static_cast<uint32_t>(first); cmd <= static_cast<uint32_t>(last); ++cmd) {
      request.cmd = static_cast<decltype(first)>(cmd);
      requests.emplace_back(request);
    }
  };
  if (mrq == static_cast<uint32_t>(mrq::Mrq::kClk)) {
    add(mrq::ClkRequest(), mrq::ClkCmd::kGetRate, mrq::ClkCmd::kGetFmaxAtVmin);
  } else if (mrq == static_cast<uint32_t>(mrq::Mrq::kReset)) {
    add(mrq::ResetRequest(), mrq::ResetCmd::kAssert, mrq::ResetCmd::kGetMaxId);
  } else if (mrq == static_cast<uint32_t>(mrq::Mrq::kPg)) {
    add(mrq::PgRequest(), mrq::PgCmd::kQueryAbi, mrq::PgCmd::kGetMaxId);
  } else if (mrq == static_cast<uint32_t>(mrq::Mrq::kThermal)) {
    add(mrq::ThermalRequest(), mrq::ThermalCmd::kQueryAbi, mrq::ThermalCmd::kGetThermtrip);
  } else if (mrq == static_cast<uint32_t>(mrq::Mrq::kUphy)) {
    add(mrq::UphyRequest(), mrq::UphyCmd::kMarginControl, mrq::UphyCmd::kEpControllerPllOff);
  }
  return requests;
}

// Returns the command, empty for "*".
absl::StatusOr<std::string> ParseCommand(uint32_t mrq, std::string_view word) {
  if (word == "*") {
    return std::string();
  }
  std::string possible = "*";
  for (const mrq::Request& request : CommandsOf(mrq)) {
    const std::string_view name = mrq::CommandName(request);
    if (name == word) {
      return std::string(name);
    }
    if (!name.empty() && name != "?") {
      absl::StrAppend(&possible, ", ", ToAbsl(name));
    }
  }
  return Bad(absl::StrCat("command of ", ToAbsl(mrq::MrqName(mrq))), word, possible);
}

absl::StatusOr<uint32_t> ParseId(uint32_t mrq, std::string_view word) {
  if (const auto number = ParseNumber<uint32_t>(word); number.ok()) {
    return *number;
  }
  const SocData& soc = T234Data();
  if (mrq == static_cast<uint32_t>(mrq::Mrq::kClk)) {
    if (const auto id = soc.FindClock(word)) return id->value();
  } else if (mrq == static_cast<uint32_t>(mrq::Mrq::kReset)) {
    if (const auto id = soc.FindReset(word)) return id->value();
  } else if (mrq == static_cast<uint32_t>(mrq::Mrq::kPg)) {
    if (const auto id = soc.FindDomain(word)) return id->value();
  }
  return Bad(absl::StrCat("id or name for ", ToAbsl(mrq::MrqName(mrq))), word,
             "a number or a name of the Tegra234's");
}

absl::Status SetEffect(FaultEffect effect, Fault* fault) {
  if (fault->effect != FaultEffect::kNone) {
    return absl::InvalidArgumentError(
        "a fault has one effect besides delay= and heat=; write two faults");
  }
  fault->effect = effect;
  return absl::OkStatus();
}

absl::Status ParseCounter(std::string_view word, std::string_view value, uint64_t least,
                          uint64_t* counter) {
  const auto number = ParseNumber<uint64_t>(value);
  if (!number.ok() || *number < least) {
    return Bad("count", word, absl::StrCat("a number from ", least));
  }
  *counter = *number;
  return absl::OkStatus();
}

absl::Status ParseError(std::string_view word, std::string_view name, Fault* fault) {
  for (int32_t number = 1; number <= kMaxError; ++number) {
    if (mrq::ErrorName(number) == name && name != "E?") {
      fault->error = static_cast<mrq::Error>(number);
      return SetEffect(FaultEffect::kError, fault);
    }
  }
  return Bad("error", word, "a BPMP error by name, like error=EIO");
}

absl::Status ParseHeat(std::string_view word, std::string_view value, Fault* fault) {
  const size_t colon = value.find(':');
  const auto zone = ParseNumber<uint32_t>(value.substr(0, colon));
  const auto milli_c = colon == std::string_view::npos
                           ? absl::InvalidArgumentError("no temperature")
                           : ParseNumber<int32_t>(value.substr(colon + 1));
  if (!zone.ok() || !milli_c.ok() || !ThermalModel::Has(ThermalZoneId(*zone))) {
    return Bad("temperature of a zone", word, "a zone and millidegrees C, like heat=8:96000");
  }
  fault->heat = Heat{ThermalZoneId(*zone), *milli_c};
  return absl::OkStatus();
}

// "key=value".
absl::Status ParseSetting(std::string_view word, Fault* fault) {
  const size_t equals = word.find('=');
  const std::string_view key = word.substr(0, equals);
  const std::string_view value = word.substr(equals + 1);
  if (key == "error") {
    return ParseError(word, value, fault);
  }
  if (key == "delay") {
    if (!absl::ParseDuration(ToAbsl(value), &fault->delay) || fault->delay < absl::ZeroDuration()) {
      return Bad("delay", word, "a duration, like delay=50ms");
    }
    return absl::OkStatus();
  }
  if (key == "heat") return ParseHeat(word, value, fault);
  if (key == "nth") return ParseCounter(word, value, 1, &fault->nth);
  if (key == "every") return ParseCounter(word, value, 1, &fault->every);
  if (key == "count") return ParseCounter(word, value, 0, &fault->count);
  return Bad("setting", word, "error=, delay=, heat=, nth=, every= or count=");
}

const EffectName* FindEffect(std::string_view word) {
  const auto* found = std::find_if(std::begin(kEffects), std::end(kEffects),
                                   [&](const EffectName& effect) { return effect.name == word; });
  return found == std::end(kEffects) ? nullptr : found;
}

bool EndsMatch(std::string_view word) {
  return word.find('=') != std::string_view::npos || FindEffect(word) != nullptr;
}

// The words up to the first effect or setting.
absl::Status ParseMatch(const std::vector<std::string_view>& words, Fault* fault) {
  if (words.empty()) {
    return absl::InvalidArgumentError(
        "a fault starts with the requests it is about: * or an MRQ, like 'CLK ENABLE 155'");
  }
  if (words.size() > 3 || (words.size() > 1 && words[0] == "*")) {
    return Bad("effect", words[words[0] == "*" ? 1 : 3], kPossible);
  }
  if (words[0] != "*") {
    fault->mrq = MrqByName(words[0]);
    if (!fault->mrq.has_value()) {
      return Bad("MRQ", words[0], "* or a name like CLK, RESET, PG");
    }
  }
  if (words.size() > 1) {
    BPMP_ASSIGN_OR_RETURN(fault->command, ParseCommand(*fault->mrq, words[1]));
  }
  if (words.size() > 2 && words[2] != "*") {
    BPMP_ASSIGN_OR_RETURN(fault->id, ParseId(*fault->mrq, words[2]));
  }
  return absl::OkStatus();
}

bool Mentions(const std::vector<std::string_view>& words, std::string_view key) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return word.substr(0, key.size()) == key; });
}

}  // namespace

absl::StatusOr<Fault> ParseFault(std::string_view text) {
  const std::vector<std::string_view> words = Split(text, ' ');
  const auto effects = std::find_if(words.begin(), words.end(), EndsMatch);
  Fault fault;
  BPMP_RETURN_IF_ERROR(ParseMatch({words.begin(), effects}, &fault));
  for (auto word = effects; word != words.end(); ++word) {
    const EffectName* effect = FindEffect(*word);
    if (effect == nullptr && word->find('=') == std::string_view::npos) {
      return Bad("effect", *word, kPossible);
    }
    BPMP_RETURN_IF_ERROR(effect != nullptr ? SetEffect(effect->effect, &fault)
                                           : ParseSetting(*word, &fault));
  }
  if (fault.effect == FaultEffect::kNone && !Mentions(words, "delay=") && !fault.heat) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", ToAbsl(text), "' has no effect; add ", ToAbsl(kPossible)));
  }
  if (Mentions(words, "nth=") && !Mentions(words, "count=") && !Mentions(words, "every=")) {
    fault.count = 1;
  }
  return fault;
}

std::string ToText(const Fault& fault) {
  std::string text = fault.mrq.has_value() ? std::string(mrq::MrqName(*fault.mrq)) : "*";
  if (!fault.command.empty() || fault.id.has_value()) {
    absl::StrAppend(&text, " ", fault.command.empty() ? "*" : fault.command);
  }
  if (fault.id.has_value()) {
    absl::StrAppend(&text, " ", *fault.id);
  }
  if (fault.delay > absl::ZeroDuration() ||
      (fault.effect == FaultEffect::kNone && !fault.heat.has_value())) {
    absl::StrAppend(&text, " delay=", absl::FormatDuration(fault.delay));
  }
  if (fault.heat.has_value()) {
    absl::StrAppend(&text, " heat=", fault.heat->zone.value(), ":", fault.heat->milli_c);
  }
  if (fault.effect == FaultEffect::kError) {
    absl::StrAppend(&text, " error=", ToAbsl(mrq::ErrorName(static_cast<int32_t>(fault.error))));
  }
  for (const EffectName& effect : kEffects) {
    if (effect.effect == fault.effect) {
      absl::StrAppend(&text, " ", ToAbsl(effect.name));
    }
  }
  if (fault.nth != 1 || fault.every != 1 || fault.count != 0) {
    absl::StrAppend(&text, " nth=", fault.nth, " every=", fault.every, " count=", fault.count);
  }
  return text;
}

}  // namespace bpmp::backend::sim
