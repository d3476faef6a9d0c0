// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/policy_view.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "broker/ctl/words.h"

namespace bpmp::ctl {
namespace {

using Lines = google::protobuf::RepeatedPtrField<std::string>;

void Append(const char* before, const Lines& lines, std::string* text) {
  for (const std::string& line : lines) {
    absl::StrAppend(text, before, line, "\n");
  }
}

const char* KindText(v1::VmDifference::Kind kind) {
  switch (kind) {
    case v1::VmDifference::ADDED:
      return " is added";
    case v1::VmDifference::REMOVED:
      return " is removed";
    default:
      return "";
  }
}

std::string UnallowedText(const v1::VmDifference& vm, bool dry_run, bool drop) {
  if (vm.unallowed_size() == 0) {
    return "";
  }
  const std::string count = Count(static_cast<uint64_t>(vm.unallowed_size()), "hold", "holds");
  if (drop) {
    return absl::StrCat("  ", count, dry_run ? " would be undone at once\n" : " undone\n");
  }
  if (vm.kind() == v1::VmDifference::REMOVED) {
    return "";
  }
  return absl::StrCat("  ", count,
                      dry_run                    ? " would stay"
                      : vm.unallowed_size() == 1 ? " stays"
                                                 : " stay",
                      " until it drops them or is released; --drop undoes them at once\n");
}

// What YAML takes for something else than text.
bool IsWord(const std::string& text) {
  constexpr std::array kWords = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
  const std::string lower = absl::AsciiStrToLower(text);
  return std::find(kWords.begin(), kWords.end(), lower) != kWords.end();
}

// As a YAML scalar.
std::string Scalar(const std::string& text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '-' || c == '.';
  });
  return plain && !IsWord(text) ? text
                                : absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "''"}}), "'");
}

// An enumeration as the configuration writes it.
std::string Word(const std::string& name, const std::string& prefix) {
  return absl::AsciiStrToLower(name.substr(name.rfind(prefix, 0) == 0 ? prefix.size() : 0));
}

std::string DeviceText(const v1::DeviceGrantConfig& device) {
  using Device = v1::DeviceGrantConfig;
  std::vector<std::string> fields;
  if (device.on_exit() > Device::ASSERT) {
    fields.push_back("on_exit: " + Word(Device::OnExit_Name(device.on_exit()), ""));
  }
  if (device.clocks_on_exit() > Device::BOOT) {
    fields.push_back("clocks_on_exit: " +
                     Word(Device::ClocksOnExit_Name(device.clocks_on_exit()), ""));
  }
  if (device.on_grant() > Device::NOTHING) {
    fields.push_back("on_grant: " + Word(Device::OnGrant_Name(device.on_grant()), ""));
  }
  std::string name = Scalar(device.device());
  if (fields.empty()) {
    return name;
  }
  return absl::StrCat("{device: ", name, ", ", absl::StrJoin(fields, ", "), "}");
}

void AppendGrants(const char* field,
                  const google::protobuf::RepeatedPtrField<v1::ResourceGrantConfig>& grants,
                  std::string* text) {
  if (grants.empty()) {
    return;
  }
  absl::StrAppend(text, "  ", field, ":\n");
  for (const v1::ResourceGrantConfig& grant : grants) {
    absl::StrAppend(text, "    - {name: ", Scalar(grant.name()),
                    ", access: ", Word(v1::Access_Name(grant.access()), "ACCESS_"), "}\n");
  }
}

void AppendOptIns(const v1::VmConfig& vm, std::string* text) {
  if (vm.has_thermal()) {
    absl::StrAppend(text, "  thermal: {zones: [", absl::StrJoin(vm.thermal().zones(), ", "),
                    "]}\n");
  }
  if (vm.emc_latency()) {
    absl::StrAppend(text, "  emc_latency: true\n");
  }
  if (vm.pcie_controllers_size() > 0) {
    absl::StrAppend(text, "  pcie_controllers: [", absl::StrJoin(vm.pcie_controllers(), ", "),
                    "]\n");
  }
}

}  // namespace

std::string DifferenceText(const v1::PolicyDifference& difference, bool dry_run, bool drop) {
  if (difference.vms_size() == 0 && difference.board_size() == 0) {
    return "nothing changes\n";
  }
  std::string text;
  for (const v1::VmDifference& vm : difference.vms()) {
    absl::StrAppend(&text, "vm ", vm.vm(), KindText(vm.kind()), "\n");
    Append("  ", vm.text(), &text);
    absl::StrAppend(&text, UnallowedText(vm, dry_run, drop));
  }
  if (difference.board_size() > 0) {
    absl::StrAppend(&text, "for all\n");
  }
  Append("  ", difference.board(), &text);
  return text;
}

std::string ReloadText(const v1::ReloadPolicyResponse& reload, bool dry_run, bool drop) {
  std::string text;
  if (reload.problems_size() > 0) {
    Append("", reload.problems(), &text);
    Append("warning: ", reload.warnings(), &text);
    absl::StrAppend(&text, dry_run ? "would be refused" : "refused",
                    "; the policy is as it was, generation ", reload.generation(), "\n");
    return text;
  }
  text = DifferenceText(reload.difference(), dry_run, drop);
  Append("warning: ", reload.warnings(), &text);
  Append("warning: ", reload.at_restart(), &text);
  Append("note: ", reload.notes(), &text);
  if (!dry_run) {
    absl::StrAppend(&text, "policy generation ", reload.generation(), " is in force\n");
  }
  return text;
}

std::string CheckText(const v1::CheckPolicyResponse& check, const std::string& file) {
  std::string text;
  Append("", check.problems(), &text);
  Append("warning: ", check.warnings(), &text);
  Append("note: ", check.notes(), &text);
  if (check.problems_size() == 0) {
    absl::StrAppend(&text, file, ": OK, ", Count(check.vms(), "VM", "VMs"), "\n");
  }
  return text;
}

std::string SuggestionText(const v1::SuggestPolicyResponse& suggestion) {
  const v1::VmConfig& vm = suggestion.vm();
  std::string text =
      "# The least that allows what the VM has asked for. A guest can ask for anything: read it\n"
      "# first. What else the VM's entry says stays as it is.\n";
  Append("# ", suggestion.notes(), &text);
  absl::StrAppend(&text, "- name: ", Scalar(vm.name()), "\n");
  if (vm.devices_size() > 0) {
    absl::StrAppend(&text, "  devices:\n");
    for (const v1::DeviceGrantConfig& device : vm.devices()) {
      absl::StrAppend(&text, "    - ", DeviceText(device), "\n");
    }
  }
  AppendGrants("clocks", vm.clocks(), &text);
  AppendGrants("resets", vm.resets(), &text);
  AppendGrants("power_domains", vm.power_domains(), &text);
  AppendOptIns(vm, &text);
  return text;
}

}  // namespace bpmp::ctl
