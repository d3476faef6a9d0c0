// SPDX-License-Identifier: Apache-2.0
// A machine whose broker is on another one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/component/guest_requests.h"
#include "tests/lib/authority.h"
#include "tests/lib/test_broker.h"
#include "tests/qemu/qemu_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::HasSubstr;

class QemuTlsTest : public QemuTest {
 protected:
  void SetUp() override {
    QemuTest::SetUp();
    if (!authority_.made()) GTEST_SKIP() << "no openssl tool to make certificates with";
    ASSERT_TRUE(authority_.Sign("broker", "localhost"));
    remote_ = std::make_unique<TestBroker>(absl::StrCat(
        R"(vms { name: "a" devices { device: "uarta" } } tls { listen: "localhost:0" )",
        authority_.TlsConfig("broker"), " }"));
  }

  // The device with a folder that has the certificate of `dns`.
  std::unique_ptr<QemuProcess> StartAs(const std::string& dns) {
    EXPECT_TRUE(authority_.Sign(dns, dns));
    const std::string folder = authority_.directory() + "/creds-" + dns;
    std::filesystem::create_directory(folder);
    const auto copy = [&](const std::string& from, const std::string& to) {
      std::filesystem::copy_file(absl::StrCat(authority_.directory(), "/", from),
                                 absl::StrCat(folder, "/", to));
    };
    copy("ca.pem", "ca-cert.pem");
    copy(dns + ".pem", "client-cert.pem");
    copy(dns + ".key", "client-key.pem");
    return StartWith({"-device", absl::StrCat("nvidia-bpmp-guest,broker=dns:///localhost:",
                                              remote_->tls()->port(), ",tls-creds-dir=", folder)});
  }

  Authority authority_;
  std::unique_ptr<TestBroker> remote_;
};

TEST_P(QemuTlsTest, TheCertificateSaysWhichVmItIs) {
  const auto qemu = StartAs("a");
  ASSERT_TRUE(qemu->Started()) << qemu->Output();
  EXPECT_EQ(Window(qemu.get()).Ask(Enable(kUarta)).ret, 0);
  EXPECT_TRUE(remote_->Holds("a", kUarta));
}

TEST_P(QemuTlsTest, AStrangerDoesNotStart) {
  const auto qemu = StartAs("stranger");
  EXPECT_FALSE(qemu->Started());
  EXPECT_EQ(qemu->WaitForEnd(), 1);
  EXPECT_THAT(qemu->Output(), HasSubstr("stranger"));
}

BPMP_FOR_EACH_QEMU(QemuTlsTest);

}  // namespace
}  // namespace bpmp::testing
