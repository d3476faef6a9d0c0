// SPDX-License-Identifier: Apache-2.0
// A VM's client that is told what to do on its standard input (child_guest.h).
#include <iostream>
#include <memory>
#include <sstream>
#include <string>

#include "broker/mrq/types.h"
#include "tests/lib/guest_client.h"

namespace bpmp::testing {
namespace {

class Guest {
 public:
  std::string Do(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "hello") return Hello(words);
    if (command == "enable") return Enable(words);
    if (command == "lease") return Lease(words);
    if (command == "drop") {
      client_.reset();
      return "dropped";
    }
    return "what?";
  }

 private:
  std::string Hello(std::istream& words) {
    std::string socket;
    uint64_t resume = 0;
    words >> socket >> resume;
    client_ = std::make_unique<GuestClient>(socket);
    v1::SessionRequest hello;
    hello.mutable_hello()->set_client("child");
    hello.mutable_hello()->set_resume_session_id(resume);
    client_->Send(hello);
    const auto answer = client_->Receive();
    if (answer) return "welcome " + std::to_string(answer->welcome().session_id());
    const grpc::Status status = client_->Finish();
    return "error " + std::to_string(status.error_code()) + " " + status.error_message();
  }

  std::string Enable(std::istream& words) {
    uint32_t clock = 0;
    words >> clock;
    const mrq::Response response =
        client_->Transfer(mrq::ClkRequest{mrq::ClkCmd::kEnable, ClockId(clock), 0, ClockId()});
    return "answer " + std::to_string(response.error);
  }

  static std::string Lease(std::istream& words) {
    static std::vector<std::shared_ptr<grpc::Channel>> channels;
    std::string socket;
    uint32_t clock = 0;
    words >> socket >> clock;
    channels.push_back(ConnectTo(socket));
    grpc::ClientContext context;
    v1::TransferRequest request;
    *request.mutable_request() =
        ToMessage(mrq::ClkRequest{mrq::ClkCmd::kEnable, ClockId(clock), 0, ClockId()});
    request.set_lease(v1::LEASE_CONNECTION);
    v1::TransferResponse response;
    const grpc::Status status =
        v1::Guest::NewStub(channels.back())->Transfer(&context, request, &response);
    if (!status.ok()) return "error " + std::to_string(status.error_code());
    return "answer " + std::to_string(response.response().error());
  }

  std::unique_ptr<GuestClient> client_;
};

}  // namespace
}  // namespace bpmp::testing

int main() {
  bpmp::testing::Guest guest;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << guest.Do(line) << std::endl;
  }
  return 0;
}
