// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/answer.h"
#include "broker/ctl/interrupt.h"
#include "broker/ctl/json.h"
#include "broker/ctl/line_reader.h"
#include "broker/ctl/request_grammar.h"
#include "broker/ctl/request_parser.h"
#include "broker/ctl/session.h"
#include "broker/ctl/verbs.h"
#include "broker/ctl/vm_endpoint.h"

namespace bpmp::ctl {
namespace {

struct SessionOptions {
  std::string vm;
  std::string socket;
  bool stay = false;
};

constexpr char kHelp[] =
    "Lines of a session: a request (below), machine-reset (as a guest's reboot), keep-alive, help, "
    "quit. What follows # is a comment.\n";

// The VM's socket: as given, or as the broker has it.
absl::StatusOr<Endpoint> GuestEndpoint(Context& context, const SessionOptions& options) {
  if (!options.socket.empty()) {
    return Endpoint{options.socket, "the broker"};
  }
  if (options.vm.empty()) {
    return absl::InvalidArgumentError("whose session? Write a VM's name or --socket PATH");
  }
  return VmEndpoint(context, options.vm);
}

// The conversation: lines in, answers out.
class Conversation {
 public:
  Conversation(Context& context, GuestSession& session, Names& names)
      : context_(context),
        session_(session),
        names_(names),
        prompt_(::isatty(context.in_fd()) != 0 && !context.globals().json()) {}

  // Ends with stdin, `quit` or the stream. Only a failure of the stream is an error.
  absl::StatusOr<ExitCode> Run(bool stay) {
    LineReader reader(context_.in_fd(), session_.ended_fd());
    std::string line;
    LineReader::Result result = LineReader::Result::kStopped;
    while (Prompt() && (result = reader.Next(&line)) == LineReader::Result::kLine) {
      const std::vector<std::string> words = SplitWords(line.substr(0, line.find('#')));
      if (!words.empty() && words[0] == "quit") {
        return code_;
      }
      if (!words.empty()) {
        BPMP_RETURN_IF_ERROR(Handle(words));
      }
    }
    if (stay && result == LineReader::Result::kEnd) {
      WaitReadable(session_.ended_fd());
    }
    return code_;
  }

 private:
  absl::StatusOr<ParsedRequest> ParseForGuest(const std::vector<std::string>& words) {
    BPMP_ASSIGN_OR_RETURN(ParsedRequest parsed, ParseRequest(words, names_));
    BPMP_RETURN_IF_ERROR(CheckGuestCanSay(parsed));
    return parsed;
  }

  bool Prompt() { return !prompt_ || context_.Print(session_.welcome().vm() + "> "); }

  absl::Status Handle(const std::vector<std::string>& words) {
    if (words[0] == "help") {
      context_.Print(absl::StrCat(kHelp, GrammarHelp(), "\n"));
      return absl::OkStatus();
    }
    v1::SessionRequest message;
    ParsedRequest parsed;
    parsed.text = words[0];
    if (words[0] == "machine-reset") {
      message.mutable_machine_reset();
    } else if (words[0] == "keep-alive") {
      message.mutable_keep_alive();
    } else {
      absl::StatusOr<ParsedRequest> request = ParseForGuest(words);
      if (!request.ok()) {
        context_.Warn(std::string(request.status().message()));
        code_ = ExitCode::kUsage;
        return absl::OkStatus();
      }
      parsed = *std::move(request);
      *message.mutable_request() = parsed.wire;
    }
    const absl::StatusOr<v1::SessionResponse> response = session_.Exchange(std::move(message));
    if (absl::IsDeadlineExceeded(response.status())) {
      context_.Warn(absl::StrCat(parsed.text, ": ", std::string(response.status().message())));
      code_ = ExitCode::kNoAnswer;
      return absl::OkStatus();
    }
    BPMP_RETURN_IF_ERROR(response.status());
    Answer(parsed, *response);
    return absl::OkStatus();
  }

  void Answer(const ParsedRequest& request, const v1::SessionResponse& response) {
    if (context_.globals().json()) {
      context_.Print(ToJson(response, JsonLayout::kOneLine));
      return;
    }
    std::string text = "ok";
    if (response.has_machine_reset_done()) {
      text = absl::StrCat("ok: released; epoch ", response.machine_reset_done().epoch(), " begins");
    } else if (response.has_response()) {
      const v1::MrqResponse& answer = response.response();
      text = answer.error() == 0
                 ? AnswerText(request, answer, names_)
                 : RefusalText(request, answer.error(), session_.welcome().vm(), "");
    }
    context_.Print(absl::StrCat(prompt_ ? "" : request.text + ": ", text, "\n"));
  }

  Context& context_;
  GuestSession& session_;
  Names& names_;
  const bool prompt_;
  ExitCode code_ = ExitCode::kOk;
};

absl::StatusOr<ExitCode> Session(Context& context, const SessionOptions& options) {
  BPMP_ASSIGN_OR_RETURN(const Endpoint endpoint, GuestEndpoint(context, options));
  BPMP_ASSIGN_OR_RETURN(const auto channel, Connect(endpoint));
  const absl::Duration timeout = context.globals().timeout;
  BPMP_ASSIGN_OR_RETURN(const auto session, GuestSession::Open(endpoint, channel, timeout));
  const InterruptGuard guard([&session] { session->Cancel(); });
  if (!context.globals().json()) {
    const v1::Welcome& welcome = session->welcome();
    context.Print(absl::StrCat("session ", welcome.session_id(), " of ", welcome.vm(), ", epoch ",
                               welcome.epoch(), "\n"));
  }
  std::unique_ptr<Names> names = std::make_unique<GuestNames>(endpoint, channel, timeout);
  if (options.socket.empty()) {
    BPMP_ASSIGN_OR_RETURN(AdminClient * admin, context.Admin());
    names = std::make_unique<AdminNames>(admin);
  }
  Conversation conversation(context, *session, *names);
  const absl::StatusOr<ExitCode> code = conversation.Run(options.stay);
  if (WasInterrupted()) {
    return ExitCode::kOk;
  }
  BPMP_RETURN_IF_ERROR(code.status());
  BPMP_RETURN_IF_ERROR(session->Close());
  return *code;
}

}  // namespace

void AddSessionVerb(VerbTree& verbs) {
  auto options = std::make_shared<SessionOptions>();
  CLI::App* session =
      verbs.Add("session", "Be a VM: open its session and send the requests on standard input",
                [options](Context& context) { return Session(context, *options); });
  AddArgument(session, "VM", &options->vm, "Name of the VM; its socket is asked from the broker")
      ->required(false);
  session->add_option("--socket", options->socket, "The VM's socket, without asking the broker")
      ->type_name("PATH");
  session->add_flag("--stay", options->stay, "Stay when standard input ends, until killed");
  session->footer(std::string(kHelp) + GrammarHelp());
}

}  // namespace bpmp::ctl
