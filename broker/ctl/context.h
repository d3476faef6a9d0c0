// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_CONTEXT_H_
#define BROKER_CTL_CONTEXT_H_

#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/ctl/exit_code.h"
#include "broker/ctl/resolver.h"
#include "broker/ctl/style.h"
#include "google/protobuf/message.h"

namespace bpmp::ctl {

// Where a run reads and writes. Not owned.
struct Io {
  std::ostream* out;
  std::ostream* err;
  int in_fd;
};

// Options that every verb has.
struct Globals {
  std::string socket;               // --socket, may be empty
  std::string output = "table";     // --output: table or json
  std::string timeout_text = "5s";  // --timeout, as written
  absl::Duration timeout = absl::Seconds(5);

  bool json() const { return output == "json"; }
};

// What a verb works with. One run of the program, one thread.
class Context {
 public:
  Context(const Io& io, const Style& style) : io_(io), style_(style) {}

  Globals& globals() { return globals_; }
  const Style& style() const { return style_; }
  int in_fd() const { return io_.in_fd; }

  // The admin API; the first call connects nothing yet, so only a bad path fails here.
  absl::StatusOr<AdminClient*> Admin();

  // Writes to standard output and flushes, so that a reader of a pipe sees whole lines at once.
  // False when it couldn't, now or earlier: nobody reads any more, or the disk is full.
  bool Print(std::string_view text);
  // `code`, or kFailed where Print() couldn't; says why, unless the reader just went away (`|
  // head`).
  ExitCode Finish(ExitCode code);
  void Warn(std::string_view line);

  // A verb's result: `message` as JSON where that was asked for, else `text`. Returns `code`.
  ExitCode Show(const google::protobuf::Message& message, absl::FunctionRef<std::string()> text,
                ExitCode code = ExitCode::kOk);

 private:
  const Io io_;
  const Style style_;
  Globals globals_;
  std::unique_ptr<AdminClient> admin_;
  int write_error_ = 0;  // errno of the first Print() that failed, where there is one
};

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_CONTEXT_H_
