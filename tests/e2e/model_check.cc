// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/model_check.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/base/string_view.h"
#include "broker/core/core.h"
#include "broker/core/names.h"

namespace bpmp::testing {
namespace {

using backend::sim::TegraModel;
using core::Resource;
using core::ResourceKind;

bool Lives(const service::SessionInfo& session) {
  return session.pid == 0 || kill(session.pid, 0) == 0 || errno != ESRCH;
}

// Blocks until something has happened since event `seen`.
void AwaitAnything(TestBroker* broker, uint64_t seen) {
  broker->WaitFor([](const auto&) { return true; }, seen + 1);
}

// The number of the last event of that kind and VM that is remembered; 0: none.
uint64_t LastOf(TestBroker* broker, std::string_view kind, VmId vm) {
  uint64_t found = 0;
  uint64_t next = 1;
  while (const auto record = broker->events().Read(next)) {
    if (record->kind == kind && record->event.vm == vm) found = record->number;
    next = record->number + 1;
  }
  return found;
}

// Blocks until the broker knows that the VM is gone, if it is, and has released it. Whether it
// lives.
bool AwaitRelease(TestBroker* broker, const core::VmStatus& vm) {
  for (;;) {
    const uint64_t seen = broker->events().last();
    const auto session = broker->sessions().Find(vm.vm);
    if (session && Lives(*session)) return true;
    if (!session) break;
    AwaitAnything(broker, seen);
  }
  // The release is asked for after this event.
  const uint64_t closed = LastOf(broker, service::event_kind::kSessionClosed, vm.vm);
  if (closed != 0) broker->WaitFor("released", vm.name, closed + 1);
  return false;
}

// What the check is about, as it is at one moment.
struct Scene {
  std::set<VmId> living;
  std::vector<core::ResourceStatus> clocks;
  std::vector<core::ResourceStatus> domains;
  std::vector<Resource> resets;
  TegraModel now;
};

std::vector<core::ResourceStatus> StatusOf(const core::Core& core, ResourceKind kind) {
  std::vector<core::ResourceStatus> all;
  for (const Resource resource : core.Resources(kind)) all.push_back(*core.Status(resource));
  return all;
}

bool Busy(const std::vector<core::ResourceStatus>& all) {
  return std::any_of(all.begin(), all.end(), [](const auto& status) { return status.busy; });
}

Scene Look(TestBroker* broker) {
  Scene scene;
  const auto vms = broker->engine().Read([](const core::Core& core) { return core.Vms(); });
  for (const core::VmStatus& vm : vms) {
    if (AwaitRelease(broker, vm)) scene.living.insert(vm.vm);
  }
  for (;;) {
    const uint64_t seen = broker->events().last();
    broker->engine().Read([&](const core::Core& core) {
      scene.clocks = StatusOf(core, ResourceKind::kClock);
      scene.domains = StatusOf(core, ResourceKind::kDomain);
      scene.resets = core.Resources(ResourceKind::kReset);
    });
    if (!Busy(scene.clocks) && !Busy(scene.domains)) break;
    AwaitAnything(broker, seen);
  }
  scene.now = broker->sim().WithModel([](const TegraModel& model) { return model; });
  return scene;
}

bool Runs(const TegraModel& model, Resource resource) {
  return resource.kind == ResourceKind::kClock ? model.IsRunning(ClockId(resource.id))
                                               : model.DomainOn(DomainId(resource.id));
}

class Checker {
 public:
  Checker(TestBroker* broker, const TegraModel& start, const std::set<Resource>& excused)
      : broker_(broker), start_(start), excused_(excused), scene_(Look(broker)) {}

  std::vector<std::string> Run() {
    for (const core::ResourceStatus& clock : scene_.clocks) NoteNeeded(clock);
    for (const core::ResourceStatus& domain : scene_.domains) NoteNeeded(domain);
    for (const core::ResourceStatus& clock : scene_.clocks) CheckOne(clock);
    for (const core::ResourceStatus& domain : scene_.domains) CheckOne(domain);
    for (const core::ResourceStatus& clock : scene_.clocks) NoteSettable(clock);
    for (const core::ResourceStatus& clock : scene_.clocks) CheckTuning(clock);
    for (const Resource reset : scene_.resets) CheckReset(reset);
    return std::move(complaints_);
  }

 private:
  void Complain(const core::ResourceStatus& status, const std::string& what) {
    if (excused_.count(status.resource) > 0) return;
    complaints_.push_back(
        absl::StrCat(ToAbsl(core::KindName(status.resource.kind)), " ", status.name, " ", what));
  }
  // What is held, and the clocks that this needs.
  void NoteNeeded(const core::ResourceStatus& status) {
    if (status.holders.empty() && !status.residue) return;
    needed_.insert(status.resource);
    if (status.resource.kind != ResourceKind::kClock) return;
    for (const ClockId above : Feeders(ClockId(status.resource.id))) {
      needed_.insert(Resource::Of(above));
    }
  }
  void CheckOne(const core::ResourceStatus& status) {
    const bool runs = Runs(scene_.now, status.resource);
    if (runs && !Runs(start_, status.resource) && needed_.count(status.resource) == 0) {
      Complain(status, "is on, and nobody holds it or what needs it");
    }
    if (!status.holders.empty() && !runs) Complain(status, "is held, and is off");
    for (const VmId vm : status.holders) {
      if (vm != kHost && scene_.living.count(vm) == 0) {
        const std::string name =
            broker_->engine().Read([&](const core::Core& core) { return core.NameOf(vm); });
        Complain(status, absl::StrCat("is held by ", name, ", which is dead"));
      }
    }
  }
  bool GrantedToLiving(Resource resource, core::Access least) const {
    return broker_->engine().Read([&](const core::Core& core) {
      return std::any_of(scene_.living.begin(), scene_.living.end(),
                         [&](VmId vm) { return core.GrantOf(vm, resource).access >= least; });
    });
  }
  // What feeds a clock, the root last.
  std::vector<ClockId> Feeders(ClockId clock) const {
    std::vector<ClockId> feeders;
    // A root's parent is 0, which is no clock.
    for (ClockId above = scene_.now.Parent(clock); above != ClockId();
         above = scene_.now.Parent(above)) {
      feeders.push_back(above);
    }
    return feeders;
  }
  // It, and what feeds it but for the root, which feeds everything.
  std::vector<ClockId> Branch(ClockId clock) const {
    std::vector<ClockId> branch = Feeders(clock);
    if (!branch.empty()) branch.pop_back();
    branch.push_back(clock);
    return branch;
  }
  void NoteSettable(const core::ResourceStatus& status) {
    // Under the other policies nobody but an owner sets a rate or a parent.
    const bool anybody = status.rate_policy == core::RatePolicy::kFirst ||
                         status.rate_policy == core::RatePolicy::kMax ||
                         status.rate_policy == core::RatePolicy::kRange;
    const core::Access needed = anybody ? core::Access::kVote : core::Access::kExclusive;
    if (!GrantedToLiving(status.resource, needed)) return;
    const std::vector<ClockId> branch = Branch(ClockId(status.resource.id));
    settable_.insert(branch.begin(), branch.end());
  }
  void CheckTuning(const core::ResourceStatus& status) {
    const ClockId clock(status.resource.id);
    const std::vector<ClockId> branch = Branch(clock);
    if (std::any_of(branch.begin(), branch.end(),
                    [&](ClockId above) { return settable_.count(above) > 0; })) {
      return;
    }
    if (scene_.now.Rate(clock) != start_.Rate(clock)) {
      Complain(status, absl::StrCat("was left at ", scene_.now.Rate(clock), " Hz instead of ",
                                    start_.Rate(clock)));
    }
    if (scene_.now.Parent(clock) != start_.Parent(clock)) {
      Complain(status, absl::StrCat("was left below ", ToString(scene_.now.Parent(clock))));
    }
  }
  void CheckReset(Resource resource) {
    const ResetId reset(resource.id);
    using backend::sim::ResetLine;
    if (scene_.now.Reset(reset) != ResetLine::kDeasserted) return;
    if (start_.Reset(reset) == ResetLine::kDeasserted || excused_.count(resource) > 0) return;
    if (GrantedToLiving(resource, core::Access::kVote)) return;
    complaints_.push_back(absl::StrCat("reset ", resource.id, " was left deasserted"));
  }

  TestBroker* const broker_;
  const TegraModel& start_;
  const std::set<Resource>& excused_;
  const Scene scene_;
  std::set<Resource> needed_;
  std::set<ClockId> settable_;  // by the living, or these feed what is
  std::vector<std::string> complaints_;
};

}  // namespace

std::vector<std::string> ModelComplaints(TestBroker* broker, const backend::sim::TegraModel& start,
                                         const std::set<core::Resource>& excused) {
  return Checker(broker, start, excused).Run();
}

}  // namespace bpmp::testing
