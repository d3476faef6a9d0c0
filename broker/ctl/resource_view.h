// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_RESOURCE_VIEW_H_
#define BROKER_CTL_RESOURCE_VIEW_H_

#include <string>
#include <vector>

#include "bpmp/v1/admin.pb.h"
#include "broker/ctl/style.h"

// Clocks, resets and power domains as text for a terminal. Pure functions.
namespace bpmp::ctl {

using Resources = std::vector<v1::ResourceState>;

std::string ClockTable(const Resources& clocks, const Style& style);
std::string ResetTable(const Resources& resets, const Style& style);
std::string DomainTable(const Resources& domains, const Style& style);
// One row for each holder of each resource, with its rate vote.
std::string HolderTable(const Resources& resources, const Style& style);

// Everything about one.
std::string ResourceText(const v1::ResourceState& resource, const Style& style);

// What is unusual about it, in a few words: "pinned, quarantined for gpu-vm". Empty if nothing is.
std::string NotesOf(const v1::ResourceState& resource);

// Somebody holds it, it is on, in doubt or quarantined.
bool IsActive(const v1::ResourceState& resource);

// "uarta"; "clock 155" for one without a name.
std::string TitleOf(const v1::ResourceState& resource);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_RESOURCE_VIEW_H_
