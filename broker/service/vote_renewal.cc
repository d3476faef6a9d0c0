// SPDX-License-Identifier: Apache-2.0
#include "broker/service/vote_renewal.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/core/switch_request.h"

namespace bpmp::service {

absl::Status VoteRenewal::Check(const v1::Hello& hello) {
  if (hello.enabled_clocks_size() <= kMaxClocks && hello.powered_domains_size() <= kMaxDomains) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "Hello lists ", hello.enabled_clocks_size(), " clocks and ", hello.powered_domains_size(),
      " power domains; at most ", kMaxClocks, " and ", kMaxDomains, " are taken"));
}

void VoteRenewal::Start(backend::Engine* engine, VmId vm, absl::Duration timeout,
                        const v1::Hello& hello, absl::AnyInvocable<void()> done) {
  const std::shared_ptr<VoteRenewal> renewal(
      new VoteRenewal(engine, vm, timeout, hello, std::move(done)));
  renewal->Continue();
}

VoteRenewal::VoteRenewal(backend::Engine* engine, VmId vm, absl::Duration timeout,
                         const v1::Hello& hello, absl::AnyInvocable<void()> done)
    : engine_(engine), vm_(vm), timeout_(timeout), done_(std::move(done)) {
  for (const uint32_t id : hello.powered_domains()) {
    requests_.push_back(core::SwitchRequest(core::Resource::Of(DomainId(id)), true));
  }
  for (const uint32_t id : hello.enabled_clocks()) {
    // No clock can have another id: on the wire they have 24 bits.
    if (id > mrq::kClockIdMask) continue;
    requests_.push_back(core::SwitchRequest(core::Resource::Of(ClockId(id)), true));
  }
}

void VoteRenewal::Continue() {
  while (next_ < requests_.size()) {
    known_.store(0, std::memory_order_relaxed);
    engine_->Submit(vm_, requests_[next_++], timeout_,
                    [self = shared_from_this()](const mrq::Response&, core::Reason) {
                      if (self->IsSecond()) self->Continue();
                    });
    if (!IsSecond()) return;
  }
  done_();
}

}  // namespace bpmp::service
