// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/trace_diff.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace bpmp::ctl {
namespace {

// How far apart two traces may be and find together again.
constexpr size_t kWindow = 32;

// How many entries to leave out of `a` from `i` on, and of `b` from `j` on, so that both go on with
// the same request; as few as can be.
template <typename Entries>
std::optional<std::pair<size_t, size_t>> FindTogether(const Entries& a, size_t i, const Entries& b,
                                                      size_t j) {
  for (size_t both = 1; both <= kWindow; ++both) {
    for (size_t in_a = 0; in_a <= both; ++in_a) {
      const size_t in_b = both - in_a;
      if (i + in_a < a.size() && j + in_b < b.size() &&
          a[i + in_a].request == b[j + in_b].request) {
        return std::pair(in_a, in_b);
      }
    }
  }
  return std::nullopt;
}

std::string SideLine(const char* sign, const v1::TraceDiff::Side& side, Tone tone,
                     const Style& style) {
  return Paint(absl::StrCat("  ", sign, " #", side.number(), "  ", side.request(), "  ",
                            side.answer()),
               tone, style) +
         "\n";
}

std::string DifferenceText(const v1::TraceDiff::Difference& difference, const Style& style) {
  const v1::TraceDiff::Side& a = difference.a();
  const v1::TraceDiff::Side& b = difference.b();
  if (a.number() != 0 && b.number() != 0) {
    return Paint(absl::StrCat("  ! #", a.number(), " | #", b.number(), "  ", a.request(), "  ",
                              a.answer(), " | ", b.answer()),
                 Tone::kWarn, style) +
           "\n";
  }
  return a.number() != 0 ? SideLine("-", a, Tone::kBad, style)
                         : SideLine("+", b, Tone::kGood, style);
}

}  // namespace

uint32_t TraceComparison::Intern(std::string key, const std::string& text) {
  const auto [found, is_new] =
      numbers_.try_emplace(std::move(key), static_cast<uint32_t>(texts_.size()));
  if (is_new) texts_.push_back(text);
  return found->second;
}

void TraceComparison::Add(Side side, const trace::Transfer& transfer,
                          const v1::TraceTransfer& message) {
  Entry entry;
  // By their bytes: texts don't say everything.
  entry.request = Intern(absl::StrCat("?", transfer.mrq, ":", transfer.tx), message.request_text());
  entry.answer = Intern(
      absl::StrCat("=", static_cast<int>(transfer.status.code()), ":", transfer.response.error, ":",
                   message.response().rx(), ":", message.answer_text()),
      message.answer_text());
  entry.number = message.number();
  const auto [last, is_new] = last_[side].try_emplace(entry.request, entry.answer);
  if (!every_ && !is_new && last->second == entry.answer && trace::IsRead(transfer)) {
    ++repeated_[side];
    return;
  }
  last->second = entry.answer;
  vms_[message.vm()][side].push_back(entry);
}

v1::TraceDiff TraceComparison::Compare(size_t limit) const {
  v1::TraceDiff diff;
  for (const auto& [vm, entries] : vms_) {
    CompareVm(vm, entries[kA], entries[kB], limit, &diff);
    diff.set_compared_a(diff.compared_a() + entries[kA].size());
    diff.set_compared_b(diff.compared_b() + entries[kB].size());
  }
  diff.set_repeated_a(repeated_[kA]);
  diff.set_repeated_b(repeated_[kB]);
  return diff;
}

void TraceComparison::CompareVm(const std::string& vm, const Entries& a, const Entries& b,
                                size_t limit, v1::TraceDiff* diff) const {
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i].request == b[j].request) {
      if (a[i].answer != b[j].answer) Report(vm, &a[i], &b[j], limit, diff);
      ++i;
      ++j;
      continue;
    }
    const auto apart = FindTogether(a, i, b, j);
    const size_t end_a = apart ? i + apart->first : std::min(i + 1, a.size());
    const size_t end_b = apart ? j + apart->second : std::min(j + 1, b.size());
    for (; i < end_a; ++i) Report(vm, &a[i], nullptr, limit, diff);
    for (; j < end_b; ++j) Report(vm, nullptr, &b[j], limit, diff);
  }
}

void TraceComparison::Report(const std::string& vm, const Entry* a, const Entry* b, size_t limit,
                             v1::TraceDiff* diff) const {
  diff->set_total(diff->total() + 1);
  if (diff->total() > limit) return;
  v1::TraceDiff::Difference* difference = diff->add_differences();
  difference->set_vm(vm);
  const auto fill = [this](const Entry* entry, v1::TraceDiff::Side* side) {
    if (entry == nullptr) return;
    side->set_number(entry->number);
    side->set_request(texts_[entry->request]);
    side->set_answer(texts_[entry->answer]);
  };
  fill(a, difference->mutable_a());
  fill(b, difference->mutable_b());
}

std::string TraceDiffText(const v1::TraceDiff& diff, const Style& style) {
  std::string text;
  std::string vm;
  for (const v1::TraceDiff::Difference& difference : diff.differences()) {
    if (difference.vm() != vm || text.empty()) absl::StrAppend(&text, difference.vm(), ":\n");
    vm = difference.vm();
    text += DifferenceText(difference, style);
  }
  const uint64_t kept = static_cast<uint64_t>(diff.differences_size());
  if (diff.total() > kept) absl::StrAppend(&text, "(", diff.total() - kept, " more)\n");
  return absl::StrCat(
      text,
      diff.total() == 0
          ? "no difference"
          : absl::StrCat(diff.total(), diff.total() == 1 ? " difference" : " differences"),
      " in ", diff.compared_a(), " and ", diff.compared_b(),
      " transfers; passed over as repeated reads: ", diff.repeated_a(), " and ", diff.repeated_b(),
      "\n");
}

}  // namespace bpmp::ctl
