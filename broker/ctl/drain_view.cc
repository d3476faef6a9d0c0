// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/drain_view.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/ctl/style.h"
#include "broker/ctl/words.h"

namespace bpmp::ctl {
namespace {

// "of pid 4711, qemu 10.0.2"; empty where nothing is known.
std::string OwnerText(const v1::VmSession& session) {
  std::vector<std::string> parts;
  if (session.pid() > 0) {
    parts.push_back(absl::StrCat("pid ", session.pid()));
  }
  if (!session.client().empty()) {
    parts.push_back(Printable(session.client()));
  }
  return parts.empty() ? "" : absl::StrCat(" of ", absl::StrJoin(parts, ", "));
}

std::string HoldsText(const v1::Vm& vm) {
  std::vector<std::string> names;
  for (const v1::ResourceState& held : vm.holds()) {
    names.push_back(held.name());
  }
  return absl::StrCat("it holds ", Count(vm.clock_votes(), "clock", "clocks"), " and ",
                      Count(vm.power_domain_votes(), "power domain", "power domains"),
                      names.empty() ? "" : ": ", absl::StrJoin(names, ", "));
}

}  // namespace

std::string WhyNotFree(const v1::Vm& vm) {
  if (vm.free()) {
    return "";
  }
  if (vm.releasing()) {
    return "it is being released";
  }
  if (vm.draining() && vm.has_session()) {
    return absl::StrCat("its session", OwnerText(vm.session()),
                        " is not over: end its guest, or: bpmpctl vm drain ", vm.name(),
                        " --end-session");
  }
  const std::string release = absl::StrCat("; to undo that: bpmpctl vm release ", vm.name());
  if (vm.clock_votes() + vm.power_domain_votes() > 0) {
    return HoldsText(vm) + release;
  }
  return absl::StrCat(
      "it has left a reset deasserted or a PCIe controller on, owes a clock's rate, waits for a "
      "transfer, or something of its was on before the broker started",
      release);
}

std::string DrainText(const v1::Vm& vm) {
  const std::string& name = vm.name();
  if (vm.free()) {
    return absl::StrCat(name, " is drained: it takes no new session and holds nothing\n");
  }
  return absl::StrCat(name, " is being drained: it takes no new session; ", WhyNotFree(vm),
                      "\n  to wait for its end: bpmpctl vm wait-released ", name, "\n");
}

std::string ReleasedText(const std::string& name, const v1::WaitReleasedResponse& released) {
  if (released.drained()) {
    return absl::StrCat(name, " holds nothing, and takes nothing until: bpmpctl vm undrain ", name,
                        "\n");
  }
  return absl::StrCat(name,
                      " holds nothing at the moment; it may take things again, unless: "
                      "bpmpctl vm drain ",
                      name, "\n");
}

std::string QuarantineText(const Refs& quarantined, Names& names) {
  const std::string list =
      absl::StrJoin(quarantined, ", ", [&](std::string* out, const v1::ResourceRef& ref) {
        const std::string name = names.Name(ref.kind(), ref.id());
        absl::StrAppend(out, KindWord(ref.kind()), " ",
                        name.empty() ? absl::StrCat(ref.id()) : name);
      });
  return absl::StrCat("in quarantine, given to no other VM: ", list,
                      "; once it is fit for use again: bpmpctl clear-quarantine RESOURCE");
}

}  // namespace bpmp::ctl
