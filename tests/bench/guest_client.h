// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_BENCH_GUEST_CLIENT_H_
#define TESTS_BENCH_GUEST_CLIENT_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bpmp/v1/guest.grpc.pb.h"
#include "broker/base/mutex.h"
#include "broker/mrq/types.h"

namespace bpmp::bench {

// A connection of its own to a Unix socket; waits until it stands. Null when it doesn't within 20
// s.
std::shared_ptr<grpc::Channel> Connect(const std::string& socket);

v1::MrqRequest Encode(const mrq::Request& request);

// One Session stream, used as a vCPU does: one request, then its answer. Not thread-safe.
class LockStep {
 public:
  explicit LockStep(const std::shared_ptr<grpc::Channel>& channel);
  ~LockStep();
  // Returns false when the stream has ended.
  bool Ask(const v1::MrqRequest& request);
  // Asks `count` times and appends each round trip in µs. Returns false when the stream has ended,
  // or where a request is refused, which is quicker than what is measured.
  bool Time(const v1::MrqRequest& request, int count, std::vector<double>* micros);
  // Why Ask() or Time() returned false.
  std::string error();

 private:
  grpc::Status Finish();

  grpc::ClientContext context_;
  std::unique_ptr<v1::Guest::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::SessionRequest, v1::SessionResponse>> stream_;
  v1::SessionRequest request_;
  v1::SessionResponse response_;
  uint64_t sequence_ = 0;
  int32_t refused_ = 0;  // the error of an answer to Time()
  std::optional<grpc::Status> end_;
};

// A Session stream that keeps `depth` requests outstanding from Start() to Stop(), driven by gRPC's
// threads.
class Pump final : public grpc::ClientBidiReactor<v1::SessionRequest, v1::SessionResponse> {
 public:
  Pump(const std::shared_ptr<grpc::Channel>& channel, v1::MrqRequest request, int depth);
  ~Pump() override;  // stops it

  void Start();
  // Sends no more.
  void Close();
  // Likewise, waits for what is outstanding and for the stream's end.
  void Stop();
  uint64_t answers() const { return answers_.load(std::memory_order_relaxed); }

 private:
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;
  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int depth_;
  grpc::ClientContext context_;
  std::unique_ptr<v1::Guest::Stub> stub_;
  v1::SessionRequest request_;
  v1::SessionResponse response_;
  std::atomic<uint64_t> answers_{0};

  Mutex mutex_;
  CondVar changed_;
  int outstanding_ ABSL_GUARDED_BY(mutex_) = 0;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace bpmp::bench

#endif  // TESTS_BENCH_GUEST_CLIENT_H_
