// SPDX-License-Identifier: Apache-2.0
#ifndef QEMU_CLIENT_TESTS_CLIENT_H_
#define QEMU_CLIENT_TESTS_CLIENT_H_

#include <bpmp_client.h>

#include <atomic>
#include <cstdint>
#include <future>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/mutex.h"

namespace bpmp::client {

// Long enough for a broker to start on a machine that does much else.
inline constexpr uint32_t kLong = 60'000;
inline constexpr uint32_t kUarta = 155;
inline constexpr uint32_t kVic = 167;
inline constexpr uint32_t kVicDomain = 29;

// What a transfer came to.
struct Reply {
  int status = 1;
  int32_t error = 0;
  uint32_t value = 0;  // the answer's first word
  bool ok() const { return status == 0 && error == 0; }
};

// What became of a request that was submitted.
class Pending {
 public:
  // bpmp_client_done.
  static void Done(void* opaque, int status, int32_t error, const void* rx, size_t rx_size);
  Reply WaitForReply() { return reply_.get_future().get(); }
  int Wait() { return WaitForReply().status; }

 private:
  std::promise<Reply> reply_;
};

// What the firmware said unasked. Thread-safe.
class Heard {
 public:
  struct Message {
    uint32_t mrq = 0;
    std::string data;
    friend bool operator==(const Message&, const Message&) = default;
  };
  // bpmp_client_config.notify; `opaque` is a Heard.
  static void Notify(void* opaque, uint32_t mrq, const void* data, size_t size);
  // Blocks until there are so many, and returns them all.
  std::vector<Message> Wait(size_t count) ABSL_LOCKS_EXCLUDED(mutex_);
  size_t count() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable Mutex mutex_;
  CondVar came_;
  std::vector<Message> messages_ ABSL_GUARDED_BY(mutex_);
};

// The library's client in C++, through the C interface alone.
class TestClient {
 public:
  // Of the VM with this socket.
  explicit TestClient(const std::string& socket, uint32_t timeout_ms = BPMP_CLIENT_MAX_TIMEOUT_MS);
  explicit TestClient(bpmp_client_config config) : config_(config) {}
  ~TestClient() { Close(); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  bpmp_client_config& config() { return config_; }
  // bpmp_client_open().
  int Open(uint32_t wait_ms = kLong);
  void Close();
  const std::string& error() const { return error_; }

  Reply Clk(uint32_t command, uint32_t id);
  Reply Enable(uint32_t id) { return Clk(7, id); }
  Reply IsEnabled(uint32_t id) { return Clk(6, id); }
  Reply Power(uint32_t domain, bool on);
  Reply PowerState(uint32_t domain);
  Reply Ping(uint32_t challenge);
  int Submit(uint32_t mrq, uint32_t word, Pending* pending, uint32_t timeout_ms = 0);
  // Asks again and again, until it is answered.
  Reply Retry(Reply (*ask)(TestClient&));

  bpmp_client* get() const { return client_; }
  // Blocks until the log has a message with this text in it that wasn't waited for before.
  void WaitForLog(std::string_view text);

 private:
  static void Log(void* opaque, bpmp_client_log_level level, const char* message);
  Reply Transfer(uint32_t mrq, const std::vector<uint32_t>& words);

  std::string broker_;
  bpmp_client_config config_ = BPMP_CLIENT_CONFIG_INIT;
  bpmp_client* client_ = nullptr;
  std::string error_;

  Mutex mutex_;
  CondVar logged_;
  std::vector<std::string> log_ ABSL_GUARDED_BY(mutex_);
  size_t log_read_ ABSL_GUARDED_BY(mutex_) = 0;
};

// A socket that is connected to the one at `path`.
int ConnectedSocket(const std::string& path);
// Cuts this process's connections to the Unix socket `path`, as if they were lost on the way.
// Returns how many there were.
int CutConnections(const std::string& path);

}  // namespace bpmp::client

#endif  // QEMU_CLIENT_TESTS_CLIENT_H_
