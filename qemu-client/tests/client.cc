// SPDX-License-Identifier: Apache-2.0
#include "qemu-client/tests/client.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <thread>

#include "broker/base/endian.h"

namespace bpmp::client {

void Heard::Notify(void* opaque, uint32_t mrq, const void* data, size_t size) {
  auto* const self = static_cast<Heard*>(opaque);
  MutexLock lock(&self->mutex_);
  self->messages_.push_back({mrq, std::string(static_cast<const char*>(data), size)});
  self->came_.SignalAll();
}

std::vector<Heard::Message> Heard::Wait(size_t count) {
  MutexLock lock(&mutex_);
  while (messages_.size() < count) came_.Wait(&mutex_);
  return messages_;
}

size_t Heard::count() const {
  MutexLock lock(&mutex_);
  return messages_.size();
}

TestClient::TestClient(const std::string& socket, uint32_t timeout_ms) : broker_("unix:" + socket) {
  config_.broker = broker_.c_str();
  config_.timeout_ms = timeout_ms;
}

int TestClient::Open(uint32_t wait_ms) {
  config_.log = &TestClient::Log;
  config_.log_opaque = this;
  std::array<char, 512> error{};
  const int status = bpmp_client_open(&config_, wait_ms, &client_, error.data(), error.size());
  error_ = error.data();
  return status;
}

void TestClient::Close() {
  bpmp_client_close(client_);
  client_ = nullptr;
}

Reply TestClient::Transfer(uint32_t mrq, const std::vector<uint32_t>& words) {
  std::vector<uint8_t> tx(words.size() * 4);
  for (size_t i = 0; i < words.size(); ++i) {
    StoreLe<uint32_t>(absl::MakeSpan(tx), i * 4, words[i]);
  }
  std::array<uint8_t, 4> rx{};
  Reply reply;
  reply.status =
      bpmp_client_transfer(client_, mrq, tx.data(), tx.size(), rx.data(), rx.size(), &reply.error);
  reply.value = LoadLe<uint32_t>(rx, 0);
  return reply;
}

Reply TestClient::Clk(uint32_t command, uint32_t id) { return Transfer(22, {command << 24 | id}); }
Reply TestClient::Power(uint32_t domain, bool on) {
  return Transfer(66, {1, domain, on ? 1U : 0U});
}
Reply TestClient::PowerState(uint32_t domain) { return Transfer(66, {2, domain, 0}); }
Reply TestClient::Ping(uint32_t challenge) { return Transfer(0, {challenge}); }

void Pending::Done(void* opaque, int status, int32_t error, const void* rx, size_t rx_size) {
  Reply reply{status, error, 0};
  if (rx_size >= sizeof(reply.value)) {
    reply.value = LoadLe<uint32_t>({static_cast<const uint8_t*>(rx), rx_size}, 0);
  }
  static_cast<Pending*>(opaque)->reply_.set_value(reply);
}

int TestClient::Submit(uint32_t mrq, uint32_t word, Pending* pending, uint32_t timeout_ms) {
  std::array<uint8_t, 4> tx{};
  StoreLe<uint32_t>(absl::MakeSpan(tx), 0, word);
  return bpmp_client_submit(client_, mrq, tx.data(), tx.size(), 4, timeout_ms, &Pending::Done,
                            pending);
}

Reply TestClient::Retry(Reply (*ask)(TestClient&)) {
  for (;;) {
    const Reply reply = ask(*this);
    if (reply.status == 0) return reply;
    std::this_thread::yield();
  }
}

void TestClient::Log(void* opaque, bpmp_client_log_level, const char* message) {
  auto* const self = static_cast<TestClient*>(opaque);
  MutexLock lock(&self->mutex_);
  self->log_.emplace_back(message);
  self->logged_.SignalAll();
}

void TestClient::WaitForLog(std::string_view text) {
  MutexLock lock(&mutex_);
  for (;;) {
    while (log_read_ == log_.size()) logged_.Wait(&mutex_);
    if (log_[log_read_++].find(text) != std::string::npos) return;
  }
}

int ConnectedSocket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto* const to = reinterpret_cast<const sockaddr*>(&address);
  return connect(fd, to, sizeof(address)) == 0 ? fd : -1;
}

int CutConnections(const std::string& path) {
  int cut = 0;
  for (int fd = 3; fd < 4096; ++fd) {
    sockaddr_un peer{};
    socklen_t size = sizeof(peer);
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    // The broker binds a name that differs in its last character, before the socket gets its own.
    const std::string bound = peer.sun_path;
    if (peer.sun_family != AF_UNIX || bound.size() != path.size()) continue;
    if (bound.compare(0, bound.size() - 1, path, 0, path.size() - 1) != 0) continue;
    if (shutdown(fd, SHUT_RDWR) == 0) ++cut;
  }
  return cut;
}

}  // namespace bpmp::client
