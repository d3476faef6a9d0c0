// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_VERBS_FIXTURE_H_
#define BROKER_CTL_VERBS_FIXTURE_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <sstream>
#include <string>
#include <vector>

#include "broker/ctl/app.h"
#include "broker/ctl/fake_broker.h"

namespace bpmp::ctl {

// What a run of bpmpctl came to.
struct Result {
  int code;
  std::string out;
  std::string err;
};

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
    int pipe[2];
    EXPECT_EQ(::pipe(pipe), 0);
    EXPECT_EQ(::write(pipe[1], input.data(), input.size()), static_cast<ssize_t>(input.size()));
    ::close(pipe[1]);
    std::ostringstream out;
    std::ostringstream err;
    const int code = ctl::Run(arguments, {&out, &err, pipe[0]}, {false, true});
    ::close(pipe[0]);
    return {code, out.str(), err.str()};
  }

  // What reached the broker last.
  std::string Asked() { return broker_.asked().empty() ? "" : broker_.asked().back(); }

  FakeBroker broker_;
};

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_VERBS_FIXTURE_H_
