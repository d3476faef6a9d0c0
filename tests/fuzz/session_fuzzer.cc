// SPDX-License-Identifier: Apache-2.0
// Any messages, and any bytes as messages, on a VM's Session stream, through real gRPC: the stream
// is answered and ends with a reason, what isn't the VM's is never touched, and another VM notices
// nothing.
//
// An input is a list of messages: a byte that says what it is, one for its size, and its bytes.
#include <grpcpp/channel.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "bpmp/v1/guest.pb.h"
#include "broker/mrq/types.h"
#include "google/protobuf/stubs/logging.h"
#include "tests/lib/guest_client.h"
#include "tests/lib/test_broker.h"

namespace bpmp::testing {
namespace {

constexpr size_t kMaxMessages = 200;
constexpr ClockId kNotItsOwn{156};   // uartb
constexpr ClockId kOfTheOther{157};  // uartc

void Require(bool condition) {
  if (!condition) std::abort();
}

// The input, byte by byte; zeros after its end.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  uint8_t Byte() {
    const std::string_view one = Some(1);
    return one.empty() ? 0 : static_cast<uint8_t>(one[0]);
  }
  std::string_view Some(size_t size) {
    const std::string_view some = bytes_.substr(0, size);
    bytes_.remove_prefix(some.size());
    return some;
  }

 private:
  std::string_view bytes_;
};

// One message as it goes over the wire.
std::string MakeMessage(uint8_t kind, uint64_t sequence, Bytes bytes) {
  v1::SessionRequest message;
  // Sequence numbers that don't rise end the stream: seldom.
  message.set_sequence(kind >= 0xf8 ? bytes.Byte() : sequence);
  switch (kind % 6) {
    case 0: {
      v1::Hello* const hello = message.mutable_hello();
      hello->set_resume_session_id(bytes.Byte());
      for (int i = bytes.Byte() % 8; i > 0; --i) hello->add_enabled_clocks(bytes.Byte());
      for (int i = bytes.Byte() % 8; i > 0; --i) hello->add_powered_domains(bytes.Byte());
      hello->set_client(std::string(bytes.Some(64)));
      break;
    }
    case 1:
      message.mutable_machine_reset();
      break;
    case 2:
      message.mutable_keep_alive();
      break;
    case 3: {
      v1::MrqRequest* const request = message.mutable_request();
      request->set_mrq(bytes.Byte());
      request->set_rx_size(bytes.Byte());
      request->set_tx(std::string(bytes.Some(256)));
      break;
    }
    case 4: {  // a CLK request that means something
      v1::MrqRequest* const request = message.mutable_request();
      request->set_mrq(22);
      request->set_rx_size(120);
      std::string tx(4, '\0');
      tx[0] = static_cast<char>(bytes.Byte());
      tx[3] = static_cast<char>(bytes.Byte() % 17);
      request->set_tx(tx + std::string(bytes.Some(16)));
      break;
    }
    default:
      return std::string(bytes.Some(256));
  }
  return message.SerializeAsString();
}

// A Session stream of raw bytes, one operation after the other. An operation that doesn't end is
// found by the fuzzer's own timeout.
class RawSession {
 public:
  explicit RawSession(const std::shared_ptr<grpc::Channel>& channel)
      : call_(
            grpc::GenericStub(channel).PrepareCall(&context_, "/bpmp.v1.Guest/Session", &queue_)) {
    call_->StartCall(nullptr);
    Next();
  }
  ~RawSession() { queue_.Shutdown(); }
  RawSession(const RawSession&) = delete;
  RawSession& operator=(const RawSession&) = delete;

  bool Write(const std::string& message) {
    const grpc::Slice slice(message);
    call_->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    return Next();
  }
  void WritesDone() {
    call_->WritesDone(nullptr);
    Next();
  }
  bool Read(std::string* message) {
    grpc::ByteBuffer bytes;
    call_->Read(&bytes, nullptr);
    if (!Next()) return false;
    grpc::Slice slice;
    Require(bytes.DumpToSingleSlice(&slice).ok());
    message->assign(reinterpret_cast<const char*>(slice.begin()), slice.size());
    return true;
  }
  grpc::Status Finish() {
    grpc::Status status;
    call_->Finish(&status, nullptr);
    Next();
    return status;
  }

 private:
  bool Next() {
    void* tag = nullptr;
    bool ok = false;
    Require(queue_.Next(&tag, &ok));
    return ok;
  }

  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

// Lives as long as the process: a broker, the VM that is fuzzed, and one beside it.
struct World {
  World() {
    google::protobuf::SetLogHandler(nullptr);  // of what doesn't parse, which is most
    other.Hello();
    const mrq::ClkRequest enable{mrq::ClkCmd::kEnable, kOfTheOther, 0, ClockId()};
    Require(other.Transfer(enable).ok());
  }
  bool IsOn(ClockId clock) {
    return broker.sim().WithModel([&](const auto& model) { return model.IsEnabled(clock); });
  }

  TestBroker broker{R"(vms { name: "a" devices { device: "uarta" } }
                       vms { name: "b" clocks { name: "uartc" access: ACCESS_EXCLUSIVE } }
                       limits { requests_per_second: 1000000 burst: 1000000 })"};
  std::shared_ptr<grpc::Channel> channel = ConnectTo(broker.socket("a"));
  GuestClient other{broker.socket("b")};
};

// Why the broker ends a stream itself.
bool IsReason(grpc::StatusCode code) {
  return code == grpc::StatusCode::OK || code == grpc::StatusCode::INVALID_ARGUMENT ||
         code == grpc::StatusCode::RESOURCE_EXHAUSTED;
}

void Fuzz(World* world, Bytes bytes) {
  RawSession session(world->channel);
  std::multiset<uint64_t> asked;
  for (uint64_t sequence = 1; !bytes.empty() && sequence <= kMaxMessages; ++sequence) {
    const uint8_t kind = bytes.Byte();
    const uint8_t size = bytes.Byte();
    const std::string message = MakeMessage(kind, sequence, Bytes(bytes.Some(size)));
    v1::SessionRequest parsed;
    if (parsed.ParseFromString(message)) asked.insert(parsed.sequence());
    if (!session.Write(message)) break;
  }
  session.WritesDone();
  std::string bytes_in;
  while (session.Read(&bytes_in)) {
    v1::SessionResponse response;
    Require(response.ParseFromString(bytes_in));
    const auto it = asked.find(response.sequence());
    Require(it != asked.end());
    asked.erase(it);
  }
  const grpc::Status status = session.Finish();
  Require(IsReason(status.error_code()));
  Require(status.ok() ? asked.empty() : !status.error_message().empty());
  Require(!world->IsOn(kNotItsOwn));
  Require(world->IsOn(kOfTheOther));
  world->other.KeepAlive();
}

}  // namespace
}  // namespace bpmp::testing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* const world = new bpmp::testing::World;
  bpmp::testing::Fuzz(world, bpmp::testing::Bytes({reinterpret_cast<const char*>(data), size}));
  return 0;
}
