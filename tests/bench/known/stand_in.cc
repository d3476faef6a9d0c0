// SPDX-License-Identifier: Apache-2.0
// What the known path is measured with behind the device: in place of libbpmp-client (the same
// interface, the same name, found by LD_LIBRARY_PATH) a BPMP inside the emulator that answers each
// request at once. The known device calls the kernel and the firmware there, which takes longer:
// this is the known path at its best. Only as much of the interface as the device needs.
//
// Its broker has a name that the real library refuses, so that nobody measures the wrong one.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "absl/types/span.h"
#include "broker/backend/sim/tegra_model.h"
#include "broker/base/mutex.h"
#include "broker/mrq/codec.h"
#include "qemu-client/include/bpmp_client.h"

struct bpmp_client {
  bpmp::Mutex mutex;
  bpmp::backend::sim::TegraModel model ABSL_GUARDED_BY(mutex);
};

namespace {

constexpr std::string_view kBroker = "stand-in:";

bpmp::mrq::Response Answer(bpmp_client* client, uint32_t mrq, absl::Span<const uint8_t> tx) {
  const auto request = bpmp::mrq::DecodeRequest(mrq, tx);
  if (!request.ok()) return bpmp::mrq::Fail(bpmp::mrq::ErrorFromStatus(request.status()));
  bpmp::MutexLock lock(&client->mutex);
  return client->model.Handle(*request);
}

}  // namespace

int bpmp_client_open(const struct bpmp_client_config* config, uint32_t /*wait_ms*/,
                     bpmp_client** client, char* error, size_t error_size) {
  *client = nullptr;
  if (config->broker == nullptr || config->broker != kBroker) {
    std::snprintf(error, error_size, "this is the benchmark's stand-in; set broker=stand-in:");
    return -EINVAL;
  }
  *client = new bpmp_client;
  return 0;
}

int bpmp_client_transfer_within(bpmp_client* client, uint32_t /*timeout_ms*/, uint32_t mrq,
                                const void* tx, size_t tx_size, void* rx, size_t rx_size,
                                int32_t* bpmp_error) {
  const bpmp::mrq::Response response =
      Answer(client, mrq, {static_cast<const uint8_t*>(tx), tx_size});
  std::memset(rx, 0, rx_size);
  if (response.error == 0) {
    std::memcpy(rx, response.data.data(), std::min(rx_size, response.data.size()));
  }
  *bpmp_error = response.error;
  return 0;
}

int bpmp_client_submit(bpmp_client* client, uint32_t mrq, const void* tx, size_t tx_size,
                       size_t rx_size, uint32_t /*timeout_ms*/, bpmp_client_done* done,
                       void* opaque) {
  const bpmp::mrq::Response response =
      Answer(client, mrq, {static_cast<const uint8_t*>(tx), tx_size});
  const size_t size = response.error == 0 ? std::min(rx_size, response.data.size()) : 0;
  done(opaque, 0, response.error, response.data.data(), size);
  return 0;
}

int bpmp_client_reset_async(bpmp_client* client, bpmp_client_done* done, void* opaque) {
  {
    bpmp::MutexLock lock(&client->mutex);
    client->model = bpmp::backend::sim::TegraModel();
  }
  if (done != nullptr) done(opaque, 0, 0, nullptr, 0);
  return 0;
}

void bpmp_client_close(bpmp_client* client) { delete client; }
