// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include "broker/ctl/completion.h"
#include "broker/ctl/verbs.h"

namespace bpmp::ctl {

void AddCompletionVerb(VerbTree& verbs) {
  auto shell = std::make_shared<std::string>();
  CLI::App* completion = verbs.Add("completion", "The script that completes bpmpctl in a shell",
                                   [shell](Context& context) -> absl::StatusOr<ExitCode> {
                                     context.Print(CompletionScript(*shell));
                                     return ExitCode::kOk;
                                   });
  AddArgument(completion, "SHELL", shell.get(), "bash, zsh or fish")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""))
      ->type_name("bash|zsh|fish");
  completion->footer(
      "bash:  source <(bpmpctl completion bash)\n"
      "zsh:   source <(bpmpctl completion zsh)\n"
      "fish:  bpmpctl completion fish | source");
}

}  // namespace bpmp::ctl
