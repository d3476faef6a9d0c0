// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/daemon/config_check.h"
#include "broker/daemon/yaml_proto.h"
#include "broker/service/vm_checks.h"

namespace bpmp::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The configuration as root sees it on a machine without a session.
const Environment kRoot{0, ""};

ConfigReport Check(std::string_view text) {
  v1::Config config;
  SourceMap sources;
  const absl::Status loaded = LoadYaml(text, "b.yaml", &config, &sources);
  if (!loaded.ok()) return {{std::string(loaded.message())}, {}};
  const absl::Status defaults = ApplyDefaults(kRoot, "/etc/bpmp", &config);
  if (!defaults.ok()) return {{std::string(defaults.message())}, {}};
  return CheckConfig(config, sources);
}

TEST(ConfigTest, WithoutAFileItRunsOnTheSimulator) {
  auto loaded = LoadConfig("");
  ASSERT_TRUE(loaded.ok());
  v1::Config& config = *loaded->config;
  ASSERT_EQ(ApplyDefaults({1000, "/run/user/1000"}, "", &config), absl::OkStatus());
  EXPECT_EQ(config.runtime_dir(), "/run/user/1000/bpmp-broker");
  EXPECT_EQ(config.admin().socket(), "/run/user/1000/bpmp-broker/admin.sock");
  EXPECT_EQ(config.backend().kind(), v1::BackendConfig::SIM);
  EXPECT_EQ(config.metrics().listen(), "127.0.0.1:9464");
  EXPECT_EQ(config.limits().requests_per_second(), 10'000u);
  EXPECT_EQ(config.limits().burst(), 4'096u);
  EXPECT_EQ(config.limits().max_outstanding(), 64u);
  EXPECT_EQ(config.limits().request_timeout_ms(), 1'000u);
  EXPECT_EQ(config.log().level(), v1::LogConfig::INFO);
  EXPECT_EQ(config.log().fold_seconds(), 10u);
  EXPECT_FALSE(config.has_tls());
  EXPECT_EQ(config.vms_size(), 0);
  EXPECT_THAT(CheckConfig(config, loaded->sources).problems, IsEmpty());
}

TEST(ConfigTest, TheKernelIsTheBackendWhereItIsWritten) {
  const auto backend_of = [](std::string_view text) {
    v1::Config config;
    SourceMap sources;
    EXPECT_EQ(LoadYaml(text, "b.yaml", &config, &sources), absl::OkStatus());
    EXPECT_EQ(ApplyDefaults(kRoot, "", &config), absl::OkStatus());
    return config.backend();
  };
  v1::BackendConfig backend = backend_of("backend: {kernel: {}}");
  EXPECT_EQ(backend.kind(), v1::BackendConfig::KERNEL);
  EXPECT_EQ(backend.kernel().device(), "/dev/bpmp-host");
  EXPECT_EQ(backend.kernel().abi(), v1::KernelConfig::AUTO);
  EXPECT_EQ(backend.transfer_timeout_ms(), 2'000u);

  backend = backend_of("backend: {kind: kernel}");
  EXPECT_EQ(backend.kernel().device(), "/dev/bpmp-host");

  backend = backend_of("backend: {kind: sim, kernel: {device: /dev/other, abi: write48}}");
  EXPECT_EQ(backend.kind(), v1::BackendConfig::SIM);
  EXPECT_EQ(backend.kernel().abi(), v1::KernelConfig::WRITE48);

  EXPECT_FALSE(backend_of("backend: {sim: {latency_us: 1}}").has_kernel());
}

TEST(ConfigTest, WhatIsWrongWithTheKernelsDevice) {
  EXPECT_THAT(Check("backend: {kernel: {abi: flat, device: bpmp-host}}").problems,
              ElementsAre(HasSubstr("b.yaml:1:31: kernel.device: must be an absolute path")));
  EXPECT_THAT(
      Check("backend: {kernel: {abi: write64}}").problems,
      ElementsAre(HasSubstr(
          "b.yaml:1:25: backend.kernel.abi: expected one of auto, flat, write48, write56")));
  EXPECT_THAT(Check("backend: {kernel: {abi: write56}}").problems, IsEmpty());
}

TEST(ConfigTest, WhatIsWrongWithARecordingOrAReplay) {
  EXPECT_THAT(Check("backend: {record: {file: /tmp/run.trace}}").problems, IsEmpty());
  EXPECT_THAT(Check("backend: {record: {max_mib: 5}}").problems,
              ElementsAre(HasSubstr("record.file: is required and missing")));
  EXPECT_THAT(Check("backend: {record: {file: run.trace}}").problems,
              ElementsAre(HasSubstr("b.yaml:1:20: record.file: must be an absolute path")));
  EXPECT_THAT(Check("backend: {record: {file: /nowhere/run.trace}}").problems,
              ElementsAre(HasSubstr("record.file: there is no directory /nowhere/")));
  EXPECT_THAT(Check("backend: {record: {file: /tmp/run.trace, max_mib: 1025}}").problems,
              ElementsAre(HasSubstr("max_mib: 1025 is over the limit of 1024")));
  EXPECT_THAT(Check("backend: {sim: {trace: none.trace}}").problems,
              ElementsAre(HasSubstr("trace: can't read /etc/bpmp/none.trace")));
  EXPECT_THAT(Check("backend: {sim: {trace: /etc/passwd, latency_us: 1}}").problems,
              ElementsAre(HasSubstr("a trace is replayed as it is, without latency or faults")));
}

TEST(ConfigTest, ARecordingDoesntTakeTheNameOfWhatIsReplayed) {
  const std::string sent = ::testing::TempDir() + "sent.trace.1";
  std::ofstream(sent) << "x";
  for (const std::string& record : {sent, ::testing::TempDir() + "sent.trace"}) {
    EXPECT_THAT(
        Check("backend: {sim: {trace: " + sent + "}, record: {file: " + record + "}}").problems,
        ElementsAre(HasSubstr("takes the name of the one that is replayed")))
        << record;
  }
  EXPECT_THAT(
      Check("backend: {sim: {trace: " + sent + "}, record: {file: " + sent + "x}}").problems,
      IsEmpty());
}

TEST(ConfigTest, ARecordingHasALimitAndAReplayIsRelativeToTheFile) {
  v1::Config config;
  SourceMap sources;
  ASSERT_EQ(
      LoadYaml("backend: {record: {file: /tmp/a}, sim: {trace: a}}", "b.yaml", &config, &sources),
      absl::OkStatus());
  ASSERT_EQ(ApplyDefaults(kRoot, "/etc/bpmp", &config), absl::OkStatus());
  EXPECT_EQ(config.backend().record().max_mib(), 64u);
  EXPECT_EQ(config.backend().sim().trace(), "/etc/bpmp/a");
}

TEST(ConfigTest, RootsSocketsAreInRun) {
  v1::Config config;
  ASSERT_TRUE(ApplyDefaults({0, "/run/user/0"}, "", &config).ok());
  EXPECT_EQ(config.runtime_dir(), "/run/bpmp-broker");
}

TEST(ConfigTest, NowhereToPutSockets) {
  v1::Config config;
  EXPECT_THAT(std::string(ApplyDefaults({1000, ""}, "", &config).message()),
              HasSubstr("set XDG_RUNTIME_DIR, or 'runtime_dir'"));
}

TEST(ConfigTest, AVmsDefaults) {
  v1::VmConfig vm;
  vm.set_name("net");
  vm.set_owner("qemu");
  vm.add_devices()->set_device("uarta");
  service::ApplyVmDefaults("/r", &vm);
  EXPECT_EQ(vm.socket(), "/r/vms/net.sock");
  EXPECT_EQ(vm.mode(), "0600");
  EXPECT_EQ(vm.peer().user(), "qemu");
  EXPECT_EQ(vm.peer().grace_ms(), 5'000u);
  EXPECT_EQ(vm.certificate_name(), "net");
  EXPECT_EQ(vm.ids(), v1::VmConfig::SHOWN);
  EXPECT_EQ(vm.devices(0).on_exit(), v1::DeviceGrantConfig::ASSERT);
  EXPECT_EQ(vm.devices(0).clocks_on_exit(), v1::DeviceGrantConfig::BOOT);
  EXPECT_EQ(vm.devices(0).on_grant(), v1::DeviceGrantConfig::NOTHING);
}

TEST(ConfigTest, WhatIsWrittenIsKept) {
  v1::Config config;
  ASSERT_TRUE(LoadYaml("runtime_dir: /r\nlimits: {burst: 7}\nmetrics: off\nlog: {level: debug}\n"
                       "profiles: [board.yaml, /a/b.yaml]\ntls: {listen: 'a:1', key: k.pem}\n",
                       "b.yaml", &config, nullptr)
                  .ok());
  ASSERT_TRUE(ApplyDefaults(kRoot, "/etc/bpmp", &config).ok());
  EXPECT_EQ(config.admin().socket(), "/r/admin.sock");
  EXPECT_EQ(config.limits().burst(), 7u);
  EXPECT_EQ(config.metrics().listen(), "off");
  EXPECT_EQ(config.log().level(), v1::LogConfig::DEBUG);
  EXPECT_THAT(config.profiles(), ElementsAre("/etc/bpmp/board.yaml", "/a/b.yaml"));
  EXPECT_EQ(config.tls().key(), "/etc/bpmp/k.pem");
}

// --- What CheckConfig finds ---------------------------------------------------------------------

struct Bad {
  const char* yaml;
  const char* problem;
};

class BadConfigTest : public testing::TestWithParam<Bad> {};

TEST_P(BadConfigTest, IsRefusedWithItsPlace) {
  EXPECT_EQ(absl::StrJoin(Check(GetParam().yaml).problems, "\n"), GetParam().problem);
}

constexpr char kNameRule[] =
    "': a name has 1 to 63 characters of a-z, 0-9, '_', '.', '-', begins with a letter or digit, "
    "and isn't 'host'";

INSTANTIATE_TEST_SUITE_P(
    Configs, BadConfigTest,
    testing::Values(
        Bad{"vms:\n  - mode: 0600\n", "b.yaml:2:5: a VM needs a 'name'"},
        Bad{"vms:\n  - name: a\n  - name: b\n  - name: a\n",
            "b.yaml:4:5: vm a: there is another VM of this name"},
        Bad{"vms:\n  - {name: a, socket: /s}\n  - {name: b, socket: /s}\n",
            "b.yaml:3:15: vm b: socket: vm a has /s already"},
        Bad{"admin: {socket: /s}\nvms: [{name: b, socket: /s}]\n",
            "b.yaml:2:17: vm b: socket: the admin API has /s already"},
        Bad{"vms: [{name: b, socket: rel.sock}]\n",
            "b.yaml:1:17: vm b: socket: must be an absolute path"},
        Bad{"runtime_dir: rel\nadmin: /a\n", "b.yaml:1:1: runtime_dir: must be an absolute path"},
        Bad{"vms: [{name: b, owner: nobody-at-all}]\n",
            "b.yaml:1:17: owner: this machine has no user 'nobody-at-all'"},
        Bad{"vms: [{name: b, group: no-such-group}]\n",
            "b.yaml:1:17: group: this machine has no group 'no-such-group'"},
        Bad{"vms: [{name: b, peer: no-such-user}]\n",
            "b.yaml:1:23: user: this machine has no user 'no-such-user'"},
        Bad{"admin: {group: no-such-group}\n",
            "b.yaml:1:9: group: this machine has no group 'no-such-group'"},
        Bad{"vms: [{name: b, mode: 0888}]\n",
            "b.yaml:1:17: mode: '0888' is no file mode: write it in octal, e.g. \"0660\""},
        Bad{"vms: [{name: b, peer: {unit: a/b.service}}]\n",
            "b.yaml:1:24: vm b: peer.unit: 'a/b.service' is no service or scope, so that nobody "
            "could "
            "connect; write its whole name, as 'microvm@net-vm.service'"},
        Bad{"vms: [{name: b, peer: {unit: microvm@b}}]\n",
            "b.yaml:1:24: vm b: peer.unit: 'microvm@b' is no service or scope, so that nobody "
            "could "
            "connect; write its whole name, as 'microvm@net-vm.service'"},
        Bad{"just text\n", "b.yaml:1:1: expected named fields ('name: value'), got one word"},
        Bad{"limits:\n  max_outstanding: 1025\n",
            "b.yaml:2:3: max_outstanding: 1025 is over the limit of 1024"},
        Bad{"limits:\n  request_timeout_ms: 60001\n",
            "b.yaml:2:3: request_timeout_ms: 60001 is over the limit of 60000"},
        Bad{"metrics: 9464\n",
            "b.yaml:1:10: metrics.listen: '9464' is neither 'off' nor an IPv4 address, or "
            "'localhost', with a port, as 127.0.0.1:9464"},
        Bad{"metrics:\n  listen: '[::1]:9464'\n",
            "b.yaml:2:3: metrics.listen: '[::1]:9464' is IPv6, which the metrics' HTTP server "
            "doesn't have; write an IPv4 address, as 127.0.0.1:9464"},
        Bad{"profiles:\n  - /nonexistent.yaml\n",
            "b.yaml:2:5: profiles: can't read /nonexistent.yaml"},
        Bad{"vms: [{name: a}]\ninsecure_tcp: [{vm: b, listen: '127.0.0.1:1'}]\n",
            "b.yaml:2:17: insecure_tcp: there is no VM 'b'"},
        Bad{"vms: [{name: a}]\ninsecure_tcp: [{vm: a, listen: '127.evil.org:1'}]\n",
            "b.yaml:2:24: insecure_tcp: '127.evil.org:1' is no address of the loopback interface, "
            "as '127.0.0.1:7000'; for other machines there is 'tls'"},
        Bad{"vms: [{name: a}]\ninsecure_tcp: [{vm: a, listen: '0.0.0.0:1'}]\n",
            "b.yaml:2:24: insecure_tcp: '0.0.0.0:1' is no address of the loopback interface, "
            "as '127.0.0.1:7000'; for other machines there is 'tls'"},
        Bad{"vms: [{name: a}]\ninsecure_tcp: [{vm: a, listen: 'localhost:1'}]\n",
            "b.yaml:2:24: insecure_tcp: 'localhost:1' is no address of the loopback interface, "
            "as '127.0.0.1:7000'; for other machines there is 'tls'"},
        Bad{"tls:\n  listen: 0.0.0.0:1\n  certificate: /nonexistent\n",
            "b.yaml:3:3: certificate: can't read /nonexistent\n"
            "b.yaml:2:3: key: is required and missing\n"
            "b.yaml:2:3: client_ca: is required and missing"}));

TEST(ConfigCheckTest, NamesThatCantBeFiles) {
  for (const char* name : {"Net", "-a", "a/b", "host", "..", "a b"}) {
    EXPECT_THAT(Check(absl::StrCat("vms: [{name: '", name, "'}]\n")).problems,
                ElementsAre(absl::StrCat("b.yaml:1:8: vm '", name, kNameRule)));
  }
  EXPECT_THAT(Check("vms: [{name: " + std::string(64, 'a') + "}]\n").problems, testing::SizeIs(1));
  EXPECT_THAT(Check("vms: [{name: 0a_.-}]\n").problems, IsEmpty());
}

TEST(ConfigCheckTest, SocketsMustFitTheKernelsAddress) {
  const std::string path = "/" + std::string(107, 'x');
  EXPECT_THAT(Check(absl::StrCat("admin: ", path, "\n")).problems,
              ElementsAre(HasSubstr("has 108 characters; a socket's path may have 107")));
  EXPECT_THAT(Check(absl::StrCat("admin: ", path.substr(0, 107), "\n")).problems, IsEmpty());
}

TEST(ConfigCheckTest, CertificatesNameOneVm) {
  EXPECT_THAT(Check("tls: {listen: 'a:1', certificate: /dev/null, key: /dev/null,\n"
                    "  client_ca: /dev/null, admin_name: ops, admin_listen: 'a:2'}\n"
                    "vms:\n  - {name: ops, peer: {unit: a.service}}\n"
                    "  - {name: b, certificate_name: c, peer: {unit: b.service}}\n"
                    "  - {name: c, peer: {unit: c.service}}\n")
                  .problems,
              ElementsAre("b.yaml:4:5: vm ops: certificates for 'ops' are the admin API's already",
                          "b.yaml:6:5: vm c: certificates for 'c' are vm b's already"));
}

TEST(ConfigCheckTest, RemoteAdministratorsHaveANameAndAnAddress) {
  const auto problems = [](const char* more) {
    return Check(absl::StrCat(
                     "tls: {certificate: /dev/null, key: /dev/null,\n  client_ca: /dev/null, ",
                     more, "}\n"))
        .problems;
  };
  EXPECT_THAT(problems("listen: 'a:1', admin_name: ops, admin_listen: 'a:2'"), IsEmpty());
  EXPECT_THAT(problems("admin_name: ops, admin_listen: 'a:2'"), IsEmpty()) << "VMs need none";
  EXPECT_THAT(problems("listen: 'a:1', admin_name: ops"),
              ElementsAre("b.yaml:2:40: tls.admin_name: needs tls.admin_listen, the address for "
                          "these administrators"));
  EXPECT_THAT(problems("listen: 'a:1', admin_listen: 'a:2'"),
              ElementsAre("b.yaml:2:40: tls.admin_listen: needs tls.admin_name, the name in "
                          "administrators' certificates"));
  EXPECT_THAT(problems("listen: 'a:1', admin_name: ops, admin_listen: 'a:1'"),
              ElementsAre("b.yaml:2:57: tls.admin_listen: VMs have a:1 already"));
  EXPECT_THAT(problems("admin_name: ops, admin_listen: a"),
              ElementsAre("b.yaml:2:42: tls.admin_listen: 'a' is no 'host:port'"));
}

TEST(ConfigCheckTest, SaysWhenAUidSeparatesNothing) {
  EXPECT_THAT(
      Check("vms:\n  - {name: a, owner: 107}\n  - {name: b, peer: 107}\n"
            "  - {name: c, owner: 108}\n")
          .warnings,
      ElementsAre("b.yaml:2:6: vms a, b: all are open to the user with uid 107 and have no "
                  "'peer.unit': the uid separates nothing, and each of these VMMs can speak "
                  "for the other VMs"));
  EXPECT_THAT(Check("vms:\n  - {name: a, owner: 107}\n"
                    "  - {name: b, owner: 107, peer: {unit: b.service}}\n")
                  .warnings,
              IsEmpty());
}

TEST(ConfigCheckTest, SaysWhatIsOpenToAll) {
  EXPECT_THAT(Check("vms: [{name: a, mode: 0666}]\nmetrics: 0.0.0.0:9464\n").warnings,
              ElementsAre(HasSubstr("b.yaml:1:17: vm a: mode 0666 lets every user"),
                          HasSubstr("b.yaml:2:10: metrics.listen: whoever reaches 0.0.0.0:9464")));
  EXPECT_THAT(Check("vms: [{name: a}]\ninsecure_tcp: [{vm: a, listen: '[::1]:7000'}]\n").warnings,
              ElementsAre(HasSubstr("INSECURE: whoever on this machine reaches [::1]:7000")));
}

}  // namespace
}  // namespace bpmp::daemon
