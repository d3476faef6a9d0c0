// SPDX-License-Identifier: Apache-2.0
// The C interface: checks arguments, keeps exceptions in, and does nothing else itself.
#include <grpc/support/log.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "broker/base/signal_guard.h"
#include "qemu-client/include/bpmp_client.h"
#include "qemu-client/src/client.h"
#include "qemu-client/src/error_text.h"
#include "qemu-client/src/waiting.h"

struct bpmp_client {
  bpmp::client::Client client;
};

namespace bpmp::client {
namespace {

static_assert(kMaxPayload == BPMP_CLIENT_MAX_PAYLOAD);
static_assert(kMaxWaiting == BPMP_CLIENT_MAX_OUTSTANDING);

// What the first version of the structure had.
constexpr size_t kFirstSize = offsetof(bpmp_client_config, log_opaque) + sizeof(void*);
// No structure of any version to come is longer: a longer one is no structure.
constexpr size_t kLongestSize = 4096;
constexpr size_t kMaxName = 64;
constexpr uint32_t kDefaultBackoffMs = 1000;

void SetUpProcess() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Distributions build Abseil with its debugging aids, among them a graph of the order in which
    // gRPC takes its locks, which costs a request some per cent of its time.
    absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
    // gRPC writes to standard error what goes wrong on a connection, which is ours to tell.
    if (std::getenv("GRPC_VERBOSITY") != nullptr) return;
    gpr_set_log_verbosity(static_cast<gpr_log_severity>(GPR_LOG_SEVERITY_ERROR + 1));
  });
}

// The caller's structure in this version's shape. Null text: fine.
const char* Import(const bpmp_client_config& given, bpmp_client_config* config) {
  const size_t size = given.struct_size;
  if (size < kFirstSize || size > kLongestSize) return "struct_size is wrong";
  *config = BPMP_CLIENT_CONFIG_INIT;
  std::memcpy(config, &given, std::min(size, sizeof(*config)));
  const auto* const bytes = reinterpret_cast<const unsigned char*>(&given);
  if (std::any_of(bytes + std::min(size, sizeof(*config)), bytes + size,
                  [](unsigned char byte) { return byte != 0; })) {
    return "the configuration has a field that this version of the library doesn't know";
  }
  if ((config->flags & ~uint64_t{BPMP_CLIENT_READ_AHEAD}) != 0) {
    return "flags has one that this version of the library doesn't know";
  }
  if (config->timeout_ms > BPMP_CLIENT_MAX_TIMEOUT_MS) return "timeout_ms is over its limit";
  if (config->timeout_ms == 0) config->timeout_ms = BPMP_CLIENT_DEFAULT_TIMEOUT_MS;
  if (config->backoff_max_ms == 0) config->backoff_max_ms = kDefaultBackoffMs;
  if (config->client_name == nullptr) config->client_name = "libbpmp-client";
  return nullptr;
}

Failure Open(const bpmp_client_config& given, uint32_t wait_ms, bpmp_client** client) {
  bpmp_client_config config;
  if (const char* const wrong = Import(given, &config); wrong != nullptr) return {-EINVAL, wrong};
  SetUpProcess();
  const SignalGuard guard;
  Failure failure;
  auto endpoint = Endpoint::Make(config, &failure);
  if (endpoint == nullptr) return failure;
  Client::Options options;
  options.timeout = absl::Milliseconds(config.timeout_ms);
  options.backoff_max = absl::Milliseconds(config.backoff_max_ms);
  options.read_ahead = (config.flags & BPMP_CLIENT_READ_AHEAD) != 0;
  options.name.assign(config.client_name, strnlen(config.client_name, kMaxName));
  options.log = config.log;
  options.log_opaque = config.log_opaque;
  options.notify = config.notify;
  options.notify_opaque = config.notify_opaque;
  std::unique_ptr<bpmp_client> made(new bpmp_client{{std::move(endpoint), std::move(options)}});
  if (wait_ms > 0) failure = made->client.WaitUntilConnected(absl::Milliseconds(wait_ms));
  if (failure.status != 0) return failure;
  if (config.fd >= 0) close(config.fd);
  *client = made.release();
  return {};
}

void CopyText(const std::string& text, char* buffer, size_t size) {
  if (buffer == nullptr || size == 0) return;
  const size_t length = std::min(text.size(), size - 1);
  std::memcpy(buffer, text.data(), length);
  buffer[length] = '\0';
}

bool BadBytes(const void* bytes, size_t size) {
  return size > kMaxPayload || (bytes == nullptr && size > 0);
}

Call MakeCall(uint32_t mrq, const void* tx, size_t tx_size, size_t rx_size) {
  Call call;
  call.mrq = mrq;
  call.tx = {static_cast<const uint8_t*>(tx), tx_size};
  call.rx_size = rx_size;
  return call;
}

}  // namespace
}  // namespace bpmp::client

using bpmp::client::Failure;
using bpmp::client::Waiting;

int bpmp_client_open(const struct bpmp_client_config* config, uint32_t wait_ms,
                     bpmp_client** client, char* error, size_t error_size) {
  Failure failure{-EINVAL, "no configuration, or nowhere to put the client"};
  if (client != nullptr) *client = nullptr;
  try {
    if (config != nullptr && client != nullptr) {
      failure = bpmp::client::Open(*config, wait_ms, client);
    }
    bpmp::client::CopyText(failure.text, error, error_size);
  } catch (const std::bad_alloc&) {
    failure.status = -ENOMEM;
  } catch (const std::system_error&) {  // no thread
    failure.status = -ENOMEM;
  } catch (...) {
    failure.status = -EINVAL;
  }
  if (failure.status == -ENOMEM && error != nullptr && error_size > 0) {
    std::strncpy(error, "out of memory or threads", error_size - 1);
    error[error_size - 1] = '\0';
  }
  return failure.status;
}

int bpmp_client_transfer(bpmp_client* client, uint32_t mrq, const void* tx, size_t tx_size,
                         void* rx, size_t rx_size, int32_t* bpmp_error) {
  return bpmp_client_transfer_within(client, 0, mrq, tx, tx_size, rx, rx_size, bpmp_error);
}

int bpmp_client_transfer_within(bpmp_client* client, uint32_t timeout_ms, uint32_t mrq,
                                const void* tx, size_t tx_size, void* rx, size_t rx_size,
                                int32_t* bpmp_error) {
  if (bpmp_error != nullptr) *bpmp_error = 0;
  int status = -EINVAL;
  if (client != nullptr && bpmp_error != nullptr && !bpmp::client::BadBytes(tx, tx_size) &&
      !bpmp::client::BadBytes(rx, rx_size) && timeout_ms <= BPMP_CLIENT_MAX_TIMEOUT_MS) {
    bpmp::client::Call call = bpmp::client::MakeCall(mrq, tx, tx_size, rx_size);
    call.timeout = absl::Milliseconds(timeout_ms);
    Waiting waiting(rx, rx_size);
    call.waiter = waiting.waiter();
    status = client->client.Submit(call, &waiting);
    if (status == 0) return waiting.Wait(bpmp_error);
  }
  if (rx != nullptr) std::memset(rx, 0, std::min<size_t>(rx_size, BPMP_CLIENT_MAX_PAYLOAD));
  return status;
}

int bpmp_client_submit(bpmp_client* client, uint32_t mrq, const void* tx, size_t tx_size,
                       size_t rx_size, uint32_t timeout_ms, bpmp_client_done* done, void* opaque) {
  if (client == nullptr || done == nullptr || bpmp::client::BadBytes(tx, tx_size) ||
      rx_size > BPMP_CLIENT_MAX_PAYLOAD || timeout_ms > BPMP_CLIENT_MAX_TIMEOUT_MS) {
    return -EINVAL;
  }
  bpmp::client::Call call = bpmp::client::MakeCall(mrq, tx, tx_size, rx_size);
  call.timeout = absl::Milliseconds(timeout_ms);
  call.waiter = {done, opaque};
  return client->client.Submit(call);
}

int bpmp_client_reset(bpmp_client* client) {
  if (client == nullptr) return -EINVAL;
  Waiting waiting(nullptr, 0);
  const int status = client->client.Reset(waiting.waiter(), &waiting);
  return status != 0 ? status : waiting.Wait(nullptr);
}

int bpmp_client_reset_async(bpmp_client* client, bpmp_client_done* done, void* opaque) {
  if (client == nullptr) return -EINVAL;
  return client->client.Reset({done, opaque});
}

void bpmp_client_close(bpmp_client* client) {
  if (client == nullptr) return;
  const bpmp::SignalGuard guard;
  delete client;
}

const char* bpmp_client_strerror(int status) { return bpmp::client::StatusText(status); }

const char* bpmp_client_bpmp_strerror(int32_t bpmp_error) {
  return bpmp::client::BpmpErrorText(bpmp_error);
}
