// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_ANSWER_H_
#define BROKER_CTL_ANSWER_H_

#include <string>
#include <vector>

#include "bpmp/v1/types.pb.h"
#include "broker/ctl/names.h"
#include "broker/ctl/request_parser.h"

namespace bpmp::ctl {

// What came back, in words: "ok: 408 MHz", "ok: on", "refused: EBUSY (another holder)". The answer
// of a GET_ALL_INFO has several lines. Without a newline at the end. An answer with fewer bytes
// than its request defines is said so, never guessed. `names` is asked for the parents' names.
std::string AnswerText(const ParsedRequest& request, const v1::MrqResponse& response, Names& names);

// A refusal, with the broker's `reason` in place of the error's usual meaning where there is one,
// and the command that shows more. `vm` is who asked.
//   refused: EBUSY: another VM or the host holds it. Held by gpu-vm.
//     see: bpmpctl clock holders uarta
std::string RefusalText(const ParsedRequest& request, int32_t error, const std::string& vm,
                        const std::string& reason);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_ANSWER_H_
