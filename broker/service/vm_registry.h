// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_VM_REGISTRY_H_
#define BROKER_SERVICE_VM_REGISTRY_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bpmp/v1/config.pb.h"
#include "broker/backend/engine.h"
#include "broker/base/ids.h"
#include "broker/base/mutex.h"
#include "broker/core/inventory.h"
#include "broker/core/policy.h"
#include "broker/core/profile.h"
#include "broker/service/acceptor.h"
#include "broker/service/event_log.h"
#include "broker/service/peer.h"
#include "broker/service/reaper.h"
#include "broker/service/sessions.h"
#include "broker/service/spec.h"
#include "broker/service/vm_server.h"

namespace bpmp::service {

// All VMs: their entries in the configuration, their sockets, and how both change while the broker
// runs. The engine's core knows the VMs of the configuration already; the registry gives them
// sockets, and keeps core and configuration the same from then on.
//
// Thread-safe. One change at a time: a second waits for the first.
class VmRegistry {
 public:
  // Not owned.
  struct Deps {
    backend::Engine* engine = nullptr;
    SessionTable* sessions = nullptr;
    Acceptor* acceptor = nullptr;
    EventLog* events = nullptr;
  };
  struct Info {
    v1::VmConfig config;
    std::string socket;
    VmId vm;
  };

  // `config` has its defaults filled in, but for what a VM's entry leaves out. `proc_root` is where
  // processes' control groups are read.
  VmRegistry(Deps deps, v1::Config config, std::string proc_root = "/proc");
  ~VmRegistry();
  VmRegistry(const VmRegistry&) = delete;
  VmRegistry& operator=(const VmRegistry&) = delete;

  // Makes the sockets of all VMs. The error names the VM, and then no socket is left behind.
  absl::Status Start() ABSL_LOCKS_EXCLUDED(changes_, mutex_);

  // Adds a VM. All entries and the whole policy are checked again and installed, or refused whole;
  // `notes`, which may be null, gets what became worth saying. AlreadyExists, InvalidArgument with
  // what CheckVms() finds, or what core::Compile or the socket refuse.
  absl::Status Define(const v1::VmConfig& entry, std::vector<std::string>* notes)
      ABSL_LOCKS_EXCLUDED(changes_, mutex_);
  // Ends the VM's session, removes its socket, releases it, and takes it out of the policy; then
  // calls `done`, from any thread. NotFound, or FailedPrecondition when that is under way already.
  void Delete(const std::string& name, absl::AnyInvocable<void(absl::Status)> done)
      ABSL_LOCKS_EXCLUDED(changes_, mutex_);

  // The VM takes no new session from now on. With `end_session` the one that it has is ended and
  // the VM released, which this doesn't wait for. Again is no error. NotFound, or
  // FailedPrecondition when the VM is being deleted.
  absl::Status Drain(const std::string& name, bool end_session)
      ABSL_LOCKS_EXCLUDED(changes_, mutex_);
  // The VM takes sessions again. Errors as of Drain().
  absl::Status Undrain(const std::string& name) ABSL_LOCKS_EXCLUDED(changes_, mutex_);

  // A configuration file as it is now takes the place of the one that is in force. Of the file's
  // VMs and of those that were defined while the broker runs, which stay unless the file has one of
  // the name; the file is read anew, so that one of its VMs that was deleted comes back.
  struct ReloadOptions {
    bool drop = false;  // core::Core::Unallowed::kDrop, and VMs that are gone may hold something
    bool dry_run = false;
  };
  struct Reloaded {
    uint64_t generation = 0;  // of the policy that is in force now
    core::PolicyDifference difference;
    std::vector<std::string> notes;       // all that the policy comes to on the board
    std::vector<std::string> at_restart;  // settings that differ and wait for the next start
  };
  // `config` is effective and its own entries have been checked; VMs that stay are added to it.
  // `where` says where its parts are written. Applied whole, or refused whole and nothing changes:
  // InvalidArgument, one line for each problem; FailedPrecondition for what a running broker can't
  // change: a VM's socket and peer, and, unless `drop`, a VM that is gone and holds something.
  absl::StatusOr<Reloaded> Reload(v1::Config* config, const WhereFn& where, ReloadOptions options)
      ABSL_LOCKS_EXCLUDED(changes_, mutex_);
  // Another entry takes the place of a VM's, by the rules of Define() for what it says and those of
  // Reload() for what can't be changed and what becomes of votes. Aborted where that isn't `before`
  // (if not null) any more, NotFound for no such VM, else the errors of both.
  struct Updated {
    Info info;  // as it is now, or would be
    core::PolicyDifference difference;
    std::vector<std::string> notes;  // what became worth saying
  };
  absl::StatusOr<Updated> Update(const v1::VmConfig& entry, const v1::VmConfig* before,
                                 ReloadOptions options) ABSL_LOCKS_EXCLUDED(changes_, mutex_);
  // Of the policy that is in force: 1 at the start, one more for each reload; and since when.
  struct Generation {
    uint64_t number = 1;
    absl::Time since;  // wall
  };
  Generation generation() const ABSL_LOCKS_EXCLUDED(mutex_);

  std::vector<Info> List() const ABSL_LOCKS_EXCLUDED(mutex_);  // by name
  std::optional<Info> Find(std::string_view name) const ABSL_LOCKS_EXCLUDED(mutex_);
  // As calls need it; null for none of that name.
  std::shared_ptr<Endpoint> FindByName(std::string_view name) const ABSL_LOCKS_EXCLUDED(mutex_);
  // The VM whose client certificates bear this name; null for none.
  std::shared_ptr<Endpoint> FindByCertificate(std::string_view name) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  // The VM that speaks against a peer of the admin socket, and what does (CheckAdminPeer); absent:
  // nothing. Also of VMs that are being deleted, and when the registry is shut down.
  struct AdminRefusal {
    VmId vm;
    std::string why;
  };
  std::optional<AdminRefusal> RefuseAsAdmin(const Peer& peer) const ABSL_LOCKS_EXCLUDED(mutex_);
  // The VM isn't shown what it may not use. May be called under the engine's lock.
  bool HidesIds(VmId vm) const ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends all sessions and removes all sockets; nothing is released. Waits at most `grace` for calls
  // to end. Idempotent. Not from a callback of the acceptor, which must be running.
  void Shutdown(absl::Duration grace) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    v1::VmConfig config;
    VmId vm;
    std::string socket;
    std::shared_ptr<VmServer> server;  // null while it is being deleted
    bool from_file = false;            // rather than defined while the broker runs
  };
  // A reload that has passed its checks.
  struct Change {
    const v1::Config* config = nullptr;
    core::Policy policy;
    std::vector<const v1::VmConfig*> coming;
    std::vector<std::string> going;
    std::set<std::string> from_file;
    bool drop = false;
  };
  // The way back for the end of a release, which may come when the registry is gone.
  struct Lifeline {
    Mutex mutex;
    VmRegistry* registry ABSL_GUARDED_BY(mutex) = nullptr;
  };

  absl::StatusOr<std::shared_ptr<VmServer>> Listen(const v1::VmConfig& vm);
  // The configuration as it is now, with all VMs.
  v1::Config Whole() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(changes_) ABSL_LOCKS_EXCLUDED(mutex_);
  // Checks `config` as a whole; `notes` gets those that the last one installed didn't have.
  absl::StatusOr<core::Policy> Compile(const v1::Config& config, std::vector<std::string>* notes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(changes_);
  // Takes a VM that was released out of the policy.
  absl::Status Withdraw(const std::string& name) ABSL_LOCKS_EXCLUDED(changes_, mutex_);
  // Releases the VM, then withdraws it; again, if something was asked in its name meanwhile.
  void ReleaseAndWithdraw(std::string name, VmId vm, int attempts,
                          absl::AnyInvocable<void(absl::Status)> done);
  // A VM has its socket.
  void Enter(const v1::VmConfig& vm, std::shared_ptr<VmServer> server, bool from_file)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // A VM of that name that isn't being deleted.
  absl::StatusOr<Info> FindLiving(const std::string& name) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(changes_) ABSL_LOCKS_EXCLUDED(mutex_);
  // Its VM has another entry.
  void TakeEntry(const v1::VmConfig& config, Entry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Adds whose certificate another will be, by the entries of `after`: core knows no certificates.
  void CompareCertificates(const v1::Config& after, core::PolicyDifference* difference) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  // vm_registry_reload.cc
  void AddDefined(v1::Config* config) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(changes_)
      ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status CheckEntries(const v1::Config& config, const WhereFn& where) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(changes_) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status CheckUnused(const core::PolicyDifference& difference) const;
  absl::Status FindComingAndGoing(const v1::Config& config, Change* change) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(changes_) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Apply(Change change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(changes_)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Gives those that come their slots and sockets, and nothing that they may use yet.
  absl::StatusOr<std::vector<std::shared_ptr<VmServer>>> Prepare(const Change& change)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(changes_) ABSL_LOCKS_EXCLUDED(mutex_);
  // As it was before Prepare().
  void TakeBack(const std::vector<std::shared_ptr<VmServer>>& servers)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(changes_) ABSL_LOCKS_EXCLUDED(mutex_);
  void TakeEntries(const Change& change, std::vector<std::shared_ptr<VmServer>> servers)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(changes_) ABSL_LOCKS_EXCLUDED(mutex_);
  void EndVm(const std::string& name, const std::shared_ptr<VmServer>& server,
             absl::AnyInvocable<void(absl::Status)> done) ABSL_LOCKS_EXCLUDED(mutex_);
  static Info ToInfo(const Entry& entry);

  const Deps deps_;
  const std::string proc_root_;
  const std::string runtime_dir_;
  const Limits limits_;
  const core::Inventory* const inventory_;  // the core's: constant for its life
  const core::Profile* const profile_;      // likewise

  // Held while the policy changes; before `mutex_`.
  Mutex changes_;
  // Once started, without the VMs: their entries are in `vms_`.
  v1::Config config_ ABSL_GUARDED_BY(changes_);
  std::set<std::string> notes_ ABSL_GUARDED_BY(changes_);

  mutable Mutex mutex_;
  std::map<std::string, Entry, std::less<>> vms_ ABSL_GUARDED_BY(mutex_);
  // Of every VM until it is withdrawn: a VM whose socket is gone is a VM still.
  absl::flat_hash_set<VmId> hiding_ ABSL_GUARDED_BY(mutex_);
  // Likewise, and only those with a unit.
  std::map<VmId, PeerRule> rules_ ABSL_GUARDED_BY(mutex_);
  Generation generation_ ABSL_GUARDED_BY(mutex_);
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;

  const std::shared_ptr<Lifeline> lifeline_;
  Reaper reaper_;  // last: what it still runs uses the rest
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_VM_REGISTRY_H_
