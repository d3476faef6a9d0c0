// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_E2E_OLD_FIRMWARE_H_
#define TESTS_E2E_OLD_FIRMWARE_H_

#include <grpcpp/server.h>

#include <atomic>
#include <memory>
#include <string>

#include "bpmp/v1/guest.grpc.pb.h"
#include "tests/lib/temporary_directory.h"

namespace bpmp::testing {

// Stands between an emulator and a VM's broker, and answers as a firmware of before 2018 does: it
// has no MRQ_QUERY_FW_TAG, and its MRQ_QUERY_TAG succeeds. All else is the broker's affair. Here
// because the broker itself has a tag whatever its firmware has.
//
// The VM's session is this process's.
class OldFirmware {
 public:
  // `socket` is the VM's. Fails the process when it can't listen.
  explicit OldFirmware(const std::string& socket);
  ~OldFirmware();
  OldFirmware(const OldFirmware&) = delete;
  OldFirmware& operator=(const OldFirmware&) = delete;

  std::string socket() const { return directory_.path() + "/old.sock"; }
  // How often the tag was asked for in the old way.
  int old_tags() const { return service_.old_tags; }

 private:
  struct Service final : v1::Guest::Service {
    grpc::Status Session(
        grpc::ServerContext* context,
        grpc::ServerReaderWriter<v1::SessionResponse, v1::SessionRequest>* stream) override;
    // Whether the answer is not the broker's.
    bool Answer(const v1::SessionRequest& request, v1::SessionResponse* answer);

    std::string broker;
    std::atomic<int> old_tags = 0;
  };

  const TemporaryDirectory directory_;
  Service service_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace bpmp::testing

#endif  // TESTS_E2E_OLD_FIRMWARE_H_
