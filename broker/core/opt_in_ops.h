// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_OPT_IN_OPS_H_
#define BROKER_CORE_OPT_IN_OPS_H_

#include <cstdint>
#include <utility>

#include "broker/base/ids.h"
#include "broker/core/op.h"
#include "broker/mrq/codec.h"
#include "broker/mrq/types.h"

// The operations behind the MRQs that a VM has only if its policy says so. See op.h for how they
// live.
namespace bpmp::core {

// A question that the firmware answers and that concerns no resource: a temperature, the latencies
// of the memory. The answer is made anew from what it says, because guests trust it more than they
// should.
class ForwardOp final : public Op {
 public:
  ForwardOp(VmId vm, mrq::Request request) : Op(vm, {}), request_(std::move(request)) {}

  void Begin(Machine& machine) override;
  void Answer(Machine& machine, const Outcome& outcome) override;
  bool mutating() const override { return false; }

 private:
  const mrq::Request request_;
};

// Switches a PCIe controller, or the PLL of its endpoint, as its waiter asked.
class PcieOp final : public Op {
 public:
  PcieOp(VmId vm, Line line, mrq::PcieSwitch request) : Op(vm, {line}), request_(request) {}

  void Begin(Machine& machine) override;
  void Answer(Machine& machine, const Outcome& outcome) override;
  // What a VM has off is off, whether it waits or not.
  bool patient() const override { return !request_.on; }
  mrq::Error late_answer() const override {
    return request_.on ? mrq::Error::kTimedOut : mrq::Error::kOk;
  }

 private:
  const mrq::PcieSwitch request_;
};

// Switches off what a VM has on of a PCIe controller: the endpoint's PLL, then the controller. It
// can't be read, so that what fails is the end of it: no mark is left.
class PcieReleaseOp final : public Op {
 public:
  PcieReleaseOp(VmId vm, Line line, PcieControllerId controller)
      : Op(vm, {line}), controller_(controller) {}

  void Begin(Machine& machine) override;
  void Answer(Machine& machine, const Outcome& outcome) override;
  bool patient() const override { return true; }

 private:
  void Next(Machine& machine);

  const PcieControllerId controller_;
  int64_t doing_ = 0;  // a PcieMark bit
  bool failed_ = false;
};

}  // namespace bpmp::core

#endif  // BROKER_CORE_OPT_IN_OPS_H_
