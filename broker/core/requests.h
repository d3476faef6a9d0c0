// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_REQUESTS_H_
#define BROKER_CORE_REQUESTS_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "broker/base/ids.h"
#include "broker/core/core.h"
#include "broker/core/machine.h"
#include "broker/core/ops.h"
#include "broker/mrq/types.h"

namespace bpmp::core {

inline Decision ReplyWith(const mrq::Response& response, Reason reason) {
  Decision decision;
  decision.kind = Decision::Kind::kReply;
  decision.reason = reason;
  decision.response = response;
  return decision;
}

// Does what a VM asks: judges the request, answers it where it can, and starts or joins an
// operation where the hardware is concerned.
class Requests {
 public:
  explicit Requests(Machine* machine) : machine_(*machine) {}

  // REQUIRES: the VM's epoch is current and not being released.
  // `max_rate_hz`: as of Call.
  Decision Decide(Waiter waiter, const mrq::Request& request,
                  std::optional<int64_t> max_rate_hz = std::nullopt);

 private:
  // Of a VM that is audit-only: says what its policy would have refused and it is allowed.
  void NoteWouldDeny(VmId vm, const mrq::Request& request, std::optional<int64_t> max_rate_hz);
  Decision On(Waiter waiter, const mrq::PingRequest& request);
  Decision On(Waiter waiter, const mrq::QueryAbiRequest& request);
  Decision On(Waiter waiter, const mrq::QueryFwTagRequest& request);
  Decision On(Waiter waiter, const mrq::ClkRequest& request);
  Decision On(Waiter waiter, const mrq::ResetRequest& request);
  Decision On(Waiter waiter, const mrq::PgRequest& request);
  // requests_opt_in.cc
  Decision On(Waiter waiter, const mrq::ThermalRequest& request);
  Decision On(Waiter waiter, const mrq::EmcDvfsLatencyRequest& request);
  Decision On(Waiter waiter, const mrq::UphyRequest& request);
  // Of an MRQ that no VM may use.
  Decision On(Waiter waiter, const mrq::CpuNdivLimitsRequest& request);
  Decision Refused(Waiter waiter, const mrq::Request& request);
  // To be answered by the firmware.
  Decision Forward(const Verdict& verdict, Waiter waiter, const mrq::Request& request);

  Decision Read(Waiter waiter, const mrq::ClkRequest& request);
  // The answer to GET_RATE, GET_PARENT or FMAX_AT_VMIN where it never changes and the firmware has
  // given it once.
  std::optional<mrq::Response> KnownForGood(VmId vm, const mrq::ClkRequest& request) const;
  Decision RoundRate(Waiter waiter, const mrq::ClkRequest& request);
  Decision AllInfo(Waiter waiter, const mrq::ClkRequest& request);
  Decision MaxClkId(Waiter waiter, const mrq::ClkRequest& request);
  Decision IsEnabled(Waiter waiter, const mrq::ClkRequest& request);
  Decision EnableClock(Waiter waiter, const mrq::ClkRequest& request);
  Decision DisableClock(Waiter waiter, const mrq::ClkRequest& request);
  Decision SetRate(Waiter waiter, const mrq::ClkRequest& request);
  Decision SetRateRange(Waiter waiter, const mrq::ClkRequest& request,
                        std::optional<int64_t> max_hz);
  Decision SetParent(Waiter waiter, const mrq::ClkRequest& request);
  Decision SetState(Waiter waiter, const mrq::PgRequest& request);
  Decision GetState(Waiter waiter, const mrq::PgRequest& request);
  Decision GetName(Waiter waiter, const mrq::PgRequest& request);

  Decision Enable(Waiter waiter, Resource resource, const mrq::Request& request);
  Decision Disable(Waiter waiter, Resource resource, const mrq::Request& request);
  Decision Ask(Waiter waiter, const mrq::ClkRequest& request);
  Decision Start(Waiter waiter, std::unique_ptr<Op> op);
  Decision Refuse(const Verdict& verdict, Waiter waiter, Resource resource,
                  const mrq::Request& request);

  Machine& machine_;
};

}  // namespace bpmp::core

#endif  // BROKER_CORE_REQUESTS_H_
