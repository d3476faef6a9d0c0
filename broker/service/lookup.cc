// SPDX-License-Identifier: Apache-2.0
#include "broker/service/lookup.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"
#include "broker/core/core.h"
#include "broker/core/names.h"
#include "broker/service/convert.h"

namespace bpmp::service {
namespace {

absl::StatusOr<core::ResourceKind> KindOf(const v1::ResourceRef& ref, core::ResourceKind wanted) {
  const core::ResourceKind said = FromProto(ref.kind());
  if (wanted == core::ResourceKind::kNone) {
    if (said == core::ResourceKind::kNone) {
      return absl::InvalidArgumentError(
          "say what it is: the reference's kind is a clock, a power domain, a reset or a PCIe "
          "controller");
    }
    return said;
  }
  if (said != core::ResourceKind::kNone && said != wanted) {
    return absl::InvalidArgumentError(absl::StrCat("this takes a ", ToAbsl(core::KindName(wanted)),
                                                   ", and was given a ",
                                                   ToAbsl(core::KindName(said))));
  }
  return wanted;
}

// The search for similar names is too long for the engine's lock; what it needs is constant for the
// core's life.
absl::Status Unknown(const backend::Engine& engine, core::ResourceKind kind,
                     const std::string& written) {
  const auto [inventory, profile] = engine.Read(
      [](const core::Core& core) { return std::pair(&core.inventory(), &core.profile()); });
  return absl::NotFoundError(core::Names(*inventory, *profile).Unknown(kind, written));
}

}  // namespace

std::string WrittenAs(const v1::ResourceRef& ref) {
  return ref.selector_case() == v1::ResourceRef::kId ? absl::StrCat(ref.id()) : ref.name();
}

absl::StatusOr<core::Resource> FindResource(const backend::Engine& engine,
                                            const v1::ResourceRef& ref, core::ResourceKind kind) {
  BPMP_ASSIGN_OR_RETURN(const core::ResourceKind wanted, KindOf(ref, kind));
  const std::string written = WrittenAs(ref);
  if (written.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("name a ", ToAbsl(core::KindName(wanted)), " by its name or id"));
  }
  const std::optional<core::Resource> found =
      engine.Read([&](const core::Core& core) { return core.FindResource(wanted, written); });
  if (!found.has_value()) return Unknown(engine, wanted, written);
  return *found;
}

absl::StatusOr<VmId> FindVm(const backend::Engine& engine, std::string_view name) {
  constexpr size_t kShown = 8;
  std::vector<std::string> names;
  const std::optional<VmId> found = engine.Read([&](const core::Core& core) {
    const std::optional<VmId> vm = core.FindVm(name);
    if (vm.has_value()) return vm;
    for (core::VmStatus& status : core.Vms()) {
      if (status.defined) names.push_back(std::move(status.name));
    }
    return vm;
  });
  if (found.has_value()) return *found;
  std::string text = absl::StrCat("no vm '", ToAbsl(name), "'");
  if (names.empty()) {
    absl::StrAppend(&text, "; none is defined");
  } else {
    const bool cut = names.size() > kShown;
    if (cut) names.resize(kShown);
    absl::StrAppend(&text, "; there are ", absl::StrJoin(names, ", "), cut ? ", ..." : "");
  }
  return absl::NotFoundError(text);
}

}  // namespace bpmp::service
