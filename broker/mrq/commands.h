// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_MRQ_COMMANDS_H_
#define BROKER_MRQ_COMMANDS_H_

#include <cstdint>
#include <string_view>

#include "absl/types/span.h"
#include "broker/mrq/types.h"

// The ABI as tables: which commands an MRQ has, how long each request must be, how long its answer
// is. Decoding, encoding and naming all read these and hold no sizes of their own. For use inside
// broker/mrq; everyone else calls codec.h.
namespace bpmp::mrq {

struct CommandSpec {
  uint32_t command;       // full width; 0 for an MRQ without commands
  uint8_t min_tx;         // a shorter request is an error
  uint8_t rx;             // bytes of a successful answer
  std::string_view name;  // empty for an MRQ without commands
};

struct MrqSpec {
  Mrq mrq;
  uint8_t command_offset;  // where the request says its command, little-endian
  uint8_t command_width;   // in bytes; 0 for an MRQ without commands
  uint8_t linux_tx;        // bytes that Linux sends for any command of this MRQ
  absl::Span<const CommandSpec> commands;
};

// Null for an MRQ that no VM may send.
const MrqSpec* FindMrq(uint32_t mrq);
// Null for a command that no VM may send.
const CommandSpec* FindCommand(const MrqSpec& spec, uint32_t command);

// The command on the wire of any request, 0 for an MRQ without commands.
uint32_t CommandCode(const Request& request);

}  // namespace bpmp::mrq

#endif  // BROKER_MRQ_COMMANDS_H_
