// SPDX-License-Identifier: Apache-2.0
#ifndef QEMU_CLIENT_SRC_PAYLOAD_H_
#define QEMU_CLIENT_SRC_PAYLOAD_H_

#include <cstddef>

namespace bpmp::client {

// Payload bytes at most, either way. The C header's number.
inline constexpr size_t kMaxPayload = 120;

}  // namespace bpmp::client

#endif  // QEMU_CLIENT_SRC_PAYLOAD_H_
