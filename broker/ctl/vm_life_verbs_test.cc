// SPDX-License-Identifier: Apache-2.0
// vm update, drain, undrain and wait-released against a fake broker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "broker/ctl/verbs_fixture.h"

namespace bpmp::ctl {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class VmLifeVerbsTest : public VerbsTest {
 protected:
  VmLifeVerbsTest() {
    v1::VmConfig* config = broker_.vms[0].mutable_config();
    config->set_name("net-vm");
    config->set_mode("0660");
    config->add_devices()->set_device("mgbe0");
  }
};

TEST_F(VmLifeVerbsTest, AnUpdateChangesTheEntryThatThereIs) {
  v1::VmDifference* vm = broker_.updated.mutable_difference()->add_vms();
  vm->set_vm("net-vm");
  vm->add_text("gains device uarta");
  broker_.updated.add_notes("clock pllp_out0 is shared");
  const Result done = Ctl({"vm", "update", "net-vm", "--device", "uarta", "--clock", "vic=get"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(done.out,
            "vm net-vm\n  gains device uarta\nnote: clock pllp_out0 is shared\n"
            "net-vm updated, until the broker ends or its file, if it has the VM, is reloaded; for "
            "good, change the file too\n");
  EXPECT_EQ(Asked(),
            "UpdateVm vm { name: \"net-vm\" mode: \"0660\" devices { device: \"mgbe0\" } "
            "devices { device: \"uarta\" } clocks { name: \"vic\" access: ACCESS_GET } } "
            "votes: KEEP "
            "before { name: \"net-vm\" mode: \"0660\" devices { device: \"mgbe0\" } }");
}

TEST_F(VmLifeVerbsTest, AnUpdateChangesFurtherRequests) {
  EXPECT_EQ(Ctl({"vm", "update", "net-vm", "--without-device", "mgbe0", "--thermal-zone", "8",
                 "--pcie-controller", "5", "--emc-latency"})
                .code,
            0);
  EXPECT_THAT(Asked(), StartsWith("UpdateVm vm { name: \"net-vm\" mode: \"0660\" thermal { zones: "
                                  "8 } emc_latency: true pcie_controllers: 5 }"));
}

TEST_F(VmLifeVerbsTest, AnUpdateMayOnlySayWhatItWouldDo) {
  const Result done =
      Ctl({"vm", "update", "net-vm", "--without-device", "mgbe0", "--drop", "--dry-run"});
  EXPECT_EQ(done.out, "nothing changes\n");
  EXPECT_EQ(Asked(),
            "UpdateVm vm { name: \"net-vm\" mode: \"0660\" } votes: DROP dry_run: true "
            "before { name: \"net-vm\" mode: \"0660\" devices { device: \"mgbe0\" } }");
}

TEST_F(VmLifeVerbsTest, AnUpdateMayBringAWholeEntry) {
  EXPECT_EQ(Ctl({"vm", "update", "net-vm", "--json", "-"}, R"({"mode": "0600"})").code, 0);
  EXPECT_EQ(Asked(), "UpdateVm vm { name: \"net-vm\" mode: \"0600\" } votes: KEEP");
}

TEST_F(VmLifeVerbsTest, AnUpdateIsCheckedBeforeItIsSent) {
  const Result nothing = Ctl({"vm", "update", "net-vm"});
  EXPECT_EQ(nothing.code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("nothing to change; write e.g.: bpmpctl vm update net-vm"));
  const Result absent = Ctl({"vm", "update", "net-vm", "--without-device", "gpu"});
  EXPECT_EQ(absent.code, 2);
  EXPECT_THAT(absent.err, HasSubstr("the VM's entry has no device 'gpu'; it has mgbe0"));
  EXPECT_EQ(Ctl({"vm", "update", "net-vm", "--clock", "vic"}).code, 2);
  EXPECT_EQ(Ctl({"vm", "update", "net-vm", "--hide-ids", "--show-ids"}).code, 2);
  EXPECT_EQ(Ctl({"vm", "update", "nosuch", "--device", "gpu"}).code, 4);
  EXPECT_THAT(Asked(), StartsWith("GetVm"));
}

TEST_F(VmLifeVerbsTest, ADrainSaysWhatToDoNext) {
  broker_.vms[0].set_draining(true);
  broker_.vms[0].mutable_session()->set_pid(4711);
  broker_.vms[0].mutable_session()->set_client("qemu 10.0.2");
  const Result going_on = Ctl({"vm", "drain", "net-vm"});
  EXPECT_EQ(going_on.code, 0) << going_on.err;
  EXPECT_EQ(going_on.out,
            "net-vm is being drained: it takes no new session; its session of pid 4711, qemu "
            "10.0.2 is not over: end its guest, or: bpmpctl vm drain net-vm --end-session\n"
            "  to wait for its end: bpmpctl vm wait-released net-vm\n");
  EXPECT_EQ(Asked(), "DrainVm name: \"net-vm\" session: KEEP");

  broker_.vms[0].clear_session();
  broker_.vms[0].set_free(true);
  EXPECT_EQ(Ctl({"vm", "drain", "net-vm", "--end-session"}).out,
            "net-vm is drained: it takes no new session and holds nothing\n");
  EXPECT_EQ(Asked(), "DrainVm name: \"net-vm\" session: END");
  EXPECT_EQ(Ctl({"vm", "undrain", "net-vm"}).out, "net-vm takes sessions again\n");
  EXPECT_EQ(Asked(), "UndrainVm name: \"net-vm\"");
}

TEST_F(VmLifeVerbsTest, AWaitEndsWithWhatItFound) {
  EXPECT_EQ(Ctl({"vm", "wait-released", "net-vm"}).out,
            "net-vm holds nothing at the moment; it may take things again, unless: bpmpctl vm "
            "drain net-vm\n");
  broker_.free.set_drained(true);
  const Result drained = Ctl({"vm", "wait-released", "net-vm"});
  EXPECT_EQ(drained.code, 0);
  EXPECT_EQ(drained.out,
            "net-vm holds nothing, and takes nothing until: bpmpctl vm undrain net-vm\n");
  EXPECT_EQ(Asked(), "WaitReleased name: \"net-vm\"");

  v1::ResourceRef* left = broker_.free.add_quarantined();
  left->set_kind(v1::RESOURCE_KIND_CLOCK);
  left->set_id(155);
  const Result unfit = Ctl({"vm", "wait-released", "net-vm"});
  EXPECT_EQ(unfit.code, 1);
  EXPECT_THAT(unfit.err, HasSubstr("in quarantine, given to no other VM: clock uarta;"));
}

TEST_F(VmLifeVerbsTest, AWaitThatIsOverSaysWhatIsLeft) {
  broker_.wait_ends = false;
  v1::Vm& vm = broker_.vms[0];
  const auto why = [&] {
    const Result late = Ctl({"vm", "wait-released", "net-vm", "--timeout", "1m"});
    EXPECT_EQ(late.code, 5);
    return late.err;
  };
  EXPECT_THAT(why(), HasSubstr("net-vm is not free after 1m: it has left a reset deasserted"));
  vm.set_clock_votes(1);
  vm.add_holds()->set_name("uarta");
  EXPECT_THAT(why(), HasSubstr("it holds 1 clock and 0 power domains: uarta; to undo that: bpmpctl "
                               "vm release net-vm"));
  vm.set_draining(true);
  vm.mutable_session()->set_id(1);
  EXPECT_THAT(why(), HasSubstr("its session is not over: end its guest"));
  vm.set_releasing(true);
  EXPECT_THAT(why(), HasSubstr("it is being released\n  to wait longer: --timeout 5m"));
  // Free by now, so that the clock alone was too fast.
  vm.set_free(true);
  EXPECT_THAT(why(), HasSubstr("no answer from"));
}

}  // namespace
}  // namespace bpmp::ctl
