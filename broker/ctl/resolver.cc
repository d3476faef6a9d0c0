// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/resolver.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "bpmp/v1/clocks.grpc.pb.h"
#include "bpmp/v1/power_domains.grpc.pb.h"
#include "bpmp/v1/resets.grpc.pb.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/style.h"
#include "broker/ctl/suggest.h"
#include "broker/ctl/units.h"

namespace bpmp::ctl {
namespace {

// The verb whose `list` shows all of a kind, which is also the prefix of ParseResourceWord.
const char* VerbOf(v1::ResourceKind kind) {
  switch (kind) {
    case v1::RESOURCE_KIND_RESET:
      return "reset";
    case v1::RESOURCE_KIND_POWER_DOMAIN:
      return "domain";
    default:
      return "clock";
  }
}

bool IsCalled(const v1::ResourceState& resource, const std::string& name) {
  if (resource.name() == name) {
    return true;
  }
  const absl::StatusOr<uint64_t> id =
      ParseNumber(name, std::numeric_limits<uint32_t>::max(), "an id");
  return id.ok() && *id == resource.id();
}

absl::StatusOr<Resources> List(AdminClient& admin, v1::ResourceKind kind) {
  v1::ListResourcesRequest request;
  request.set_kind(kind);
  BPMP_ASSIGN_OR_RETURN(const v1::ListResourcesResponse response,
                        admin.Call(&v1::Admin::Stub::ListResources, request));
  return Resources(response.resources().begin(), response.resources().end());
}

// Nothing among `all` will do: there is no such name, or it is something else's.
absl::Status UnknownResource(const std::string& name, const Resources& all, const Wanted& wanted) {
  std::vector<std::string> names;
  for (const v1::ResourceState& resource : all) {
    if (IsCalled(resource, name)) {
      return absl::InvalidArgumentError(
          absl::StrCat(Quoted(name), " is a ", KindWord(resource.kind()), "; only a ",
                       absl::StrJoin(wanted.kinds, " or ",
                                     [](std::string* out, v1::ResourceKind kind) {
                                       absl::StrAppend(out, KindWord(kind));
                                     }),
                       " can ", wanted.use));
    }
    if (wanted.Has(resource.kind())) {
      names.push_back(resource.name());
    }
  }
  return absl::NotFoundError(absl::StrCat("nothing is called ", Quoted(name),
                                          DidYouMean(name, names),
                                          " All names: bpmpctl clock list, domain list, reset "
                                          "list"));
}

}  // namespace

absl::StatusOr<const CachedNames::Table*> CachedNames::Get(v1::ResourceKind kind) {
  const auto cached = tables_.find(kind);
  if (cached != tables_.end()) {
    return &cached->second;
  }
  BPMP_ASSIGN_OR_RETURN(Table table, Fetch(kind));
  return &tables_.emplace(kind, std::move(table)).first->second;
}

absl::StatusOr<uint32_t> CachedNames::Id(v1::ResourceKind kind, std::string_view name) {
  BPMP_ASSIGN_OR_RETURN(const Table* table, Get(kind));
  const auto found = table->find(name);
  if (found != table->end()) {
    return found->second;
  }
  std::vector<std::string> known;
  for (const auto& [candidate, id] : *table) {
    known.push_back(candidate);
  }
  return absl::NotFoundError(absl::StrCat("no ", KindWord(kind), " is called ", Quoted(name),
                                          DidYouMean(name, known), " ", Hint(kind)));
}

std::string CachedNames::Name(v1::ResourceKind kind, uint32_t id) {
  const absl::StatusOr<const Table*> table = Get(kind);
  if (table.ok()) {
    for (const auto& [name, its_id] : **table) {
      if (its_id == id) {
        return name;
      }
    }
  }
  return "";
}

absl::StatusOr<CachedNames::Table> AdminNames::Fetch(v1::ResourceKind kind) {
  BPMP_ASSIGN_OR_RETURN(const Resources resources, List(*admin_, kind));
  Table table;
  for (const v1::ResourceState& resource : resources) {
    table.emplace(resource.name(), resource.id());
  }
  return table;
}

std::string AdminNames::Hint(v1::ResourceKind kind) const {
  return absl::StrCat("All names: bpmpctl ", VerbOf(kind), " list");
}

GuestNames::GuestNames(Endpoint endpoint, std::shared_ptr<grpc::Channel> channel,
                       absl::Duration timeout)
    : endpoint_(std::move(endpoint)), channel_(std::move(channel)), timeout_(timeout) {}

absl::StatusOr<CachedNames::Table> GuestNames::Fetch(v1::ResourceKind kind) {
  Table table;
  if (kind == v1::RESOURCE_KIND_CLOCK) {
    Client<v1::Clocks> clocks(endpoint_, channel_, timeout_);
    BPMP_ASSIGN_OR_RETURN(const auto list,
                          clocks.Call(&v1::Clocks::Stub::ListClocks, v1::ListClocksRequest()));
    for (const v1::Clock& clock : list.clocks()) {
      table.emplace(clock.name(), clock.id());
    }
  } else if (kind == v1::RESOURCE_KIND_RESET) {
    Client<v1::Resets> resets(endpoint_, channel_, timeout_);
    BPMP_ASSIGN_OR_RETURN(const auto list,
                          resets.Call(&v1::Resets::Stub::ListResets, v1::ListResetsRequest()));
    for (const v1::Reset& reset : list.resets()) {
      table.emplace(reset.name(), reset.id());
    }
  } else {
    Client<v1::PowerDomains> domains(endpoint_, channel_, timeout_);
    BPMP_ASSIGN_OR_RETURN(const auto list, domains.Call(&v1::PowerDomains::Stub::ListPowerDomains,
                                                        v1::ListPowerDomainsRequest()));
    for (const v1::PowerDomain& domain : list.power_domains()) {
      table.emplace(domain.name(), domain.id());
    }
  }
  return table;
}

std::string GuestNames::Hint(v1::ResourceKind kind) const {
  return absl::StrCat("This VM is shown no other; an id works for any ", KindWord(kind));
}

bool Wanted::Has(v1::ResourceKind kind) const {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

absl::StatusOr<Resources> FindResources(AdminClient& admin, const ResourceWord& word,
                                        const Wanted& wanted) {
  BPMP_ASSIGN_OR_RETURN(const Resources all, List(admin, word.kind));
  Resources found;
  for (const v1::ResourceState& resource : all) {
    if (wanted.Has(resource.kind()) && IsCalled(resource, word.name)) {
      found.push_back(resource);
    }
  }
  if (found.empty()) {
    return UnknownResource(word.name, all, wanted);
  }
  return found;
}

absl::StatusOr<v1::ResourceState> FindResource(AdminClient& admin, const ResourceWord& word,
                                               const Wanted& wanted) {
  BPMP_ASSIGN_OR_RETURN(const Resources found, FindResources(admin, word, wanted));
  if (found.size() == 1) {
    return found.front();
  }
  const std::string choices =
      absl::StrJoin(found, " or ", [&word](std::string* out, const v1::ResourceState& resource) {
        absl::StrAppend(out, VerbOf(resource.kind()), ":", word.name);
      });
  return absl::InvalidArgumentError(
      absl::StrCat(Quoted(word.name), " may be several things; write ", choices));
}

}  // namespace bpmp::ctl
