// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bpmp/v1/clocks.grpc.pb.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/answer.h"
#include "broker/ctl/client.h"
#include "broker/ctl/interrupt.h"
#include "broker/ctl/request_grammar.h"
#include "broker/ctl/request_parser.h"
#include "broker/ctl/units.h"
#include "broker/ctl/verbs.h"
#include "broker/ctl/vm_endpoint.h"
#include "broker/mrq/types.h"

namespace bpmp::ctl {
namespace {

// Until Ctrl-C, SIGTERM or the end of the input, whatever the latter says.
void WaitForUser(Context& context) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return;  // no descriptors left
  }
  {
    const InterruptGuard guard([end = ends[1]] {
      const char byte = 's';
      [[maybe_unused]] const ssize_t written = ::write(end, &byte, 1);
    });
    pollfd waits[] = {{context.in_fd(), POLLIN, 0}, {ends[0], POLLIN, 0}};
    char ignored[256];
    while (true) {
      if (::poll(waits, 2, -1) < 0) {
        continue;  // a signal that means nothing here
      }
      if (waits[1].revents != 0 ||
          (waits[0].revents != 0 && ::read(context.in_fd(), ignored, sizeof(ignored)) <= 0)) {
        break;
      }
    }
  }
  ::close(ends[0]);
  ::close(ends[1]);
}

// Over the typed API on the VM's own socket: no message of the BPMP's has a range.
absl::StatusOr<ExitCode> RequestRange(Context& context, const std::string& vm,
                                      const ParsedRequest& parsed) {
  const auto& clk = std::get<mrq::ClkRequest>(*parsed.typed);
  v1::SetRateRangeRequest request;
  request.mutable_clock()->set_kind(v1::RESOURCE_KIND_CLOCK);
  request.mutable_clock()->set_id(clk.clock.value());
  request.set_min_rate_hz(clk.rate_hz);
  request.set_max_rate_hz(*parsed.max_rate_hz);
  BPMP_ASSIGN_OR_RETURN(const Endpoint endpoint, VmEndpoint(context, vm));
  BPMP_ASSIGN_OR_RETURN(const auto channel, Connect(endpoint));
  Client<v1::Clocks> clocks(endpoint, channel, context.globals().timeout);
  BPMP_ASSIGN_OR_RETURN(const v1::SetRateRangeResponse answer,
                        clocks.Call(&v1::Clocks::Stub::SetRateRange, request));
  const v1::Outcome& outcome = answer.outcome();
  return context.Show(
      answer,
      [&] {
        return (outcome.error() == 0 ? "ok: " + FormatExactRate(answer.rate_hz())
                                     : RefusalText(parsed, outcome.error(), vm, outcome.reason())) +
               "\n";
      },
      outcome.error() == 0 ? ExitCode::kOk : ExitCode::kRefused);
}

absl::StatusOr<ExitCode> Request(Context& context, const std::string& vm, const std::string& lease,
                                 const std::vector<std::string>& words) {
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  AdminNames names(admin);
  BPMP_ASSIGN_OR_RETURN(const ParsedRequest parsed, ParseRequest(words, names));
  if (parsed.max_rate_hz.has_value()) {
    if (!lease.empty()) {
      return absl::InvalidArgumentError(
          "a range of rates lasts as long as the VM's vote for the "
          "clock does; leave --lease out");
    }
    return RequestRange(context, vm, parsed);
  }
  v1::TransferAsRequest request;
  request.set_vm(vm);
  *request.mutable_request() = parsed.wire;
  if (!lease.empty()) {
    request.set_lease(v1::LEASE_CONNECTION);
  }
  BPMP_ASSIGN_OR_RETURN(const v1::TransferAsResponse answer,
                        admin->Call(&v1::Admin::Stub::TransferAs, request));
  const int32_t error = answer.response().error();
  const ExitCode code = context.Show(
      answer,
      [&] {
        return (error == 0 ? AnswerText(parsed, answer.response(), names)
                           : RefusalText(parsed, error, vm, answer.reason_text())) +
               "\n";
      },
      error == 0 ? ExitCode::kOk : ExitCode::kRefused);
  if (!lease.empty() && error == 0) {
    context.Warn("a vote that this added lasts until Ctrl-C or the end of the input");
    WaitForUser(context);
  }
  return code;
}

}  // namespace

void AddRequestVerb(VerbTree& verbs) {
  auto vm = std::make_shared<std::string>();
  auto lease = std::make_shared<std::string>();
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* request = verbs.Add(
      "request", "Send a request as if the VM had sent it, for tests and learning",
      [vm, lease, words](Context& context) { return Request(context, *vm, *lease, *words); });
  AddArgument(request, "VM", vm.get(), "Name of the VM");
  request->add_option("REQUEST", *words, "What it asks, e.g. clk enable uarta")
      ->required()
      ->type_name("");
  request
      ->add_option("--lease", *lease,
                   "connection: waits for Ctrl-C or the end of its input, and a vote that the "
                   "request added ends with it")
      ->check(CLI::IsMember({"connection"}).description(""))
      ->type_name("connection");
  request->footer(GrammarHelp());
}

}  // namespace bpmp::ctl
