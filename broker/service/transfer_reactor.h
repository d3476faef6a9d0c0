// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_TRANSFER_REACTOR_H_
#define BROKER_SERVICE_TRANSFER_REACTOR_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "bpmp/v1/guest.pb.h"
#include "broker/mrq/types.h"
#include "broker/service/session_reactor.h"

namespace bpmp::service {

// One unary Transfer. Held to the same limits as the VM's session: what is over the rate waits
// before it is submitted, and more than `max_outstanding` at a time are refused.
//
// Lives until gRPC and the engine are both done with it: a client that gives up is let go at once,
// and the engine's answer then goes nowhere.
class TransferReactor final : public grpc::ServerUnaryReactor,
                              public std::enable_shared_from_this<TransferReactor> {
 public:
  // A reactor for gRPC to drive.
  static TransferReactor* Start(const GuestDeps& deps, Caller caller,
                                const grpc::CallbackServerContext& context,
                                const v1::TransferRequest& request, v1::MrqResponse* response);

  void OnCancel() override;
  void OnDone() override { self_ = nullptr; }
  // OnDone may run where the call ends, as that of gRPC's own default reactor: it only lets go of
  // memory. Without this each call costs a turn of another thread.
  bool InternalInlineable() override { return true; }

 private:
  TransferReactor(const GuestDeps& deps, Caller caller, const grpc::CallbackServerContext& context,
                  v1::MrqResponse* response);
  void Begin(const v1::TransferRequest& request, const grpc::CallbackServerContext& context);
  void Submit();
  void Answer(const mrq::Response& answer);
  // True for the one who is to call Finish(): the call no longer counts as outstanding, so that a
  // client that waits for each answer never has two.
  bool End();

  const GuestDeps deps_;
  const Caller caller_;
  const absl::Time deadline_;        // on MonotonicClock()
  v1::MrqResponse* const response_;  // gone once somebody else has ended the call
  // The request, which gRPC may take back while it waits.
  uint32_t mrq_ = 0;
  uint32_t rx_size_ = 0;
  size_t tx_size_ = 0;
  backend::LeaseId lease_ = backend::kNoLease;
  std::array<uint8_t, mrq::kPayloadSize> tx_;
  std::atomic<bool> finished_{false};
  std::shared_ptr<TransferReactor> self_;  // until OnDone
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_TRANSFER_REACTOR_H_
