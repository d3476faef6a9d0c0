// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/answer.h"
#include "broker/ctl/request_grammar.h"
#include "broker/ctl/request_parser.h"
#include "broker/ctl/verbs.h"
#include "broker/mrq/types.h"

namespace bpmp::ctl {
namespace {

absl::StatusOr<ExitCode> Request(Context& context, const std::string& vm,
                                 const std::vector<std::string>& words) {
  BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
  AdminNames names(admin);
  BPMP_ASSIGN_OR_RETURN(const ParsedRequest parsed, ParseRequest(words, names));
  v1::TransferAsRequest request;
  request.set_vm(vm);
  *request.mutable_request() = parsed.wire;
  BPMP_ASSIGN_OR_RETURN(const v1::TransferAsResponse answer,
                        admin->Call(&v1::Admin::Stub::TransferAs, request));
  const int32_t error = answer.response().error();
  return context.Show(
      answer,
      [&] {
        return (error == 0 ? AnswerText(parsed, answer.response(), names)
                           : RefusalText(parsed, error, vm, answer.reason_text())) +
               "\n";
      },
      error == 0 ? ExitCode::kOk : ExitCode::kRefused);
}

}  // namespace

void AddRequestVerb(VerbTree& verbs) {
  auto vm = std::make_shared<std::string>();
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* request =
      verbs.Add("request", "Send a request as if the VM had sent it, for tests and learning",
                [vm, words](Context& context) { return Request(context, *vm, *words); });
  AddArgument(request, "VM", vm.get(), "Name of the VM");
  request->add_option("REQUEST", *words, "What it asks, e.g. clk enable uarta")
      ->required()
      ->type_name("");
  request->footer(GrammarHelp());
}

}  // namespace bpmp::ctl
