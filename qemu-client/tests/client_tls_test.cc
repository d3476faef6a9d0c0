// SPDX-License-Identifier: Apache-2.0
// A client on another machine, as far as it knows: TLS over TCP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "qemu-client/tests/client.h"
#include "tests/lib/authority.h"
#include "tests/lib/test_broker.h"

namespace bpmp::client {
namespace {

namespace fs = std::filesystem;

class ClientTlsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!authority_.made()) GTEST_SKIP() << "no openssl tool to make certificates with";
    ASSERT_TRUE(authority_.Sign("broker", "localhost"));
    ASSERT_TRUE(authority_.Sign("a", "a"));
    ASSERT_TRUE(authority_.Sign("stranger", "c"));
    broker_ = std::make_unique<testing::TestBroker>(absl::StrCat(
        R"(vms { name: "a" devices { device: "uarta" } } tls { listen: "localhost:0" )",
        authority_.TlsConfig("broker"), " }"));
    address_ = absl::StrCat("dns:///localhost:", broker_->tls()->port());
  }
  // A directory as QEMU has them, for whom `certificate` names.
  std::string Credentials(const std::string& certificate) {
    const fs::path from = authority_.directory();
    const fs::path to = from / (certificate + ".creds");
    fs::create_directory(to);
    fs::copy_file(from / "ca.pem", to / "ca-cert.pem");
    fs::copy_file(from / (certificate + ".pem"), to / "client-cert.pem");
    fs::copy_file(from / (certificate + ".key"), to / "client-key.pem");
    return to;
  }
  bpmp_client_config Config(const std::string& credentials) {
    bpmp_client_config config = BPMP_CLIENT_CONFIG_INIT;
    config.broker = address_.c_str();
    config.tls_creds_dir = credentials.c_str();
    config.timeout_ms = BPMP_CLIENT_MAX_TIMEOUT_MS;
    return config;
  }

  testing::Authority authority_;
  std::unique_ptr<testing::TestBroker> broker_;
  std::string address_;
};

TEST_F(ClientTlsTest, TheCertificateSaysWhichVmSpeaks) {
  const std::string credentials = Credentials("a");
  TestClient client(Config(credentials));
  ASSERT_EQ(client.Open(), 0) << client.error();
  client.WaitForLog("of VM a over dns:///");
  EXPECT_TRUE(client.Enable(kUarta).ok());
  EXPECT_TRUE(broker_->Holds("a", ClockId(kUarta)));
  EXPECT_EQ(bpmp_client_reset(client.get()), 0);
  EXPECT_FALSE(broker_->Holds("a", ClockId(kUarta)));
}

TEST_F(ClientTlsTest, AStrangerIsRefused) {
  const std::string credentials = Credentials("stranger");
  TestClient client(Config(credentials));
  EXPECT_EQ(client.Open(), -EACCES) << client.error();
}

TEST_F(ClientTlsTest, TheBrokersNameIsChecked) {
  const std::string credentials = Credentials("a");
  TestClient client(Config(credentials));
  client.config().tls_server_name = "another.example.org";
  EXPECT_EQ(client.Open(2000), -EHOSTUNREACH) << client.error();
  client.config().tls_server_name = "localhost";
  EXPECT_EQ(client.Open(), 0) << client.error();
}

TEST_F(ClientTlsTest, NobodyListens) {
  const std::string credentials = Credentials("a");
  broker_.reset();
  TestClient client(Config(credentials));
  EXPECT_EQ(client.Open(2000), -ECONNREFUSED) << client.error();
}

TEST_F(ClientTlsTest, IncompleteCredentials) {
  const std::string credentials = Credentials("a");
  fs::remove(fs::path(credentials) / "client-key.pem");
  TestClient client(Config(credentials));
  EXPECT_EQ(client.Open(0), -ENOENT);
  EXPECT_THAT(client.error(), ::testing::HasSubstr("client-key.pem"));
}

}  // namespace
}  // namespace bpmp::client
