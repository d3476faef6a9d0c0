// SPDX-License-Identifier: Apache-2.0
#include "tests/qemu/window.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_format.h"
#include "broker/mrq/codec.h"

namespace bpmp::testing {
namespace {

uint64_t Word(const std::vector<uint8_t>& bytes, size_t at) {
  uint8_t padded[8] = {};
  std::memcpy(padded, bytes.data() + at, std::min<size_t>(8, bytes.size() - at));
  uint64_t word = 0;
  for (int i = 7; i >= 0; --i) word = word << 8 | padded[i];
  return word;
}

}  // namespace

WindowAnswer Window::Ask(const mrq::Request& request) {
  const mrq::EncodedRequest encoded = mrq::EncodeRequest(request);
  return Ask(encoded.mrq, {encoded.data.begin(), encoded.data.begin() + encoded.size},
             mrq::kPayloadSize);
}

WindowAnswer Window::Ask(uint32_t mrq, const std::vector<uint8_t>& tx, uint64_t rx_size) {
  for (size_t at = 0; at < tx.size(); at += 8) Write(window::kTx + at, Word(tx, at), 8);
  Write(window::kTxSize, tx.size(), 8);
  Write(window::kRxSize, rx_size, 8);
  return Ring(mrq);
}

WindowAnswer Window::Ring(uint32_t mrq, int size) {
  Write(window::kMrq, mrq, size);
  return Answer();
}

WindowAnswer Window::Answer() {
  WindowAnswer answer;
  answer.ret = static_cast<int32_t>(Read(window::kRet, 4));
  answer.tstat = static_cast<int32_t>(Read(window::kTstat, 4));
  answer.answered = static_cast<uint32_t>(Read(window::kAnswered, 4));
  for (uint64_t at = window::kRx; at < window::kTxSize; at += 8) {
    const uint64_t word = Read(at, 8);
    for (int i = 0; i < 8; ++i) answer.rx.push_back(static_cast<uint8_t>(word >> (8 * i)));
  }
  return answer;
}

std::vector<uint8_t> Window::CopyWhole(const mrq::Request& request, size_t rx_size) {
  const mrq::EncodedRequest encoded = mrq::EncodeRequest(request);
  // As the known proxy does: its buffer has whatever the last answer left in it.
  std::vector<uint8_t> buffer(window::kEnd, 0xa5);
  const auto put = [&buffer](uint64_t at, uint64_t value, int size) {
    for (int i = 0; i < size; ++i) buffer[at + i] = static_cast<uint8_t>(value >> (8 * i));
  };
  std::copy_n(encoded.data.begin(), encoded.size, buffer.begin());
  put(window::kTxSize, encoded.size, 8);
  put(window::kRxSize, rx_size, 8);
  put(window::kMrq, encoded.mrq, 4);
  std::vector<std::string> commands;
  commands.reserve(2 * window::kEnd / 8);
  for (uint64_t at = 0; at < window::kEnd; at += 8) {
    commands.push_back(absl::StrFormat("writeq 0x%x 0x%x", address_ + at, Word(buffer, at)));
  }
  for (uint64_t at = 0; at < window::kEnd; at += 8) {
    commands.push_back(absl::StrFormat("readq 0x%x", address_ + at));
  }
  const std::vector<uint64_t> values = qemu_->Batch(commands);
  std::vector<uint8_t> loaded;
  for (size_t i = values.size() / 2; i < values.size(); ++i) {
    for (int byte = 0; byte < 8; ++byte) {
      loaded.push_back(static_cast<uint8_t>(values[i] >> (8 * byte)));
    }
  }
  return loaded;
}

}  // namespace bpmp::testing
