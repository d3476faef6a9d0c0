// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/request_parser.h"

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "broker/base/endian.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"
#include "broker/ctl/request_grammar.h"
#include "broker/ctl/style.h"
#include "broker/ctl/suggest.h"
#include "broker/ctl/units.h"
#include "broker/mrq/codec.h"

namespace bpmp::ctl {
namespace {

using Words = std::vector<std::string>;
constexpr uint64_t kAnyU32 = std::numeric_limits<uint32_t>::max();

v1::ResourceKind KindOf(ArgumentKind kind) {
  switch (kind) {
    case ArgumentKind::kClock:
      return v1::RESOURCE_KIND_CLOCK;
    case ArgumentKind::kReset:
      return v1::RESOURCE_KIND_RESET;
    case ArgumentKind::kDomain:
      return v1::RESOURCE_KIND_POWER_DOMAIN;
    default:
      return v1::RESOURCE_KIND_UNSPECIFIED;
  }
}

// --- Arguments ----------------------------------------------------------------------------------

absl::StatusOr<uint32_t> ParseMrq(std::string_view word) {
  constexpr uint32_t kNamedCodes = 128;
  for (uint32_t code = 0; code < kNamedCodes; ++code) {
    const std::string_view name = mrq::MrqName(code);
    if (name != "?" && absl::EqualsIgnoreCase(ToAbsl(word), ToAbsl(name))) {
      return code;
    }
  }
  BPMP_ASSIGN_OR_RETURN(const uint64_t code, ParseNumber(word, kAnyU32, "an MRQ has a name or"));
  return static_cast<uint32_t>(code);
}

absl::Status AppendHex(std::string_view digits, std::vector<uint8_t>* bytes) {
  const bool plain =
      digits.size() % 2 == 0 && std::all_of(digits.begin(), digits.end(), [](char c) {
        return absl::ascii_isxdigit(static_cast<unsigned char>(c));
      });
  if (!plain || digits.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(digits), " are no bytes; write two hex digits for each"));
  }
  const std::string decoded = absl::HexStringToBytes(ToAbsl(digits));
  bytes->insert(bytes->end(), decoded.begin(), decoded.end());
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ParseResource(ArgumentKind kind, const std::string& word, Names& names) {
  if (!word.empty() && absl::ascii_isdigit(static_cast<unsigned char>(word[0]))) {
    const uint64_t max = kind == ArgumentKind::kClock ? mrq::kClockIdMask : kAnyU32;
    const absl::StatusOr<uint64_t> id = ParseNumber(word, max, "an id");
    if (id.ok()) {
      return static_cast<int64_t>(*id);
    }
    // "3d_engine" would be a name; a number that is too large is not.
    if (std::all_of(word.begin(), word.end(),
                    [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); })) {
      return id.status();
    }
  }
  BPMP_ASSIGN_OR_RETURN(const uint32_t id, names.Id(KindOf(kind), word));
  return int64_t{id};
}

absl::StatusOr<int64_t> ParseArgument(const Argument& argument, const std::string& word,
                                      Names& names, std::vector<uint8_t>* bytes) {
  switch (argument.kind) {
    case ArgumentKind::kClock:
    case ArgumentKind::kReset:
    case ArgumentKind::kDomain:
      return ParseResource(argument.kind, word, names);
    case ArgumentKind::kRate:
      return ParseRate(word);
    case ArgumentKind::kMrq: {
      BPMP_ASSIGN_OR_RETURN(const uint32_t code, ParseMrq(word));
      return int64_t{code};
    }
    case ArgumentKind::kBytes:
      BPMP_RETURN_IF_ERROR(AppendHex(word, bytes));
      return 0;
    default:
      break;
  }
  BPMP_ASSIGN_OR_RETURN(const uint64_t number,
                        ParseNumber(word, argument.max, absl::StrCat("a ", ToAbsl(argument.name))));
  return static_cast<int64_t>(number);
}

absl::StatusOr<ParsedRequest> Build(const Form& form, const Words& arguments, Names& names) {
  ParsedRequest parsed;
  Values values;
  size_t given = 0;
  for (size_t i = 0; i < kMaxArguments; ++i) {
    const Argument& argument = form.arguments[i];
    if (argument.kind == ArgumentKind::kNone) {
      break;
    }
    if (given == arguments.size()) {
      if (argument.optional) {
        values.number[i] = argument.fallback;
        continue;
      }
      return absl::InvalidArgumentError(
          absl::StrCat(ToAbsl(argument.name), " is missing; write: ", Usage(form)));
    }
    if (i == 0 && KindOf(argument.kind) != v1::RESOURCE_KIND_UNSPECIFIED) {
      parsed.kind = KindOf(argument.kind);
      parsed.resource = arguments[given];
    }
    BPMP_ASSIGN_OR_RETURN(values.number[i],
                          ParseArgument(argument, arguments[given], names, &values.bytes));
    ++given;
  }
  if (given < arguments.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(arguments[given]), " is one word too many; write: ", Usage(form)));
  }
  parsed.typed = form.make(values);
  if (form.range) {
    parsed.max_rate_hz = values.number[2];
  }
  return parsed;
}

// --- raw ----------------------------------------------------------------------------------------

absl::Status AppendRaw(const std::string& word, std::vector<uint8_t>* bytes) {
  if (absl::StartsWith(word, "hex:")) {
    BPMP_RETURN_IF_ERROR(AppendHex(std::string_view(word).substr(4), bytes));
  } else {
    BPMP_ASSIGN_OR_RETURN(const uint64_t value, ParseNumber(word, kAnyU32, "a word"));
    bytes->resize(bytes->size() + sizeof(uint32_t));
    StoreLe(absl::MakeSpan(*bytes), bytes->size() - sizeof(uint32_t), static_cast<uint32_t>(value));
  }
  if (bytes->size() > mrq::kPayloadSize) {
    return absl::InvalidArgumentError(
        absl::StrCat("a request has at most ", mrq::kPayloadSize, " bytes"));
  }
  return absl::OkStatus();
}

absl::StatusOr<ParsedRequest> BuildRaw(const Words& arguments) {
  if (arguments.empty()) {
    return absl::InvalidArgumentError(
        "MRQ is missing; write: raw MRQ [WORD|hex:BYTES]... [rx=N], e.g. raw 22 0x0700009b");
  }
  BPMP_ASSIGN_OR_RETURN(const uint32_t code, ParseMrq(arguments[0]));
  std::vector<uint8_t> bytes;
  std::optional<uint32_t> rx_size;
  for (size_t i = 1; i < arguments.size(); ++i) {
    if (absl::StartsWith(arguments[i], "rx=")) {
      BPMP_ASSIGN_OR_RETURN(const uint64_t size,
                            ParseNumber(std::string_view(arguments[i]).substr(3), mrq::kPayloadSize,
                                        "the size of an answer"));
      rx_size = static_cast<uint32_t>(size);
    } else {
      BPMP_RETURN_IF_ERROR(AppendRaw(arguments[i], &bytes));
    }
  }
  ParsedRequest parsed;
  const absl::StatusOr<mrq::Request> typed = mrq::DecodeRequest(code, bytes);
  if (typed.ok()) {
    parsed.typed = *typed;
  }
  parsed.wire.set_mrq(code);
  parsed.wire.set_tx(bytes.data(), bytes.size());
  parsed.wire.set_rx_size(rx_size.value_or(typed.ok() ? mrq::EncodeRequest(*typed).rx_size
                                                      : uint32_t{mrq::kPayloadSize}));
  return parsed;
}

// --- Finding the form ---------------------------------------------------------------------------

// All words that may stand where `noun` and then `verb` stand.
Words Nouns() {
  Words nouns;
  for (const Form& form : Forms()) {
    if (nouns.empty() || nouns.back() != form.noun) {
      nouns.emplace_back(form.noun);
    }
  }
  nouns.emplace_back(kRaw);
  return nouns;
}

absl::StatusOr<const Form*> FindForm(const Words& words) {
  Words verbs;
  for (const Form& form : Forms()) {
    if (form.noun != words[0]) {
      continue;
    }
    if (form.verb.empty() || (words.size() > 1 && form.verb == words[1])) {
      return &form;
    }
    verbs.emplace_back(form.verb);
  }
  if (verbs.empty()) {
    const Words nouns = Nouns();
    return absl::InvalidArgumentError(absl::StrCat("no request begins with ", Quoted(words[0]),
                                                   DidYouMean(words[0], nouns),
                                                   " There are: ", absl::StrJoin(nouns, ", ")));
  }
  const std::string choice = absl::StrJoin(verbs, ", ");
  if (words.size() == 1) {
    return absl::InvalidArgumentError(absl::StrCat("what of ", words[0], "? One of: ", choice));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      words[0], " has no ", Quoted(words[1]), DidYouMean(words[1], verbs), " There are: ", choice));
}

}  // namespace

absl::Status CheckGuestCanSay(const ParsedRequest& request) {
  if (!request.max_rate_hz.has_value()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "a guest's kernel can't state a range of rates, only clients of the typed API can; write: "
      "bpmpctl request VM " +
      request.text);
}

std::vector<std::string> SplitWords(std::string_view line) {
  return absl::StrSplit(ToAbsl(line), absl::ByAnyChar(" \t\r\n"), absl::SkipEmpty());
}

absl::StatusOr<ParsedRequest> ParseRequest(const std::vector<std::string>& words, Names& names) {
  const Words all = SplitWords(absl::StrJoin(words, " "));
  if (all.empty()) {
    return absl::InvalidArgumentError("no request; write one such as: clk enable uarta");
  }
  absl::StatusOr<ParsedRequest> parsed;
  if (all[0] == kRaw) {
    parsed = BuildRaw(Words(all.begin() + 1, all.end()));
  } else {
    BPMP_ASSIGN_OR_RETURN(const Form* form, FindForm(all));
    parsed = Build(*form, Words(all.begin() + (form->verb.empty() ? 1 : 2), all.end()), names);
  }
  BPMP_RETURN_IF_ERROR(parsed.status());
  parsed->text = absl::StrJoin(all, " ");
  if (all[0] != kRaw) {
    parsed->wire = ToWire(*parsed->typed);
  }
  return parsed;
}

v1::MrqRequest ToWire(const mrq::Request& request) {
  const mrq::EncodedRequest encoded = mrq::EncodeRequest(request);
  v1::MrqRequest wire;
  wire.set_mrq(encoded.mrq);
  wire.set_tx(encoded.data.data(), encoded.size);
  wire.set_rx_size(encoded.rx_size);
  return wire;
}

}  // namespace bpmp::ctl
