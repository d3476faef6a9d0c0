// SPDX-License-Identifier: Apache-2.0
// VMs on other machines: identity by certificate, grace time instead of a process.
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "broker/mrq/codec.h"
#include "tests/component/guest_requests.h"
#include "tests/lib/guest_client.h"
#include "tests/lib/test_broker.h"

namespace bpmp::testing {
namespace {

// c-ares leaks some bytes of its own on first use, which LeakSanitizer would hold against these
// tests; the system's resolver doesn't. Set before anything in this program touches gRPC.
[[maybe_unused]] const int kResolverIsSet = setenv("GRPC_DNS_RESOLVER", "native", 0);

using ::testing::HasSubstr;

// A certificate authority and what it signs, made by the openssl tool in a directory of its own.
class Authority {
 public:
  Authority() {
    char name[] = "/tmp/bpmp-ca-XXXXXX";
    directory_ = mkdtemp(name);
    made_ =
        Run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
            "-subj /CN=test-ca -keyout ca.key -out ca.pem");
  }
  ~Authority() { std::filesystem::remove_all(directory_); }
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  bool made() const { return made_; }
  // <file>.pem and <file>.key, with one DNS name.
  bool Sign(const std::string& file, const std::string& dns) {
    std::ofstream(directory_ + "/" + file + ".ext") << "subjectAltName=DNS:" << dns << "\n";
    return Run(absl::StrCat("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x ",
                            "-keyout ", file, ".key -out ", file, ".csr")) &&
           Run(absl::StrCat("x509 -req -days 2 -in ", file, ".csr -CA ca.pem -CAkey ca.key ",
                            "-CAcreateserial -extfile ", file, ".ext -out ", file, ".pem"));
  }
  std::string Path(const std::string& file) const { return directory_ + "/" + file; }
  std::string Read(const std::string& file) const {
    std::ifstream stream(Path(file));
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  bool Run(const std::string& arguments) const {
    const std::string command =
        absl::StrCat("cd ", directory_, " && openssl ", arguments, " >/dev/null 2>&1");
    return std::system(command.c_str()) == 0;
  }

  std::string directory_;
  bool made_ = false;
};

class GuestTlsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!authority_.made()) GTEST_SKIP() << "no openssl tool to make certificates with";
    ASSERT_TRUE(authority_.Sign("broker", "localhost"));
    ASSERT_TRUE(authority_.Sign("a", "a"));
    ASSERT_TRUE(authority_.Sign("b", "b.example.org"));
    ASSERT_TRUE(authority_.Sign("stranger", "c"));
    broker_ = std::make_unique<TestBroker>(absl::StrCat(
        R"(vms { name: "a" devices { device: "uarta" } peer { grace_ms: 300 } }
           vms { name: "b" certificate_name: "b.example.org" devices { device: "vic" } }
           tls { listen: "localhost:0" certificate: ")",
        authority_.Path("broker.pem"), "\" key: \"", authority_.Path("broker.key"),
        "\" client_ca: \"", authority_.Path("ca.pem"), "\" }"));
  }

  // As the one that `certificate` names; empty: without one.
  std::shared_ptr<grpc::Channel> Connect(const std::string& certificate) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = authority_.Read("ca.pem");
    if (!certificate.empty()) {
      options.pem_private_key = authority_.Read(certificate + ".key");
      options.pem_cert_chain = authority_.Read(certificate + ".pem");
    }
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    return grpc::CreateCustomChannel(absl::StrCat("localhost:", broker_->tls()->port()),
                                     grpc::SslCredentials(options), arguments);
  }
  grpc::Status Refusal(std::shared_ptr<grpc::Channel> channel) {
    GuestClient guest(std::move(channel));
    v1::SessionRequest hello;
    hello.mutable_hello();
    guest.Send(hello);
    return guest.Finish();
  }

  Authority authority_;
  std::unique_ptr<TestBroker> broker_;
};

TEST_F(GuestTlsTest, TheCertificateSaysWhichVmSpeaks) {
  GuestClient a(Connect("a"));
  GuestClient b(Connect("b"));
  EXPECT_EQ(a.Hello().vm(), "a");
  EXPECT_EQ(b.Hello().vm(), "b");
  EXPECT_EQ(a.Transfer(Enable(kUarta)).error, 0);
  EXPECT_EQ(b.Transfer(Enable(kUarta)).error, Failed(mrq::Error::kAccess));
  EXPECT_TRUE(broker_->Holds("a", kUarta));
  EXPECT_EQ(broker_->sessions().Find(broker_->vm("a"))->pid, 0);
}

TEST_F(GuestTlsTest, AStrangerIsRefused) {
  const grpc::Status status = Refusal(Connect("stranger"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr("client's: c"));
}

TEST_F(GuestTlsTest, NobodyIsHeardWithoutACertificate) {
  EXPECT_EQ(Refusal(Connect("")).error_code(), grpc::StatusCode::UNAVAILABLE);
  GuestClient plain(grpc::CreateChannel(absl::StrCat("localhost:", broker_->tls()->port()),
                                        grpc::InsecureChannelCredentials()));
  EXPECT_EQ(plain.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GuestTlsTest, ALostSessionIsReleasedAfterItsGraceTime) {
  {
    GuestClient guest(Connect("a"));
    guest.Hello();
    EXPECT_EQ(guest.Transfer(Enable(kUarta)).error, 0);
  }
  const auto lost = broker_->WaitFor(service::event_kind::kSessionLost, "a");
  EXPECT_THAT(lost.text, HasSubstr("300ms"));
  const auto released = broker_->WaitFor("released", "a", lost.number);
  EXPECT_GE(released.time - lost.time, absl::Milliseconds(290));
  EXPECT_FALSE(broker_->Holds("a", kUarta));
}

TEST_F(GuestTlsTest, ASessionThatComesBackInTimeIsNotReleased) {
  v1::Welcome before;
  {
    GuestClient guest(Connect("b"));
    before = guest.Hello();
    EXPECT_EQ(guest.Transfer(Pg(mrq::PgCmd::kSetState, kVicDomain, 1)).error, 0);
  }
  broker_->WaitFor(service::event_kind::kSessionLost, "b");
  GuestClient again(Connect("b"));
  const v1::Welcome welcome = again.Hello(before.session_id());
  EXPECT_TRUE(welcome.resumed());
  EXPECT_EQ(welcome.session_id(), before.session_id());
  EXPECT_EQ(welcome.epoch(), before.epoch());
  EXPECT_EQ(*mrq::ReadU32(again.Transfer(Pg(mrq::PgCmd::kGetState, kVicDomain))), 1u);
}

TEST_F(GuestTlsTest, ANewSessionWithinTheGraceTimeStartsClean) {
  {
    GuestClient guest(Connect("b"));
    guest.Hello();
    EXPECT_EQ(guest.Transfer(Pg(mrq::PgCmd::kSetState, kVicDomain, 1)).error, 0);
  }
  broker_->WaitFor(service::event_kind::kSessionLost, "b");
  GuestClient other(Connect("b"));
  other.Hello();
  EXPECT_EQ(*mrq::ReadU32(other.Transfer(Pg(mrq::PgCmd::kGetState, kVicDomain))), 0u);
}

TEST_F(GuestTlsTest, AnOpenSessionGoesOnlyToWhoKnowsIt) {
  GuestClient guest(Connect("b"));
  const uint64_t id = guest.Hello().session_id();
  EXPECT_EQ(Refusal(Connect("b")).error_code(), grpc::StatusCode::ALREADY_EXISTS);
  GuestClient again(Connect("b"));
  EXPECT_TRUE(again.Hello(id).resumed());
  EXPECT_EQ(guest.Finish().error_code(), grpc::StatusCode::ABORTED);
}

}  // namespace
}  // namespace bpmp::testing
