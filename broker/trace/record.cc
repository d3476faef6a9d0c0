// SPDX-License-Identifier: Apache-2.0
#include "broker/trace/record.h"

#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "broker/base/string_view.h"
#include "broker/mrq/codec.h"

namespace bpmp::trace {
namespace {

absl::StatusOr<mrq::Request> Decode(const Transfer& transfer) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(transfer.tx.data());
  return mrq::DecodeRequest(transfer.mrq, {bytes, transfer.tx.size()});
}

struct Reads {
  bool operator()(const mrq::ClkRequest& request) const {
    return request.cmd != mrq::ClkCmd::kSetRate && request.cmd != mrq::ClkCmd::kSetParent &&
           request.cmd != mrq::ClkCmd::kEnable && request.cmd != mrq::ClkCmd::kDisable;
  }
  bool operator()(const mrq::ResetRequest& request) const {
    return request.cmd == mrq::ResetCmd::kGetMaxId;
  }
  bool operator()(const mrq::PgRequest& request) const {
    return request.cmd != mrq::PgCmd::kSetState;
  }
  bool operator()(const mrq::UphyRequest& request) const {
    return request.cmd == mrq::UphyCmd::kMarginStatus;
  }
  template <typename Other>
  bool operator()(const Other& /*request*/) const {
    return true;
  }
};

}  // namespace

Transfer MakeTransfer(const mrq::Request& request) {
  const mrq::EncodedRequest encoded = mrq::EncodeRequest(request);
  Transfer transfer;
  transfer.mrq = encoded.mrq;
  transfer.tx.assign(encoded.data.begin(), encoded.data.begin() + encoded.size);
  return transfer;
}

std::string Describe(const Transfer& transfer) {
  const auto request = Decode(transfer);
  if (request.ok()) return mrq::Describe(*request);
  return absl::StrCat(ToAbsl(mrq::MrqName(transfer.mrq)), " (mrq ", transfer.mrq,
                      ") hex:", absl::BytesToHexString(transfer.tx));
}

std::string CommandOf(const Transfer& transfer) {
  const auto request = Decode(transfer);
  const std::string_view command = request.ok() ? mrq::CommandName(*request) : "";
  return absl::StrCat(ToAbsl(mrq::MrqName(transfer.mrq)), command.empty() ? "" : " ",
                      ToAbsl(command));
}

bool IsRead(const Transfer& transfer) {
  const auto request = Decode(transfer);
  return request.ok() && std::visit(Reads(), *request);
}

}  // namespace bpmp::trace
