// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/kernel/connect.h"

#include <errno.h>

#include "broker/backend/kernel/kernel_fixture.h"

namespace bpmp::backend::kernel {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ConnectTest : public KernelFixture {
 protected:
  // Opens a new device; returns what was found, or what was wrong.
  std::string Found(Proxy proxy, Abi abi) {
    notices_.clear();
    Start(proxy, abi);
    const absl::Status status = backend_->Open(Later());
    return status.ok() ? notices_.at(0) : std::string(status.message());
  }
  absl::Status OpenWith(int error) {
    Start(Proxy::kFlat);
    device_->RefuseToOpen(error);
    return backend_->Open(Later());
  }
};

TEST_F(ConnectTest, FindsOutWhatTheProxySpeaks) {
  EXPECT_THAT(Found(Proxy::kFlat, Abi::kAuto), HasSubstr("flat ABI, version 1, 2 transfers"));
  EXPECT_THAT(device_->written_sizes(), IsEmpty());
  EXPECT_THAT(Found(Proxy::kWrite56, Abi::kAuto), HasSubstr("write() of 56 bytes"));
  EXPECT_THAT(Found(Proxy::kWrite48, Abi::kAuto), HasSubstr("write() of 48 bytes"));
  EXPECT_THAT(device_->written_sizes(), ElementsAre(56, 48));
}

TEST_F(ConnectTest, TheOldestProxyIsNeverGivenLessThanItMayRead) {
  EXPECT_THAT(Found(Proxy::kOldest, Abi::kAuto), HasSubstr("write() of 56 bytes"));
  EXPECT_THAT(device_->written_sizes(), ElementsAre(56));
}

TEST_F(ConnectTest, ASetAbiIsTriedAlone) {
  EXPECT_THAT(Found(Proxy::kWrite48, Abi::kWrite48), HasSubstr("write() of 48 bytes"));
  EXPECT_THAT(device_->written_sizes(), ElementsAre(48));
  EXPECT_THAT(Found(Proxy::kOldest, Abi::kWrite48), HasSubstr("write() of 48 bytes"));
  EXPECT_THAT(Found(Proxy::kFlat, Abi::kFlat), HasSubstr("flat ABI"));
  EXPECT_THAT(Found(Proxy::kWrite48, Abi::kFlat), HasSubstr("doesn't know the flat ABI"));
  EXPECT_THAT(Found(Proxy::kFlat, Abi::kWrite56), HasSubstr("no PING by a write() of 56 bytes;"));
  EXPECT_THAT(Found(Proxy::kWrite48, Abi::kWrite56), HasSubstr("backend.kernel.abi: auto"));
  EXPECT_EQ(device_->open_files(), 0u);
}

TEST_F(ConnectTest, SaysWhyTheDeviceCantBeOpened) {
  absl::Status status = OpenWith(ENOENT);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("can't open /dev/fake-bpmp-host (ENOENT, No such file or directory): load "
                        "the host's module"));
  status = OpenWith(EACCES);
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()), HasSubstr("DeviceAllow=/dev/fake-bpmp-host rw"));
  EXPECT_THAT(std::string(OpenWith(ENOTBLK).message()), HasSubstr("is no character device"));
  EXPECT_EQ(OpenWith(EBUSY).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(OpenWith(EIO).code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(notices_, IsEmpty()) << "it was said already";
}

TEST_F(ConnectTest, AFirmwareThatDoesntAnswerAPingIsSaidToBeIt) {
  Start(Proxy::kWrite56);
  device_->Hang();
  absl::Status status;
  std::thread opener([&] { status = backend_->Open(Soon()); });
  device_->WaitUntilHanging(1);
  clock_.Advance(absl::Milliseconds(1));
  opener.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("doesn't answer a PING"));
}

TEST_F(ConnectTest, ADeviceThatTakesAnythingIsNoHostProxy) {
  KernelBackend backend(std::make_shared<SystemHostDevice>("/dev/null"), &clock_, {});
  const absl::Status status = backend.Open(Later());
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("/dev/null answers no PING by a write() of 56 or 48 bytes, nor does it "
                        "know the flat ABI"));
}

TEST_F(ConnectTest, AnAnswerThatIsNoEchoProvesNothing) {
  Start(Proxy::kWrite56, Abi::kAuto,
        [](uint32_t, absl::Span<const uint8_t>) { return mrq::OkU32(1); });
  EXPECT_EQ(backend_->Open(Later()).code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace bpmp::backend::kernel
