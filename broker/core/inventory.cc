// SPDX-License-Identifier: Apache-2.0
#include "broker/core/inventory.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/mrq/types.h"

namespace bpmp::core {
namespace {

constexpr size_t kMaxName = mrq::kNameSize - 1;

class Sanitizer {
 public:
  explicit Sanitizer(Inventory* inventory) : inventory_(*inventory) {}

  std::vector<std::string> Run() {
    Clamp();
    absl::flat_hash_set<std::string> clock_names;
    for (uint32_t id = 0; id < inventory_.clocks.size(); ++id) {
      FixName("clock", id, &inventory_.clocks[id].name, &clock_names);
    }
    absl::flat_hash_set<std::string> domain_names;
    for (uint32_t id = 0; id < inventory_.domains.size(); ++id) {
      FixName("power domain", id, &inventory_.domains[id].name, &domain_names);
    }
    for (uint32_t id = 0; id < inventory_.clocks.size(); ++id) FixParents(ClockId(id));
    BreakCycles();
    return std::move(repairs_);
  }

 private:
  ClockInfo& At(ClockId id) { return inventory_.clocks[id.value()]; }

  void Clamp() {
    if (inventory_.clocks.size() > kMaxClockId + 1) {
      repairs_.push_back(absl::StrFormat("clocks above id %d are ignored", kMaxClockId));
      inventory_.clocks.resize(kMaxClockId + 1);
    }
    if (inventory_.domains.size() > kMaxDomainId + 1) {
      repairs_.push_back(absl::StrFormat("power domains above id %d are ignored", kMaxDomainId));
      inventory_.domains.resize(kMaxDomainId + 1);
    }
    if (inventory_.max_reset_id > kMaxResetId) {
      repairs_.push_back(absl::StrFormat("resets above id %d are ignored", kMaxResetId));
      inventory_.max_reset_id = kMaxResetId;
    }
  }

  void FixName(const char* what, uint32_t id, std::string* name,
               absl::flat_hash_set<std::string>* seen) {
    if (name->empty()) return;
    std::string fixed = name->substr(0, kMaxName);
    for (char& c : fixed) {
      if (!absl::ascii_isgraph(static_cast<unsigned char>(c))) c = '_';
    }
    // Another clock may have the made-up name, and the next: each try has a suffix of its own.
    const std::string base = fixed;
    for (int again = 0; !seen->insert(fixed).second; ++again) {
      const std::string suffix =
          again == 0 ? absl::StrCat("_", id) : absl::StrCat("_", id, "_", again);
      fixed = base.substr(0, kMaxName - suffix.size()) + suffix;
    }
    if (fixed != *name) {
      repairs_.push_back(absl::StrFormat("%s %d is shown as '%s'", what, id, fixed));
      *name = fixed;
    }
  }

  void FixParents(ClockId id) {
    ClockInfo& clock = At(id);
    if (!clock.exists()) {
      clock = ClockInfo();
      return;
    }
    const auto bad = [&](ClockId parent) {
      return parent == id || inventory_.Find(parent) == nullptr;
    };
    if (clock.parent && bad(*clock.parent)) {
      Say(id, "its parent doesn't exist; taken as a root");
      clock.parent.reset();
    }
    std::vector<ClockId> kept;
    if (clock.parent) kept.push_back(*clock.parent);
    for (const ClockId parent : clock.parents) {
      if (bad(parent)) {
        Say(id, absl::StrFormat("candidate parent %d doesn't exist", parent.value()));
      } else if (std::find(kept.begin(), kept.end(), parent) == kept.end()) {
        kept.push_back(parent);
      }
    }
    if (kept.size() > mrq::kMaxParents) {
      Say(id, "it has more than 16 candidate parents");
      kept.resize(mrq::kMaxParents);
    }
    // The firmware's order is kept, because Linux shows it to its user.
    std::vector<ClockId> ordered;
    for (const ClockId parent : clock.parents) {
      if (std::find(kept.begin(), kept.end(), parent) != kept.end() &&
          std::find(ordered.begin(), ordered.end(), parent) == ordered.end()) {
        ordered.push_back(parent);
      }
    }
    if (clock.parent && std::find(ordered.begin(), ordered.end(), *clock.parent) == ordered.end()) {
      ordered.insert(ordered.begin(), *clock.parent);
    }
    clock.parents = std::move(ordered);
  }

  // Depth first over all candidates; an edge that leads back to a clock on the way is cut.
  void BreakCycles() {
    marks_.assign(inventory_.clocks.size(), Mark::kNew);
    for (uint32_t id = 0; id < inventory_.clocks.size(); ++id) Visit(ClockId(id));
  }

  void Visit(ClockId id) {
    if (marks_[id.value()] != Mark::kNew) return;
    marks_[id.value()] = Mark::kOnPath;
    ClockInfo& clock = At(id);
    std::erase_if(clock.parents, [&](ClockId parent) {
      if (marks_[parent.value()] == Mark::kOnPath) {
        Say(id, absl::StrFormat("candidate parent %d would close a cycle", parent.value()));
        if (clock.parent == parent) clock.parent.reset();
        return true;
      }
      Visit(parent);
      return false;
    });
    marks_[id.value()] = Mark::kDone;
  }

  void Say(ClockId id, const std::string& what) {
    repairs_.push_back(absl::StrFormat("clock %d (%s): %s", id.value(), At(id).name, what));
  }

  enum class Mark : uint8_t { kNew, kOnPath, kDone };

  Inventory& inventory_;
  std::vector<Mark> marks_;
  std::vector<std::string> repairs_;
};

}  // namespace

std::vector<std::string> Sanitize(Inventory* inventory) { return Sanitizer(inventory).Run(); }

}  // namespace bpmp::core
