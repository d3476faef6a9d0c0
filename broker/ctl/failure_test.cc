// SPDX-License-Identifier: Apache-2.0
// What goes wrong, and what is said about it.
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "broker/ctl/verbs_fixture.h"

namespace bpmp::ctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(VerbsTest, TheBrokersErrorsBecomeExitCodes) {
  const std::pair<grpc::StatusCode, int> codes[] = {
      {grpc::StatusCode::FAILED_PRECONDITION, 1}, {grpc::StatusCode::INVALID_ARGUMENT, 1},
      {grpc::StatusCode::ALREADY_EXISTS, 1},      {grpc::StatusCode::UNAVAILABLE, 3},
      {grpc::StatusCode::CANCELLED, 3},           {grpc::StatusCode::NOT_FOUND, 4},
      {grpc::StatusCode::DEADLINE_EXCEEDED, 5},   {grpc::StatusCode::INTERNAL, 6},
      {grpc::StatusCode::UNIMPLEMENTED, 6}};
  for (const auto& [code, exit_code] : codes) {
    broker_.failure = grpc::Status(code, "because");
    const Result result = Ctl({"status"});
    EXPECT_EQ(result.code, exit_code);
    EXPECT_THAT(result.err, StartsWith("bpmpctl: "));
    EXPECT_EQ(result.out, "");
  }
}

TEST_F(VerbsTest, SeveralProblemsAreOnSeveralLines) {
  broker_.failure = grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "one\ntwo\x1b[2J\n");
  EXPECT_EQ(Ctl({"status"}).err, "bpmpctl: one\n  two?[2J\n");
}

TEST_F(VerbsTest, UsageErrorsEndWithTwoAndReachNobody) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{},
                                             {"vm"},
                                             {"vm", "lits"},
                                             {"vm", "show"},
                                             {"status", "--output", "xml"},
                                             {"status", "extra"},
                                             {"--timeout", "0", "status"},
                                             {"watch", "--since", "-1"},
                                             {"request", "net-vm"},
                                             {"completion", "csh"},
                                             {"clock", "show", "a", "b"}}) {
    const Result result = Ctl(arguments);
    EXPECT_EQ(result.code, 2) << testing::PrintToString(arguments);
    EXPECT_NE(result.err, "");
  }
  EXPECT_THAT(broker_.asked(), ElementsAre());
  EXPECT_EQ(Ctl({"--help"}).code, 0);
  EXPECT_THAT(Ctl({"--version"}).out, StartsWith("bpmpctl "));
}

TEST_F(VerbsTest, NumbersThatAreNoneAreToldInOneShortLine) {
  EXPECT_EQ(Ctl({"watch", "--since", "-1"}).err.find("e+"), std::string::npos);
  EXPECT_THAT(Ctl({"watch", "--since", "-1"}).err, HasSubstr("'-1' is no number; write 0 or more"));
}

TEST_F(VerbsTest, NoAnswerAdvisesAnotherCommand) {
  broker_.failure = grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "");
  EXPECT_THAT(Ctl({"status"}).err, HasSubstr("whether it runs: systemctl status bpmp-broker"));
}

TEST_F(VerbsTest, AnUnreachableBrokerIsExplained) {
  const Result missing = CtlAt({"--socket", "/no/such/admin.sock", "status"});
  EXPECT_EQ(missing.code, 3);
  EXPECT_EQ(missing.err.rfind("bpmpctl: can't reach the broker at /no/such/admin.sock: no such "
                              "file; is bpmp-broker running?",
                              0),
            0u)
      << missing.err;
  const Result too_long = CtlAt({"--socket", "/" + std::string(200, 'x'), "status"});
  EXPECT_EQ(too_long.code, 2);
  // A socket that nobody listens on any more.
  const std::string dead = broker_.socket() + ".dead";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, dead.c_str(), sizeof(address.sun_path) - 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ::close(fd);
  const Result refused = CtlAt({"--socket", dead, "status"});
  ::unlink(dead.c_str());
  EXPECT_EQ(refused.code, 3);
  EXPECT_THAT(refused.err, HasSubstr("nobody listens"));
}

TEST_F(VerbsTest, AForbiddenSocketSaysWhoseItIs) {
  if (::geteuid() == 0) {
    GTEST_SKIP() << "root may use every socket";
  }
  ASSERT_EQ(::chmod(broker_.socket().c_str(), 0), 0);
  const Result forbidden = Ctl({"status"});
  EXPECT_EQ(forbidden.code, 3);
  EXPECT_THAT(forbidden.err, HasSubstr("permission denied: " + broker_.socket() + " belongs to"));
}

TEST_F(VerbsTest, TheEnvironmentNamesTheSocket) {
  ::setenv("BPMP_BROKER_ADMIN", broker_.socket().c_str(), 1);
  EXPECT_EQ(CtlAt({"vm", "list"}).code, 0);
  ::unsetenv("BPMP_BROKER_ADMIN");
}

}  // namespace
}  // namespace bpmp::ctl
