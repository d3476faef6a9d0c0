// SPDX-License-Identifier: Apache-2.0
#include "broker/service/transfer_reactor.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "broker/base/clock.h"
#include "broker/mrq/codec.h"
#include "broker/service/status.h"
#include "broker/service/typed_caller.h"

namespace bpmp::service {

TransferReactor* TransferReactor::Start(const GuestDeps& deps, Caller caller,
                                        const grpc::CallbackServerContext& context,
                                        const v1::TransferRequest& request,
                                        v1::MrqResponse* response) {
  std::shared_ptr<TransferReactor> made(
      new TransferReactor(deps, std::move(caller), context, response));
  TransferReactor* const reactor = made.get();
  reactor->self_ = std::move(made);
  reactor->Begin(request, context);
  return reactor;
}

TransferReactor::TransferReactor(const GuestDeps& deps, Caller caller,
                                 const grpc::CallbackServerContext& context,
                                 v1::MrqResponse* response)
    : deps_(deps),
      caller_(std::move(caller)),
      deadline_(MonotonicClock().Now() +
                TimeLeft(context, caller_.endpoint->limits.request_timeout)),
      response_(response) {}

bool TransferReactor::End() {
  if (finished_.exchange(true)) return false;
  caller_.endpoint->unary_outstanding.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

void TransferReactor::Begin(const v1::TransferRequest& transfer,
                            const grpc::CallbackServerContext& context) {
  Endpoint& endpoint = *caller_.endpoint;
  const uint32_t others = endpoint.unary_outstanding.fetch_add(1, std::memory_order_relaxed);
  if (others >= endpoint.limits.max_outstanding) {
    End();
    Finish(ToGrpc(absl::ResourceExhaustedError(
        absl::StrCat("more than ", endpoint.limits.max_outstanding, " transfers outstanding"))));
    return;
  }
  const absl::StatusOr<backend::LeaseId> lease =
      LeaseFor(transfer.lease(), caller_.leases.get(), context);
  if (!lease.ok()) {
    End();
    Finish(ToGrpc(lease.status()));
    return;
  }
  lease_ = *lease;
  const v1::MrqRequest& request = transfer.request();
  if (request.tx().size() > mrq::kPayloadSize || request.rx_size() > mrq::kPayloadSize) {
    Answer(mrq::Fail(mrq::Error::kInval));
    return;
  }
  mrq_ = request.mrq();
  rx_size_ = request.rx_size();
  tx_size_ = request.tx().size();
  std::copy(request.tx().begin(), request.tx().end(), tx_.begin());
  const Throttle::Verdict verdict = endpoint.throttle.Take();
  if (verdict.pause == absl::ZeroDuration()) {
    Submit();
  } else {
    deps_.acceptor->After(verdict.pause, [self = shared_from_this()] { self->Submit(); });
  }
}

void TransferReactor::Submit() {
  if (finished_) return;
  deps_.engine->SubmitBytes(
      caller_.endpoint->vm, mrq_, {tx_.data(), tx_size_}, deadline_ - MonotonicClock().Now(),
      [self = shared_from_this()](const mrq::Response& answer, core::Reason) {
        self->Answer(answer);
      },
      lease_);
}

void TransferReactor::Answer(const mrq::Response& answer) {
  if (!End()) return;
  response_->set_error(answer.error);
  if (answer.ok()) {
    response_->set_rx(answer.data.data(), rx_size_);
  } else {
    response_->mutable_rx()->assign(rx_size_, '\0');
  }
  Finish(grpc::Status::OK);
}

void TransferReactor::OnCancel() {
  if (End()) Finish(grpc::Status::CANCELLED);
}

}  // namespace bpmp::service
