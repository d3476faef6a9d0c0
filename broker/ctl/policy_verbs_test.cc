// SPDX-License-Identifier: Apache-2.0
// bpmpctl policy, from the command line to the wire and back.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "broker/ctl/verbs_fixture.h"

namespace bpmp::ctl {
namespace {

using testing::HasSubstr;
using testing::Not;

class PolicyVerbsTest : public VerbsTest {
 protected:
  PolicyVerbsTest() {
    std::string name = testing::TempDir() + "/policy-XXXXXX";
    root_ = std::filesystem::path(mkdtemp(name.data())).lexically_normal().string();
  }
  ~PolicyVerbsTest() override { std::filesystem::remove_all(root_); }

  std::string Write(const std::string& text) {
    std::ofstream(root_ + "/b.yaml") << text;
    return root_ + "/b.yaml";
  }
  v1::VmDifference* AddVm(const std::string& name, v1::VmDifference::Kind kind,
                          const std::string& text) {
    v1::VmDifference* const vm = broker_.reloaded.mutable_difference()->add_vms();
    vm->set_vm(name);
    vm->set_kind(kind);
    vm->add_text(text);
    return vm;
  }

  std::string root_;
};

TEST_F(PolicyVerbsTest, CheckSendsTheFileAndSaysWhatIsWrongWithIt) {
  const std::string file = Write("vms: [{name: a}]\n");
  broker_.checked.set_vms(1);
  broker_.checked.add_warnings("b.yaml:1: mind this");
  broker_.checked.add_notes("b.yaml:1: and that");
  const Result good = Ctl({"policy", "check", file});
  EXPECT_EQ(good.code, 0);
  EXPECT_EQ(good.out,
            "warning: b.yaml:1: mind this\nnote: b.yaml:1: and that\n" + file + ": OK, 1 VM\n");
  EXPECT_EQ(Asked(), "CheckPolicy contents: \"vms: [{name: a}]\\n\" file: \"" + file + "\"");

  broker_.checked.add_problems("b.yaml:1: no such device");
  const Result bad = Ctl({"policy", "check", file});
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.out, HasSubstr("b.yaml:1: no such device\n"));
  EXPECT_THAT(bad.out, Not(HasSubstr("OK")));
  EXPECT_EQ(Ctl({"policy", "check", file, "-o", "json"}).code, 1);
}

TEST_F(PolicyVerbsTest, CheckReadsStandardInput) {
  EXPECT_EQ(Ctl({"policy", "check", "-"}, "pins: []\n").code, 0);
  EXPECT_EQ(Asked(), "CheckPolicy contents: \"pins: []\\n\" file: \"standard input\"");
}

TEST_F(PolicyVerbsTest, CheckWantsAFileThatCanBeRead) {
  const Result missing = Ctl({"policy", "check", root_ + "/none.yaml"});
  EXPECT_EQ(missing.code, 2);
  EXPECT_THAT(missing.err, HasSubstr("can't read '" + root_ + "/none.yaml'"));
  EXPECT_EQ(Ctl({"policy", "check", root_}).code, 2);
  EXPECT_THAT(Ctl({"policy", "check", Write(std::string((1 << 20) + 1, '#'))}).err,
              HasSubstr("is larger than 1 MiB"));
  EXPECT_EQ(Asked(), "") << "nothing was sent";
}

TEST_F(PolicyVerbsTest, DiffAsksAndDoesNothing) {
  AddVm("net-vm", v1::VmDifference::CHANGED, "loses device uarta")->add_unallowed()->set_id(155);
  AddVm("old-vm", v1::VmDifference::REMOVED, "loses device vic");
  broker_.reloaded.mutable_difference()->add_board("the host pins clock emc");
  broker_.reloaded.add_at_restart("b.yaml:9: limits: differs");
  const Result diff = Ctl({"policy", "diff"});
  EXPECT_EQ(diff.code, 0);
  EXPECT_EQ(diff.out,
            "vm net-vm\n"
            "  loses device uarta\n"
            "  1 hold would stay until it drops them or is released; --drop undoes them at once\n"
            "vm old-vm is removed\n"
            "  loses device vic\n"
            "for all\n"
            "  the host pins clock emc\n"
            "warning: b.yaml:9: limits: differs\n");
  EXPECT_EQ(Asked(), "ReloadPolicy votes: KEEP dry_run: true");
  EXPECT_THAT(Ctl({"policy", "diff", "--drop"}).out, HasSubstr("1 hold would be undone at once"));
  EXPECT_EQ(Asked(), "ReloadPolicy votes: DROP dry_run: true");
}

TEST_F(PolicyVerbsTest, ReloadSaysWhatIsInForce) {
  broker_.reloaded.set_applied(true);
  broker_.reloaded.set_generation(2);
  EXPECT_EQ(Ctl({"policy", "reload"}).out, "nothing changes\npolicy generation 2 is in force\n");
  EXPECT_EQ(Asked(), "ReloadPolicy votes: KEEP");
  Ctl({"policy", "reload", "--drop"});
  EXPECT_EQ(Asked(), "ReloadPolicy votes: DROP");
  Ctl({"policy", "reload", "--keep", "--dry-run"});
  EXPECT_EQ(Asked(), "ReloadPolicy votes: KEEP dry_run: true");
  EXPECT_EQ(Ctl({"policy", "reload", "--keep", "--drop"}).code, 2);
}

TEST_F(PolicyVerbsTest, ARefusedReloadEndsWithOne) {
  broker_.reloaded.set_generation(1);
  broker_.reloaded.add_problems("b.yaml:3: vm a: no device 'x'");
  const Result refused = Ctl({"policy", "reload"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_EQ(refused.out,
            "b.yaml:3: vm a: no device 'x'\nrefused; the policy is as it was, generation 1\n");
  const Result json = Ctl({"policy", "reload", "-o", "json"});
  EXPECT_EQ(json.code, 1);
  EXPECT_THAT(json.out, HasSubstr("\"applied\": false"));
}

TEST_F(PolicyVerbsTest, SuggestWritesAnEntry) {
  v1::VmConfig* const vm = broker_.suggested.mutable_vm();
  vm->set_name("net-vm");
  vm->add_devices()->set_device("uarta");
  vm->mutable_devices(0)->set_on_exit(v1::DeviceGrantConfig::ASSERT);  // the default
  vm->add_devices()->set_device("serial@3100000");
  vm->mutable_devices(1)->set_on_exit(v1::DeviceGrantConfig::LEAVE);
  vm->add_clocks()->set_name("i2c1");
  vm->mutable_clocks(0)->set_access(v1::ACCESS_VOTE);
  vm->add_resets()->set_name("7");
  vm->mutable_resets(0)->set_access(v1::ACCESS_EXCLUSIVE);
  broker_.suggested.add_notes("clock uarta: vm b has it");
  const Result result = Ctl({"policy", "suggest", "net-vm"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, HasSubstr("# clock uarta: vm b has it\n"
                                    "- name: net-vm\n"
                                    "  devices:\n"
                                    "    - uarta\n"
                                    "    - {device: 'serial@3100000', on_exit: leave}\n"
                                    "  clocks:\n"
                                    "    - {name: i2c1, access: vote}\n"
                                    "  resets:\n"
                                    "    - {name: 7, access: exclusive}\n"));
  EXPECT_EQ(Asked(), "SuggestPolicy vm: \"net-vm\"");
}

}  // namespace
}  // namespace bpmp::ctl
