// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/kernel/fake_host_device.h"

#include <errno.h>

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "broker/backend/kernel/write_message.h"
#include "broker/base/endian.h"

namespace bpmp::backend::kernel {
namespace {

constexpr uint32_t kPing = 0;

bool IsZero(absl::Span<const uint8_t> bytes) {
  return absl::c_all_of(bytes, [](uint8_t byte) { return byte == 0; });
}

bool Takes(FakeHostDevice::Proxy proxy, size_t size) {
  switch (proxy) {
    case FakeHostDevice::Proxy::kFlat:
      return false;
    case FakeHostDevice::Proxy::kWrite48:
      return size == kShortWrite;
    case FakeHostDevice::Proxy::kWrite56:
      return size >= kLongWrite;
    case FakeHostDevice::Proxy::kOldest:
      return size >= kShortWrite;
  }
  return false;
}

}  // namespace

mrq::Response FakeHostDevice::Echo(uint32_t mrq, absl::Span<const uint8_t> tx) {
  return mrq::OkU32(mrq == kPing ? LoadLe<uint32_t>(tx, 0) << 1 : mrq);
}

void FakeHostDevice::Hang() {
  MutexLock lock(&mutex_);
  hang_ = true;
}

void FakeHostDevice::LetGo() {
  MutexLock lock(&mutex_);
  hang_ = false;
  abandoned_ = 0;
  ++let_go_;
  changed_.SignalAll();
}

void FakeHostDevice::TimeOut() {
  MutexLock lock(&mutex_);
  ++timed_out_;
  changed_.SignalAll();
}

void FakeHostDevice::WaitUntilHanging(size_t count) {
  MutexLock lock(&mutex_);
  while (hanging_ < count) {
    changed_.Wait(&mutex_);
  }
}

size_t FakeHostDevice::hanging() const {
  MutexLock lock(&mutex_);
  return hanging_;
}

void FakeHostDevice::Vanish() {
  MutexLock lock(&mutex_);
  present_ = false;
  ++generation_;
}

void FakeHostDevice::ComeBack(Proxy proxy) {
  MutexLock lock(&mutex_);
  present_ = true;
  proxy_ = proxy;
}

void FakeHostDevice::RefuseToOpen(int error) {
  MutexLock lock(&mutex_);
  open_error_ = error;
}

void FakeHostDevice::Forbid(uint32_t mrq) {
  MutexLock lock(&mutex_);
  forbidden_.push_back(mrq);
}

void FakeHostDevice::FailCalls(int error) {
  MutexLock lock(&mutex_);
  call_error_ = error;
}

void FakeHostDevice::LoseAnswers(bool lose) {
  MutexLock lock(&mutex_);
  lose_answers_ = lose;
}

void FakeHostDevice::set_holds(std::vector<bpmp_host_hold> holds) {
  MutexLock lock(&mutex_);
  holds_ = std::move(holds);
}

size_t FakeHostDevice::opened() const {
  MutexLock lock(&mutex_);
  return opened_;
}

size_t FakeHostDevice::open_files() const {
  MutexLock lock(&mutex_);
  return files_.size();
}

std::vector<uint32_t> FakeHostDevice::carried() const {
  MutexLock lock(&mutex_);
  return carried_;
}

std::vector<size_t> FakeHostDevice::written_sizes() const {
  MutexLock lock(&mutex_);
  return written_sizes_;
}

uint32_t FakeHostDevice::last_timeout_ms() const {
  MutexLock lock(&mutex_);
  return last_timeout_ms_;
}

int FakeHostDevice::adopted() const {
  MutexLock lock(&mutex_);
  return adopted_;
}

size_t FakeHostDevice::misuses() const {
  MutexLock lock(&mutex_);
  return misuses_;
}

int FakeHostDevice::Open() {
  MutexLock lock(&mutex_);
  if (open_error_ != 0) return -open_error_;
  if (!present_) return -ENOENT;
  ++opened_;
  files_[++last_fd_] = generation_;
  return last_fd_;
}

void FakeHostDevice::Close(int fd) {
  MutexLock lock(&mutex_);
  misuses_ += 1 - files_.erase(fd);
  changed_.SignalAll();
}

int FakeHostDevice::Look(int fd) {
  const auto file = files_.find(fd);
  if (file == files_.end()) {
    ++misuses_;
    return EBADF;
  }
  return file->second == generation_ && present_ ? 0 : ENODEV;
}

FakeHostDevice::Answer FakeHostDevice::Carry(int fd, uint32_t mrq, absl::Span<const uint8_t> tx,
                                             bool may_time_out) {
  const bool detection = mrq == kPing && LoadLe<uint32_t>(tx, 0) == 0x1234'5678;
  if (!detection) carried_.push_back(mrq);
  if (hang_) {
    const uint64_t until = let_go_ + 1;
    const uint64_t over = timed_out_ + 1;
    ++hanging_;
    changed_.SignalAll();
    while (let_go_ < until && !(may_time_out && timed_out_ >= over)) {
      changed_.Wait(&mutex_);
    }
    --hanging_;
    if (let_go_ < until) {
      ++abandoned_;
      return {ETIMEDOUT, 0, {}};
    }
    if (const int error = Look(fd); error != 0) return {error, 0, {}};
  }
  Answer answer{0, 0, firmware_(mrq, tx)};
  if (lose_answers_ && !detection) answer.status = ETIMEDOUT;
  return answer;
}

ssize_t FakeHostDevice::Write(int fd, void* data, size_t size) {
  MutexLock lock(&mutex_);
  written_sizes_.push_back(size);
  if (const int error = Look(fd); error != 0) return -error;
  if (!Takes(proxy_, size)) return -EINVAL;
  if (call_error_ != 0) return -call_error_;
  auto* message = static_cast<WriteMessage*>(data);
  if (size >= kLongWrite && message->flags != 0) return -EINVAL;
  if (absl::c_linear_search(forbidden_, message->mrq)) return -EPERM;
  const absl::Span<const uint8_t> tx(static_cast<const uint8_t*>(message->tx_data),
                                     message->tx_size);
  const Answer answer = Carry(fd, message->mrq, tx, false);
  if (answer.error != 0) return -answer.error;
  if (answer.status != 0) {
    return proxy_ == Proxy::kOldest ? static_cast<ssize_t>(size) : -answer.status;
  }
  std::copy_n(answer.response.data.begin(), message->rx_size,
              static_cast<uint8_t*>(message->rx_data));
  message->ret = answer.response.error;
  return static_cast<ssize_t>(size);
}

int FakeHostDevice::Ioctl(int fd, uint32_t request, void* argument) {
  MutexLock lock(&mutex_);
  if (const int error = Look(fd); error != 0) return -error;
  if (proxy_ != Proxy::kFlat) return -ENOTTY;
  switch (request) {
    case BPMP_HOST_INFO:
      *static_cast<bpmp_host_info*>(argument) = {
          BPMP_HOST_ABI_VERSION, kSlots, 0, static_cast<uint32_t>(holds_.size()), {}};
      return 0;
    case BPMP_HOST_TRANSFER:
      return Transfer(fd, static_cast<bpmp_host_transfer*>(argument));
    case BPMP_HOST_HOLDS:
      ListHolds(static_cast<bpmp_host_holds*>(argument));
      return 0;
    case BPMP_HOST_ADOPT:
      ++adopted_;
      for (bpmp_host_hold& hold : holds_) hold.flags = 0;
      return 0;
    default:
      return -ENOTTY;
  }
}

int FakeHostDevice::Transfer(int fd, bpmp_host_transfer* transfer) {
  const absl::Span<const uint8_t> payload(transfer->tx);
  if (transfer->cookie != 0 || transfer->flags != 0 || transfer->pad != 0 ||
      transfer->tx_size > payload.size() || transfer->rx_size > sizeof(transfer->rx) ||
      transfer->timeout_ms == 0 || transfer->timeout_ms > BPMP_HOST_MAX_TIMEOUT_MS ||
      !IsZero(payload.subspan(transfer->tx_size))) {
    return -EINVAL;
  }
  last_timeout_ms_ = transfer->timeout_ms;
  if (call_error_ != 0) return -call_error_;
  if (hanging_ + abandoned_ >= kSlots) return -EAGAIN;
  if (absl::c_linear_search(forbidden_, transfer->mrq)) {
    transfer->err = mrq::Fail(mrq::Error::kAccess).error;
    return 0;
  }
  const Answer answer = Carry(fd, transfer->mrq, payload.first(transfer->tx_size), true);
  if (answer.error != 0) return -answer.error;
  transfer->status = -answer.status;
  transfer->err = answer.response.error;
  std::copy_n(answer.response.data.begin(), transfer->rx_size, transfer->rx);
  return 0;
}

void FakeHostDevice::ListHolds(bpmp_host_holds* part) {
  part->total = static_cast<uint32_t>(holds_.size());
  part->count =
      std::min<uint32_t>(part->total - std::min(part->start, part->total), BPMP_HOST_HOLDS_MAX);
  std::copy_n(holds_.begin() + std::min(part->start, part->total), part->count, part->hold);
}

}  // namespace bpmp::backend::kernel
