// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/vm_view.h"

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/ctl/resource_view.h"
#include "broker/ctl/table.h"
#include "broker/ctl/units.h"
#include "broker/ctl/words.h"

namespace bpmp::ctl {
namespace {

std::string AgeText(const google::protobuf::Timestamp& since, absl::Time now) {
  return since.seconds() == 0 ? "" : FormatAge(now - absl::FromUnixSeconds(since.seconds()));
}

std::string PidText(const v1::Vm& vm) {
  return vm.session().pid() > 0 ? absl::StrCat(vm.session().pid()) : "";
}

std::string DevicesText(const v1::VmConfig& config) {
  return absl::StrJoin(config.devices(), ", ",
                       [](std::string* out, const v1::DeviceGrantConfig& grant) {
                         absl::StrAppend(out, grant.device());
                       });
}

std::string GrantsText(const google::protobuf::RepeatedPtrField<v1::ResourceGrantConfig>& grants) {
  return absl::StrJoin(grants, ", ", [](std::string* out, const v1::ResourceGrantConfig& grant) {
    absl::StrAppend(out, grant.name(), " (", AccessWord(grant.access()), ")");
  });
}

std::string NumbersText(const google::protobuf::RepeatedField<uint32_t>& numbers) {
  return absl::StrJoin(numbers, ", ");
}

// All that the VM may use, short enough for a table.
std::string UsesText(const v1::VmConfig& config) {
  if (config.all() == v1::ACCESS_EXCLUSIVE) {
    return "everything";
  }
  std::string text = DevicesText(config);
  const auto single =
      static_cast<uint32_t>(config.clocks_size() + config.resets_size() +
                            config.power_domains_size() + config.pcie_controllers_size() +
                            (config.has_thermal() ? 1 : 0) + (config.emc_latency() ? 1 : 0));
  if (single > 0) {
    absl::StrAppend(&text, text.empty() ? "" : ", ",
                    Count(single, "single grant", "single grants"));
  }
  return text;
}

Cell StreamCell(const v1::Vm& vm) {
  if (vm.releasing()) {
    return {"releasing", Tone::kWarn};
  }
  if (!vm.has_session()) {
    return {"none", Tone::kDim};
  }
  if (!vm.session().connected()) {
    return {"lost", Tone::kWarn};
  }
  return vm.session().throttled() ? Cell("throttled", Tone::kWarn) : Cell("connected", Tone::kGood);
}

std::string SessionText(const v1::Vm& vm, absl::Time now) {
  if (!vm.has_session()) {
    return StreamCell(vm).text;
  }
  const v1::VmSession& session = vm.session();
  std::string text = absl::StrCat(StreamCell(vm).text, ", number ", session.id());
  if (!session.client().empty()) {
    absl::StrAppend(&text, ", ", session.client());
  }
  if (session.pid() > 0) {
    absl::StrAppend(&text, ", pid ", session.pid(), " uid ", session.uid());
  }
  const std::string age = AgeText(session.since(), now);
  absl::StrAppend(&text, age.empty() ? "" : absl::StrCat(", for ", age), ", ", session.requests(),
                  session.requests() == 1 ? " request" : " requests");
  return text;
}

// Empty for a VM that isn't.
std::string DrainingText(const v1::Vm& vm) {
  if (!vm.draining()) {
    return "";
  }
  return absl::StrCat("takes no new session", vm.free() ? " and holds nothing" : "",
                      "; to let it: bpmpctl vm undrain ", vm.name());
}

std::string TransfersText(const v1::ServerStatus& status) {
  return absl::StrCat(status.transfers_running(), " running, ", status.transfers_queued(),
                      " waiting, ", status.transfers_overdue(), " overdue");
}

// "clock uarta"; a name that says its kind already ("PCIe controller 5") is left alone.
std::string WithKind(const v1::ResourceState& resource) {
  const std::string kind = KindWord(resource.kind());
  return absl::StartsWith(resource.name(), kind) ? resource.name()
                                                 : absl::StrCat(kind, " ", resource.name());
}

std::string QuarantineText(const v1::ServerStatus& status, const Resources& quarantined) {
  std::string text = absl::StrCat(status.quarantined());
  if (!quarantined.empty()) {
    absl::StrAppend(&text, ": ",
                    absl::StrJoin(quarantined, ", ",
                                  [](std::string* out, const v1::ResourceState& resource) {
                                    absl::StrAppend(out, WithKind(resource), " (for ",
                                                    resource.quarantined_for(), ")");
                                  }),
                    "; once fit for use: bpmpctl clear-quarantine RESOURCE");
  }
  return text;
}

// "generation 2, for 5 min"; empty for a broker that doesn't say.
std::string PolicyText(const v1::ServerStatus& status, absl::Time now) {
  if (status.policy_generation() == 0) return "";
  const std::string age = AgeText(status.policy_loaded(), now);
  return absl::StrCat("generation ", status.policy_generation(),
                      age.empty() ? "" : absl::StrCat(", for ", age));
}

}  // namespace

Cell SessionCell(const v1::Vm& vm) {
  if (!vm.draining()) {
    return StreamCell(vm);
  }
  return {vm.free() ? "drained" : "draining", Tone::kWarn};
}

std::string VmTable(const v1::ListVmsResponse& vms, absl::Time now, const Style& style) {
  Table table({{"VM"},
               {"SESSION"},
               {"FOR"},
               {"CLIENT"},
               {"PID", Align::kRight},
               {"CLOCKS", Align::kRight},
               {"DOMAINS", Align::kRight},
               {"WAITING", Align::kRight},
               {"EPOCH", Align::kRight},
               {"DEVICES"}});
  for (const v1::Vm& vm : vms.vms()) {
    table.Add({vm.name(), SessionCell(vm), AgeText(vm.session().since(), now),
               vm.session().client(), PidText(vm), absl::StrCat(vm.clock_votes()),
               absl::StrCat(vm.power_domain_votes()), absl::StrCat(vm.waiting()),
               absl::StrCat(vm.epoch()), UsesText(vm.config())});
  }
  return table.empty() ? "no VM is defined; bpmpctl vm add NAME --device DEVICE adds one\n"
                       : table.Render(style);
}

std::string VmText(const v1::Vm& vm, absl::Time now, const Style& style) {
  const v1::VmConfig& config = vm.config();
  std::string text = RenderProperties(
      {{"vm", Cell(vm.name())},
       {"session", Cell(SessionText(vm, now), StreamCell(vm).tone)},
       {vm.free() ? "DRAINED" : "DRAINING", Cell(DrainingText(vm), Tone::kWarn)},
       {"socket", Cell(vm.socket())},
       {"epoch", Cell(absl::StrCat(vm.epoch(), vm.releasing() ? ", being released" : ""))},
       {"holds",
        Cell(absl::StrCat(Count(vm.clock_votes(), "clock", "clocks"), ", ",
                          Count(vm.power_domain_votes(), "power domain", "power domains")))},
       {"waiting", Cell(vm.waiting() == 0 ? "" : Count(vm.waiting(), "request", "requests"))},
       {"AUDIT-ONLY", Cell(vm.audit_only() ? "what its policy denies is allowed" : "", Tone::kBad)},
       {"may use", Cell(config.all() == v1::ACCESS_EXCLUSIVE ? "everything" : "")},
       {"devices", Cell(DevicesText(config))},
       {"clocks", Cell(GrantsText(config.clocks()))},
       {"resets", Cell(GrantsText(config.resets()))},
       {"power domains", Cell(GrantsText(config.power_domains()))},
       {"PCIe controllers", Cell(NumbersText(config.pcie_controllers()))},
       {"thermal zones", Cell(NumbersText(config.thermal().zones()))},
       {"memory", Cell(config.emc_latency() ? "its latencies may be read" : "")},
       {"peer unit", Cell(config.peer().unit())}},
      style);
  if (vm.holds_size() > 0) {
    Table table({{"HOLDS"}, {"KIND"}, {"STATE"}, {"RATE", Align::kRight}, {"WITH"}, {"NOTES"}});
    for (const v1::ResourceState& held : vm.holds()) {
      std::vector<std::string> others;
      for (const std::string& holder : held.holders()) {
        if (holder != vm.name()) {
          others.push_back(holder);
        }
      }
      table.Add({TitleOf(held), KindWord(held.kind()), GateCell(held.gate()),
                 held.rate_hz() > 0 ? FormatRate(held.rate_hz()) : "", absl::StrJoin(others, ", "),
                 NotesOf(held)});
    }
    absl::StrAppend(&text, "\n", table.Render(style));
  }
  return text;
}

std::string StatusText(const v1::ServerStatus& status, const Resources& quarantined, absl::Time now,
                       const Style& style) {
  const std::string age = AgeText(status.started(), now);
  return RenderProperties(
      {{"broker", Cell(absl::StrCat("bpmp-broker ", status.version(),
                                    age.empty() ? "" : absl::StrCat(", up ", age)))},
       {"backend", status.backend_healthy()
                       ? Cell(status.backend() + ", healthy", Tone::kGood)
                       : Cell(status.backend() + ", not answering", Tone::kBad)},
       {"firmware", Cell(status.firmware_tag())},
       {"board",
        Cell(absl::StrCat(Count(status.clocks(), "clock", "clocks"), ", ",
                          Count(status.power_domains(), "power domain", "power domains")))},
       {"policy", Cell(PolicyText(status, now))},
       {"AUDIT-ONLY", Cell(absl::StrJoin(status.audit_only(), ", "), Tone::kBad)},
       {"DRAINING", Cell(absl::StrJoin(status.draining(), ", "), Tone::kWarn)},
       {"vms", Cell(absl::StrCat(status.vms(), " defined, ", status.sessions(), " connected"))},
       {"transfers",
        Cell(TransfersText(status), status.transfers_overdue() > 0 ? Tone::kBad : Tone::kPlain)},
       {"quarantined", Cell(QuarantineText(status, quarantined),
                            status.quarantined() > 0 ? Tone::kBad : Tone::kPlain)},
       {"PINS REFUSED", Cell(absl::StrJoin(status.failed_pins(), ", "), Tone::kBad)},
       {"last event", Cell(absl::StrCat(status.last_event()))},
       {"configuration",
        Cell(status.config_file().empty() ? "built-in defaults" : status.config_file())}},
      style);
}

}  // namespace bpmp::ctl
