// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_VERBS_FIXTURE_H_
#define BROKER_CTL_VERBS_FIXTURE_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/ctl/fake_broker.h"
#include "broker/ctl/run_in_test.h"

namespace bpmp::ctl {

// Runs verbs in this process against a fake broker with two VMs and four resources.
class VerbsTest : public testing::Test {
 protected:
  VerbsTest() {
    broker_.vms.resize(2);
    broker_.vms[0].set_name("net-vm");
    broker_.vms[0].set_socket(broker_.socket());
    broker_.vms[1].set_name("gpu-vm");
    broker_.resources = {
        MakeResource(v1::RESOURCE_KIND_CLOCK, 155, "uarta", v1::GATE_STATE_ON, {"gpu-vm"}),
        MakeResource(v1::RESOURCE_KIND_CLOCK, 167, "vic", v1::GATE_STATE_OFF, {}),
        MakeResource(v1::RESOURCE_KIND_POWER_DOMAIN, 29, "vic", v1::GATE_STATE_OFF, {}),
        MakeResource(v1::RESOURCE_KIND_RESET, 100, "uarta", v1::GATE_STATE_UNSPECIFIED, {})};
  }

  Result Ctl(std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.begin(), {"--socket", broker_.socket()});
    return CtlAt(arguments, input);
  }

  static Result CtlAt(const std::vector<std::string>& arguments, const std::string& input = "") {
    return RunInTest(arguments, input);
  }

  // What reached the broker last.
  std::string Asked() { return broker_.asked().empty() ? "" : broker_.asked().back(); }

  FakeBroker broker_;
};

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_VERBS_FIXTURE_H_
