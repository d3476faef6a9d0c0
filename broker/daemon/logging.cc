// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/logging.h"

#include <grpc/support/log.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "broker/base/string_view.h"
#include "google/protobuf/stubs/logging.h"

namespace bpmp::daemon {
namespace {

// sd-daemon(3)'s number of a level, for the pattern's "%*".
class Priority : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    out.push_back(Of(message.level));
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<Priority>();
  }

 private:
  static char Of(spdlog::level::level_enum level) {
    switch (level) {
      case spdlog::level::critical:
        return '2';
      case spdlog::level::err:
        return '3';
      case spdlog::level::warn:
        return '4';
      case spdlog::level::info:
        return '6';
      default:
        return '7';
    }
  }
};

spdlog::level::level_enum ToSpdlog(v1::LogConfig::Level level) {
  switch (level) {
    case v1::LogConfig::DEBUG:
      return spdlog::level::debug;
    case v1::LogConfig::WARNING:
      return spdlog::level::warn;
    case v1::LogConfig::ERROR:
      return spdlog::level::err;
    default:
      return spdlog::level::info;
  }
}

void LogOfGrpc(gpr_log_func_args* args) {
  spdlog::log(args->severity == GPR_LOG_SEVERITY_ERROR ? spdlog::level::warn : spdlog::level::debug,
              "grpc: {}", args->message);
}

// What it has to say is of messages that don't parse. Peers send those as often as they like, and
// are told so themselves.
void LogOfProtobuf(google::protobuf::LogLevel /*level*/, const char* /*file*/, int /*line*/,
                   const std::string& message) {
  spdlog::debug("protobuf: {}", message);
}

}  // namespace

void InitLogging(v1::LogConfig::Level level, bool for_journal) {
  auto logger = std::make_shared<spdlog::logger>("bpmp-broker",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<Priority>('*').set_pattern(for_journal ? "<%*>%v" : "%Y-%m-%d %T.%e %l %v");
  logger->set_formatter(std::move(formatter));
  logger->set_level(ToSpdlog(level));
  logger->flush_on(spdlog::level::trace);  // standard error isn't buffered; keep it so
  spdlog::set_default_logger(std::move(logger));
  gpr_set_log_function(LogOfGrpc);
  google::protobuf::SetLogHandler(LogOfProtobuf);
}

bool IsJournal() {
  // systemd names the stream by device and inode, because the variable is inherited by children
  // whose standard error goes elsewhere.
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat info {};
  if (stream == nullptr || fstat(STDERR_FILENO, &info) != 0) return false;
  return absl::StrFormat("%d:%d", info.st_dev, info.st_ino) == stream;
}

void LogLines(spdlog::level::level_enum level, std::string_view text) {
  for (const absl::string_view line : absl::StrSplit(ToAbsl(text), '\n')) {
    spdlog::log(level, "{}", std::string(line));
  }
}

}  // namespace bpmp::daemon
