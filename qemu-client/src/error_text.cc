// SPDX-License-Identifier: Apache-2.0
#include "qemu-client/src/error_text.h"

#include <cerrno>
#include <system_error>

namespace bpmp::client {
namespace {

struct Text {
  int32_t number;
  const char* text;
};

constexpr Text kStatuses[] = {
    {0, "success"},
    {ETIMEDOUT, "no answer in time"},
    {ENOTCONN, "not connected to the broker"},
    {ECONNRESET, "connection to the broker lost before the answer"},
    {EACCES, "refused by the broker"},
    {EINVAL, "invalid argument"},
    {EBUSY, "too many requests are waiting"},
    {ESHUTDOWN, "the client is being closed"},
    {ENOMEM, "out of memory"},
    {ENOENT, "no such socket or credentials"},
    {ECONNREFUSED, "nobody listens at the broker's address"},
    {EHOSTUNREACH, "the broker can't be reached"},
};

// The firmware's own numbers.
constexpr Text kBpmpErrors[] = {
    {0, "success"},
    {1, "EPERM: not permitted"},
    {2, "ENOENT: no such thing"},
    {3, "ENOHANDLER: no handler for this request"},
    {5, "EIO: the hardware or its backend failed"},
    {6, "EBADCMD: no such command"},
    {11, "EAGAIN: try again"},
    {12, "ENOMEM: out of memory"},
    {13, "EACCES: not permitted by the broker's policy"},
    {14, "EFAULT: bad address"},
    {16, "EBUSY: in use by another holder"},
    {19, "ENODEV: no such device"},
    {21, "EISDIR: is a directory"},
    {22, "EINVAL: invalid request"},
    {23, "ETIMEDOUT: the firmware or the hardware did not answer in time"},
    {34, "ERANGE: out of range"},
    {38, "ENOSYS: not implemented"},
    {57, "EBADSLT: invalid slot"},
    {134, "ENOTSUP: not supported"},
    {140, "ENXIO: no such device or address"},
};

template <size_t kSize>
const char* Find(const Text (&texts)[kSize], int64_t number, const char* otherwise) {
  for (const Text& text : texts) {
    if (text.number == number) return text.text;
  }
  return otherwise;
}

}  // namespace

const char* StatusText(int status) {
  return Find(kStatuses, -int64_t{status}, "unknown transport status");
}

const char* BpmpErrorText(int32_t error) {
  return Find(kBpmpErrors, -int64_t{error}, "unknown BPMP error");
}

std::string ErrnoText(int error) { return std::generic_category().message(error); }

}  // namespace bpmp::client
