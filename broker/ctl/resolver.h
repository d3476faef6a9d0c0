// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_RESOLVER_H_
#define BROKER_CTL_RESOLVER_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bpmp/v1/admin.grpc.pb.h"
#include "broker/ctl/client.h"
#include "broker/ctl/names.h"
#include "broker/ctl/resource_view.h"
#include "broker/ctl/words.h"

namespace bpmp::ctl {

using AdminClient = Client<v1::Admin>;

// All names of one kind, asked from the broker when the first is needed.
class CachedNames : public Names {
 public:
  absl::StatusOr<uint32_t> Id(v1::ResourceKind kind, std::string_view name) override;
  std::string Name(v1::ResourceKind kind, uint32_t id) override;

 protected:
  using Table = std::map<std::string, uint32_t, std::less<>>;
  virtual absl::StatusOr<Table> Fetch(v1::ResourceKind kind) = 0;
  // What to try when a name is unknown, as a sentence: "All names: bpmpctl clock list".
  virtual std::string Hint(v1::ResourceKind kind) const = 0;

 private:
  absl::StatusOr<const Table*> Get(v1::ResourceKind kind);

  std::map<v1::ResourceKind, Table> tables_;
};

// By the admin API: every resource of the board.
class AdminNames final : public CachedNames {
 public:
  explicit AdminNames(AdminClient* admin) : admin_(admin) {}  // not owned

 protected:
  absl::StatusOr<Table> Fetch(v1::ResourceKind kind) override;
  std::string Hint(v1::ResourceKind kind) const override;

 private:
  AdminClient* const admin_;
};

// By the typed services on a VM's own socket: what that VM is shown.
class GuestNames final : public CachedNames {
 public:
  GuestNames(Endpoint endpoint, std::shared_ptr<grpc::Channel> channel, absl::Duration timeout);

 protected:
  absl::StatusOr<Table> Fetch(v1::ResourceKind kind) override;
  std::string Hint(v1::ResourceKind kind) const override;

 private:
  const Endpoint endpoint_;
  const std::shared_ptr<grpc::Channel> channel_;
  const absl::Duration timeout_;
};

// What will do where a resource is named, and what for: "be pinned".
struct Wanted {
  std::vector<v1::ResourceKind> kinds;
  std::string use;

  bool Has(v1::ResourceKind kind) const;
};

// Every resource that `word` may mean. NotFound, with the closest name, if there is none;
// InvalidArgument, with what is wanted, where the name is another kind's.
absl::StatusOr<Resources> FindResources(AdminClient& admin, const ResourceWord& word,
                                        const Wanted& wanted);
// The same where exactly one is needed: InvalidArgument says how to write each of several.
absl::StatusOr<v1::ResourceState> FindResource(AdminClient& admin, const ResourceWord& word,
                                               const Wanted& wanted);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_RESOLVER_H_
