// SPDX-License-Identifier: Apache-2.0
#ifndef QEMU_CLIENT_SRC_ERROR_TEXT_H_
#define QEMU_CLIENT_SRC_ERROR_TEXT_H_

#include <cstdint>
#include <string>

namespace bpmp::client {

// The texts of bpmp_client_strerror() and bpmp_client_bpmp_strerror().
const char* StatusText(int status);
const char* BpmpErrorText(int32_t error);

// The system's text for a positive errno. Thread-safe.
std::string ErrnoText(int error);

}  // namespace bpmp::client

#endif  // QEMU_CLIENT_SRC_ERROR_TEXT_H_
