// SPDX-License-Identifier: Apache-2.0
// Client: what callers do, and what comes. The own thread: connection.cc; who polls: polling.cc.
#include "qemu-client/src/client.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/base/signal_guard.h"
#include "qemu-client/src/now.h"

namespace bpmp::client {
namespace {

absl::Span<const uint8_t> BytesOf(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

void Fill(const Outgoing& outgoing, v1::SessionRequest* message) {
  message->set_sequence(outgoing.sequence);
  switch (outgoing.kind) {
    case Outgoing::Kind::kRequest: {
      v1::MrqRequest* const request = message->mutable_request();
      request->set_mrq(outgoing.mrq);
      request->mutable_tx()->assign(reinterpret_cast<const char*>(outgoing.tx.data()),
                                    outgoing.tx_size);
      request->set_rx_size(outgoing.rx_size);
      break;
    }
    case Outgoing::Kind::kReset:
      message->mutable_machine_reset();
      break;
    case Outgoing::Kind::kKeepAlive:
      message->mutable_keep_alive();
      break;
  }
}

// That this process may use.
int CpuCount() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  return sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
}

}  // namespace

Client::Client(std::unique_ptr<Endpoint> endpoint, Options options)
    : endpoint_(std::move(endpoint)),
      options_(std::move(options)),
      spins_(CpuCount() > 1),
      random_(std::random_device()()),
      thread_([this] { Run(); }) {}

Client::~Client() {
  table_.Close();
  WakePoller();
  {
    MutexLock lock(&mutex_);
    while (users_ > 0) left_.Wait(&mutex_);
    closing_ = true;
    changed_.SignalAll();
  }
  WakePoller();
  thread_.join();
}

Failure Client::WaitUntilConnected(absl::Duration wait) {
  const absl::Time deadline = Now() + wait;
  MutexLock lock(&mutex_);
  while (state_ != State::kUp) {
    // Whom the broker refuses isn't welcome later. What isn't there may be just starting.
    if (state_ == State::kDead || last_failure_.status == -EACCES) return last_failure_;
    const absl::Duration left = deadline - Now();
    const bool tried = state_ != State::kDown || last_failure_.status != 0;
    if (left > absl::ZeroDuration()) {
      changed_.WaitFor(&mutex_, left);
    } else if (!tried) {
      changed_.Wait(&mutex_);
    } else if (last_failure_.status != 0 && (state_ == State::kDown || endpoint_->remote())) {
      return last_failure_;
    } else {
      return {-ETIMEDOUT, absl::StrCat("the broker at ", endpoint_->name(),
                                       " did not answer within ", absl::FormatDuration(wait))};
    }
  }
  return {};
}

// --- Callers ------------------------------------------------------------------------------------

int Client::Submit(Call call, const Waiting* waiting) noexcept {
  if (call.timeout == absl::ZeroDuration()) call.timeout = options_.timeout;
  call.read_ahead = options_.read_ahead && waiting == nullptr;
  return Ask([&](bool* wake) { return table_.Submit(call, Now(), wake); }, waiting);
}

int Client::Reset(Waiter waiter, const Waiting* waiting) noexcept {
  return Ask(
      [&](bool* wake) {
        try {
          return table_.Reset(waiter, options_.timeout, Now(), wake);
        } catch (const std::bad_alloc&) {
          return -ENOMEM;
        }
      },
      waiting);
}

int Client::Ask(absl::FunctionRef<int(bool*)> ask, const Waiting* waiting) {
  Enter();
  bool wake = false;
  const int status = ask(&wake);
  // Looked up after asking: on a stream that begins later, the own thread finds what was asked.
  Stream* const stream = UseStream();
  // gRPC may start threads in any call, and the host program's signals are not for them: QEMU kicks
  // its vCPUs with one, and stops on others.
  const SignalGuard guard;
  if (wake) Wake(stream);
  if (stream != nullptr && status == 0) {
    stream->Write();
    if (waiting == nullptr || !Help(stream, *waiting)) KeepPolled();
  }
  Leave(stream);
  return status;
}

void Client::Enter() {
  MutexLock lock(&mutex_);
  ++users_;
}

Stream* Client::UseStream() {
  MutexLock lock(&mutex_);
  if (stream_ != nullptr) ++stream_users_;
  return stream_;
}

void Client::Leave(const Stream* stream) {
  MutexLock lock(&mutex_);
  --users_;
  if (stream != nullptr) --stream_users_;
  if (users_ == 0 || stream_users_ == 0) left_.SignalAll();
}

void Client::Wake(Stream* stream) {
  bool polls = false;
  {
    MutexLock lock(&mutex_);
    woken_ = true;
    changed_.SignalAll();
    polls = poller_ == Poller::kOwn;
  }
  if (polls && stream != nullptr) stream->WakePoller();
}

void Client::WakePoller() {
  Enter();
  Stream* const stream = UseStream();
  if (stream != nullptr) stream->WakePoller();
  Leave(stream);
}

// --- What comes, in the thread that polls -------------------------------------------------------

bool Client::NextMessage(v1::SessionRequest* message) {
  if (hello_due_.exchange(false)) {
    message->set_sequence(0);
    FillHello(message->mutable_hello());
    return true;
  }
  Outgoing outgoing;
  if (!table_.Take(&outgoing)) return false;
  Fill(outgoing, message);
  return true;
}

void Client::FillHello(v1::Hello* hello) {
  hello->set_client(options_.name);
  {
    MutexLock lock(&mutex_);
    hello->set_resume_session_id(session_id_);
  }
  const RequestTable::Votes votes = table_.votes();
  hello->mutable_enabled_clocks()->Assign(votes.clocks.begin(), votes.clocks.end());
  hello->mutable_powered_domains()->Assign(votes.domains.begin(), votes.domains.end());
}

void Client::OnMessage(const v1::SessionResponse& message) {
  const absl::Time now = Now();
  const uint64_t sequence = message.sequence();
  switch (message.body_case()) {
    case v1::SessionResponse::kResponse:
      table_.OnResponse(sequence, message.response().error(), BytesOf(message.response().rx()),
                        now);
      break;
    case v1::SessionResponse::kMachineResetDone:
      table_.OnResetDone(sequence, now);
      break;
    case v1::SessionResponse::kKeepAlive:
      table_.OnKeepAlive(sequence, now);
      break;
    case v1::SessionResponse::kWelcome:
      OnWelcome(message.welcome());
      break;
    case v1::SessionResponse::kNotification:
      OnNotification(message.notification());
      break;
    default:  // of a newer broker
      break;
  }
}

void Client::OnWelcome(const v1::Welcome& welcome) {
  table_.Connected(welcome.max_outstanding(), Now());
  {
    MutexLock lock(&mutex_);
    state_ = State::kUp;
    was_up_ = true;
    session_id_ = welcome.session_id();
    last_failure_ = {};
    changed_.SignalAll();
  }
  Log(BPMP_CLIENT_LOG_INFO,
      absl::StrCat(welcome.resumed() ? "session " : "new session ", welcome.session_id(), " of VM ",
                   welcome.vm(), welcome.resumed() ? " continued over " : " over ",
                   endpoint_->name()));
}

void Client::OnNotification(const v1::Notification& notification) const {
  const std::string& data = notification.data();
  // The caller has room for a frame, and a broker that sends more is none.
  if (options_.notify == nullptr || data.size() > kMaxPayload) return;
  options_.notify(options_.notify_opaque, notification.mrq(), data.data(), data.size());
}

void Client::OnEnd(const grpc::Status& status) {
  MutexLock lock(&mutex_);
  state_ = State::kEnded;
  ended_with_ = status;
  changed_.SignalAll();
}

void Client::Log(bpmp_client_log_level level, const std::string& message) const {
  if (options_.log != nullptr) options_.log(options_.log_opaque, level, message.c_str());
}

}  // namespace bpmp::client
