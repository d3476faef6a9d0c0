// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_LOGGING_H_
#define BROKER_DAEMON_LOGGING_H_

#include <spdlog/common.h>

#include <string_view>

#include "bpmp/v1/config.pb.h"

namespace bpmp::daemon {

// Makes spdlog's default logger write to standard error: for the journal as sd-daemon(3) wants it
// ("<4>text"), for a terminal or a file with time and level. `for_journal` is IsJournal() but for
// tests. gRPC's and protobuf's own messages come the same way, their chatter as debug.
void InitLogging(v1::LogConfig::Level level, bool for_journal);

// Whether standard error is a stream of the journal.
bool IsJournal();

// Logs each line of `text` as a message of its own.
void LogLines(spdlog::level::level_enum level, std::string_view text);

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_LOGGING_H_
