// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/guest_client.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "broker/mrq/codec.h"

namespace bpmp::bench {

std::shared_ptr<grpc::Channel> Connect(const std::string& socket) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  auto channel =
      grpc::CreateCustomChannel("unix:" + socket, grpc::InsecureChannelCredentials(), arguments);
  const auto deadline = std::chrono::system_clock::now() + std::chrono::seconds(20);
  return channel->WaitForConnected(deadline) ? channel : nullptr;
}

v1::MrqRequest Encode(const mrq::Request& request) {
  const mrq::EncodedRequest encoded = mrq::EncodeRequest(request);
  v1::MrqRequest message;
  message.set_mrq(encoded.mrq);
  message.set_tx(encoded.data.data(), encoded.size);
  message.set_rx_size(encoded.rx_size);
  return message;
}

LockStep::LockStep(const std::shared_ptr<grpc::Channel>& channel)
    : stub_(v1::Guest::NewStub(channel)), stream_(stub_->Session(&context_)) {}

LockStep::~LockStep() {
  if (end_.has_value()) return;
  stream_->WritesDone();
  while (stream_->Read(&response_)) {
  }
  Finish();
}

// Once a stream: gRPC aborts at a second time.
grpc::Status LockStep::Finish() {
  if (!end_.has_value()) end_ = stream_->Finish();
  return *end_;
}

bool LockStep::Ask(const v1::MrqRequest& request) {
  request_.set_sequence(++sequence_);
  *request_.mutable_request() = request;
  return stream_->Write(request_) && stream_->Read(&response_);
}

bool LockStep::Time(const v1::MrqRequest& request, int count, std::vector<double>* micros) {
  for (int i = 0; i < count; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    if (!Ask(request)) return false;
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    micros->push_back(took.count());
    refused_ = response_.response().error();
    if (refused_ != 0) return false;
  }
  return true;
}

std::string LockStep::error() {
  if (refused_ != 0) return "a request was refused with " + std::to_string(refused_);
  return "a stream ended: " + Finish().error_message();
}

Pump::Pump(const std::shared_ptr<grpc::Channel>& channel, v1::MrqRequest request, int depth)
    : depth_(depth), stub_(v1::Guest::NewStub(channel)) {
  *request_.mutable_request() = std::move(request);
}

Pump::~Pump() { Stop(); }

void Pump::Start() {
  stub_->async()->Session(&context_, this);
  MutexLock lock(&mutex_);
  started_ = true;
  // So that writes may be started outside reactions.
  AddHold();
  StartCall();
  StartRead(&response_);
  WriteNext();
}

void Pump::WriteNext() {
  if (writing_) return;
  if (stopping_) {
    if (outstanding_ == 0 && !std::exchange(closed_, true)) {
      StartWritesDone();
      RemoveHold();
    }
    return;
  }
  if (outstanding_ >= depth_) return;
  writing_ = true;
  ++outstanding_;
  request_.set_sequence(request_.sequence() + 1);
  StartWrite(&request_);
}

void Pump::OnWriteDone(bool ok) {
  MutexLock lock(&mutex_);
  writing_ = false;
  if (ok) WriteNext();
}

void Pump::OnReadDone(bool ok) {
  MutexLock lock(&mutex_);
  if (!ok) {
    // Ended by the server, unless this end closed it.
    stopping_ = true;
    outstanding_ = 0;
    WriteNext();
    return;
  }
  answers_.fetch_add(1, std::memory_order_relaxed);
  --outstanding_;
  StartRead(&response_);
  WriteNext();
}

void Pump::OnDone(const grpc::Status&) {
  MutexLock lock(&mutex_);
  done_ = true;
  changed_.SignalAll();
}

void Pump::Close() {
  MutexLock lock(&mutex_);
  stopping_ = true;
  WriteNext();
}

void Pump::Stop() {
  Close();
  MutexLock lock(&mutex_);
  while (started_ && !done_) changed_.Wait(&mutex_);
}

}  // namespace bpmp::bench
