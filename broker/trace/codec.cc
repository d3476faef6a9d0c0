// SPDX-License-Identifier: Apache-2.0
#include "broker/trace/codec.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"
#include "broker/mrq/codec.h"

namespace bpmp::trace {
namespace {

enum class Kind : uint8_t { kStart = 1, kVmName = 2, kTransfer = 3, kDropped = 4, kEnd = 5 };

constexpr uint8_t kHostCountsApart = 1;  // Start's flags
constexpr uint64_t kMaxNanoseconds = std::numeric_limits<int64_t>::max();

void PutVarint(uint64_t value, std::string* out) {
  for (; value >= 0x80; value >>= 7) out->push_back(static_cast<char>(value | 0x80));
  out->push_back(static_cast<char>(value));
}

void PutByte(uint8_t value, std::string* out) { out->push_back(static_cast<char>(value)); }

// A length of one byte, then the text.
void PutShort(std::string_view text, std::string* out) {
  text = text.substr(0, kMaxText);
  PutByte(static_cast<uint8_t>(text.size()), out);
  out->append(text);
}

uint64_t Nanoseconds(absl::Duration duration) {
  return static_cast<uint64_t>(std::max<int64_t>(absl::ToInt64Nanoseconds(duration), 0));
}

// Small numbers of either sign as small unsigned ones.
uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ (value < 0 ? ~uint64_t{0} : 0);
}
int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>((value >> 1) ^ ((value & 1) != 0 ? ~uint64_t{0} : 0));
}

struct BodyWriter {
  std::string* out;

  Kind operator()(const Start& start) const {
    PutVarint(ZigZag(absl::ToUnixNanos(start.wall)), out);
    PutByte(start.host_counts_apart ? kHostCountsApart : 0, out);
    PutShort(start.backend, out);
    PutShort(start.broker, out);
    return Kind::kStart;
  }
  Kind operator()(const VmName& name) const {
    PutVarint(name.vm.value(), out);
    PutShort(name.name, out);
    return Kind::kVmName;
  }
  Kind operator()(const Transfer& transfer) const {
    PutVarint(transfer.vm.value(), out);
    PutVarint(Nanoseconds(transfer.at), out);
    PutVarint(Nanoseconds(transfer.took), out);
    PutVarint(transfer.mrq, out);
    PutShort(std::string_view(transfer.tx).substr(0, mrq::kPayloadSize), out);
    PutByte(static_cast<uint8_t>(transfer.status.code()), out);
    if (!transfer.status.ok()) {
      PutShort(std::string(transfer.status.message()), out);
      return Kind::kTransfer;
    }
    PutVarint(ZigZag(transfer.response.error), out);
    PutShort({reinterpret_cast<const char*>(transfer.response.data.data()), transfer.response.size},
             out);
    return Kind::kTransfer;
  }
  Kind operator()(const Dropped& dropped) const {
    PutVarint(dropped.count, out);
    return Kind::kDropped;
  }
  Kind operator()(const End& end) const {
    PutByte(static_cast<uint8_t>(end.why), out);
    return Kind::kEnd;
  }
};

// Takes values off the front of a body. The first failure sticks, so that a whole body is read
// before anybody asks.
class Body {
 public:
  explicit Body(absl::Span<const uint8_t> bytes) : bytes_(bytes) {}

  uint8_t Byte() {
    if (bytes_.empty()) return Fail("a field is missing");
    const uint8_t value = bytes_.front();
    bytes_.remove_prefix(1);
    return value;
  }
  uint64_t Varint(uint64_t max) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const uint8_t byte = Byte();
      const uint64_t bits = byte & 0x7f;
      if (bits << shift >> shift != bits) return Fail("a number is too large");
      value |= bits << shift;
      if ((byte & 0x80) != 0) continue;
      if (byte == 0 && shift > 0) return Fail("a number is longer than it needs to be");
      return value <= max ? value : Fail("a number is too large");
    }
    return Fail("a number is too long");
  }
  absl::Duration Time() { return absl::Nanoseconds(static_cast<int64_t>(Varint(kMaxNanoseconds))); }
  VmId Vm() { return VmId(static_cast<uint32_t>(Varint(std::numeric_limits<uint32_t>::max()))); }
  std::string Short(size_t max) {
    const size_t size = Byte();
    if (size > max || size > bytes_.size()) {
      Fail("a text is too long");
      return "";
    }
    std::string text(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(size));
    bytes_.remove_prefix(size);
    return text;
  }
  uint8_t Fail(const char* why) {
    if (why_ == nullptr) why_ = why;
    bytes_ = {};
    return 0;
  }
  // To be called last.
  absl::Status Finish() {
    if (!bytes_.empty()) Fail("it is longer than what it says");
    return why_ == nullptr ? absl::OkStatus() : absl::InvalidArgumentError(why_);
  }

 private:
  absl::Span<const uint8_t> bytes_;
  const char* why_ = nullptr;
};

Start ReadStart(Body* body) {
  Start start;
  start.wall = absl::FromUnixNanos(UnZigZag(body->Varint(std::numeric_limits<uint64_t>::max())));
  const uint8_t flags = body->Byte();
  if (flags > kHostCountsApart) body->Fail("it has unknown flags");
  start.host_counts_apart = flags == kHostCountsApart;
  start.backend = body->Short(kMaxText);
  start.broker = body->Short(kMaxText);
  return start;
}

Transfer ReadTransfer(Body* body) {
  Transfer transfer;
  transfer.vm = body->Vm();
  transfer.at = body->Time();
  transfer.took = body->Time();
  transfer.mrq = static_cast<uint32_t>(body->Varint(std::numeric_limits<uint32_t>::max()));
  transfer.tx = body->Short(mrq::kPayloadSize);
  const uint8_t code = body->Byte();
  if (code > static_cast<uint8_t>(absl::StatusCode::kUnauthenticated)) {
    body->Fail("it has an unknown status");
  } else if (code != 0) {
    transfer.status = absl::Status(static_cast<absl::StatusCode>(code), body->Short(kMaxText));
  } else {
    const int64_t error = UnZigZag(body->Varint(std::numeric_limits<uint32_t>::max()));
    const std::string rx = body->Short(mrq::kPayloadSize);
    transfer.response = mrq::FromBytes(static_cast<int32_t>(error),
                                       {reinterpret_cast<const uint8_t*>(rx.data()), rx.size()});
  }
  return transfer;
}

absl::StatusOr<Record> ReadBody(Kind kind, Body body) {
  Record record;
  switch (kind) {
    case Kind::kStart:
      record = ReadStart(&body);
      break;
    case Kind::kVmName: {
      const VmId vm = body.Vm();
      record = VmName{vm, body.Short(kMaxText)};
      break;
    }
    case Kind::kTransfer:
      record = ReadTransfer(&body);
      break;
    case Kind::kDropped:
      record = Dropped{body.Varint(std::numeric_limits<uint64_t>::max())};
      break;
    case Kind::kEnd: {
      const auto why = static_cast<End::Why>(body.Byte());
      if (why != End::Why::kStopped && why != End::Why::kFull) body.Fail("it ends for no reason");
      record = End{why};
      break;
    }
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("there is no kind ", static_cast<int>(kind), " of record"));
  }
  BPMP_RETURN_IF_ERROR(body.Finish());
  return record;
}

}  // namespace

void Encode(const Record& record, std::string* bytes) {
  std::string body;
  const Kind kind = std::visit(BodyWriter{&body}, record);
  PutByte(static_cast<uint8_t>(kind), bytes);
  PutVarint(body.size(), bytes);
  bytes->append(body);
}

absl::StatusOr<std::optional<Decoded>> DecodeFront(absl::Span<const uint8_t> bytes) {
  // The kind, and a length of one or two bytes.
  if (bytes.size() < 2) return std::nullopt;
  size_t length = bytes[1] & 0x7f;
  size_t head = 2;
  if ((bytes[1] & 0x80) != 0) {
    if (bytes.size() < 3) return std::nullopt;
    if (bytes[2] == 0) return absl::InvalidArgumentError("its length is written too long");
    length |= size_t{bytes[2]} << 7;
    head = 3;
  }
  if (length > kMaxBody) return absl::InvalidArgumentError("it is longer than any record");
  if (bytes.size() < head + length) return std::nullopt;
  BPMP_ASSIGN_OR_RETURN(Record record,
                        ReadBody(static_cast<Kind>(bytes[0]), Body(bytes.subspan(head, length))));
  return Decoded{std::move(record), head + length};
}

}  // namespace bpmp::trace
