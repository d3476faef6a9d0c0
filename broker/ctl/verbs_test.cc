// SPDX-License-Identifier: Apache-2.0
// The verbs from the command line to the wire and back, against a real gRPC server.
#include <gmock/gmock.h>

#include <algorithm>
#include <string>

#include "broker/ctl/verbs_fixture.h"

namespace bpmp::ctl {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(VerbsTest, StatusIsShownAsTextAndJson) {
  broker_.status.set_version("0.1.0");
  broker_.status.set_last_event(1ull << 60);
  EXPECT_THAT(Ctl({"status"}).out, HasSubstr("bpmp-broker 0.1.0"));
  const Result json = Ctl({"status", "-o", "json"});
  EXPECT_EQ(json.code, 0);
  EXPECT_THAT(json.out, HasSubstr("\"last_event\": \"1152921504606846976\""));
  EXPECT_THAT(json.out, HasSubstr("\"backend_healthy\": false"));
}

TEST_F(VerbsTest, TopShowsPicturesUntilThereAreEnough) {
  broker_.status.set_vms(2);
  const Result two = Ctl({"top", "--count", "2", "--interval", "1ms"});
  EXPECT_EQ(two.code, 0);
  EXPECT_EQ(std::count(two.out.begin(), two.out.end(), '/'), 4) << "a rate and a title each";
  EXPECT_THAT(two.out, HasSubstr("0 of 2 VMs connected, 0 requests/s"));
  EXPECT_THAT(two.out, HasSubstr("\ngpu-vm           0"));
  EXPECT_THAT(Ctl({"top", "--count", "1", "--interval", "1ms", "-o", "json"}).out,
              StartsWith("{\"vms\":[{\"name\":\"net-vm\""));
  EXPECT_EQ(Ctl({"top", "--interval", "never"}).code, 2);
}

TEST_F(VerbsTest, DoctorEndsWithSixWhereSomethingIsWrong) {
  broker_.status.set_backend("sim");
  broker_.status.set_backend_healthy(true);
  const std::string host = testing::TempDir();  // has no /sys and no /proc
  const Result well = Ctl({"doctor", "--host-root", host});
  EXPECT_EQ(well.code, 0) << well.out;
  EXPECT_THAT(well.out, HasSubstr("none is asked: the backend is sim"));
  broker_.status.set_quarantined(1);
  const Result ill = Ctl({"doctor", "--host-root", host});
  EXPECT_EQ(ill.code, 6);
  EXPECT_THAT(ill.out, HasSubstr("bpmpctl clear-quarantine"));
  broker_.status.set_quarantined(0);
  broker_.status.set_backend("kernel");
  EXPECT_THAT(Ctl({"doctor", "--host-root", host}).out,
              HasSubstr("can't read /sys/kernel/debug/bpmp-host/allowed"));
  const Result nowhere = Ctl({"doctor", "--host-root", "/nonexistent"});
  EXPECT_EQ(nowhere.code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("--host-root '/nonexistent' is no directory"));
}

TEST_F(VerbsTest, ManPageNeedsNoBroker) {
  EXPECT_THAT(CtlAt({"__man"}).out, StartsWith(".TH BPMPCTL 1"));
}

TEST_F(VerbsTest, VmsAreListedShownAddedReleasedRemoved) {
  EXPECT_THAT(Ctl({"vm", "list"}).out, HasSubstr("net-vm"));
  EXPECT_THAT(Ctl({"vm", "show", "net-vm"}).out, HasSubstr(broker_.socket()));
  const Result added = Ctl({"vm", "add", "gpu-vm", "--device", "gpu", "--device", "vic"});
  EXPECT_EQ(added.out,
            "gpu-vm added; its socket is /run/vms/gpu-vm.sock\n"
            "  note: clock pllp_out0 is shared\n");
  EXPECT_EQ(
      Asked(),
      "DefineVm vm { name: \"gpu-vm\" devices { device: \"gpu\" } devices { device: \"vic\" } "
      "}");
  broker_.released.set_epoch(4);
  broker_.released.add_quarantined()->set_id(155);
  broker_.released.mutable_quarantined(0)->set_kind(v1::RESOURCE_KIND_CLOCK);
  const Result released = Ctl({"vm", "release", "net-vm"});
  EXPECT_EQ(released.out, "net-vm released; its epoch is now 4\n");
  EXPECT_THAT(released.err, HasSubstr("in quarantine, given to no other VM: clock uarta;"));
  EXPECT_EQ(Ctl({"vm", "remove", "net-vm"}).code, 0);
  EXPECT_EQ(Asked(), "DeleteVm name: \"net-vm\"");
}

TEST_F(VerbsTest, VmAddReadsJsonFromStandardInput) {
  EXPECT_EQ(Ctl({"vm", "add", "-"}, R"({"name": "a", "clocks": [{"name": "uarta",
                                        "access": "ACCESS_VOTE"}]})")
                .code,
            0);
  EXPECT_EQ(Asked(), "DefineVm vm { name: \"a\" clocks { name: \"uarta\" access: ACCESS_VOTE } }");
  EXPECT_EQ(Ctl({"vm", "add", "--json", "/no/such/file"}).code, 2);
  EXPECT_EQ(Ctl({"vm", "add", "-"}, "{").code, 2);
}

TEST_F(VerbsTest, ResourcesAreListedAndShown) {
  EXPECT_THAT(Ctl({"clock", "list"}).out, HasSubstr("vic"));
  EXPECT_EQ(Ctl({"clock", "list", "--active"}).out.find("vic"), std::string::npos);
  EXPECT_EQ(Ctl({"clock", "list", "--vm", "net-vm"}).out.find("uarta"), std::string::npos);
  EXPECT_THAT(Ctl({"clock", "list", "--vm", "gpu-vm"}).out, HasSubstr("uarta"));
  EXPECT_THAT(Ctl({"clock", "show", "155"}).out, HasSubstr("uarta (155)"));
  EXPECT_THAT(Ctl({"clock", "show", "0x9b"}).out, HasSubstr("uarta (155)"));
  EXPECT_THAT(Ctl({"clock", "tree"}).out, HasSubstr("uarta"));
  EXPECT_THAT(Ctl({"clock", "holders"}).out, HasSubstr("gpu-vm"));
  EXPECT_EQ(Ctl({"clock", "holders", "vic"}).out, "nobody holds vic\n");
  EXPECT_THAT(Ctl({"reset", "list"}).out, HasSubstr("uarta"));
  EXPECT_THAT(Ctl({"domain", "show", "vic"}).out, HasSubstr("vic (29)"));
}

TEST_F(VerbsTest, UnknownNamesEndWithFourAndAHint) {
  const Result clock = Ctl({"clock", "show", "uatra"});
  EXPECT_EQ(clock.code, 4);
  EXPECT_THAT(clock.err,
              HasSubstr("nothing is called 'uatra'; did you mean uarta? All names: bpmpctl"));
  EXPECT_THAT(Ctl({"clock", "show", "zzzzz"}).err,
              HasSubstr("nothing is called 'zzzzz'. All names: bpmpctl"));
  const Result request = Ctl({"request", "net-vm", "clk", "enable", "uatra"});
  EXPECT_EQ(request.code, 4);
  EXPECT_THAT(request.err, HasSubstr("no clock is called 'uatra'; did you mean uarta?"));
  EXPECT_EQ(Ctl({"vm", "show", "nobody"}).code, 4);
}

TEST_F(VerbsTest, WhyOnAndWhyDenied) {
  EXPECT_EQ(Ctl({"why-on", "uarta"}).out, "clock uarta: on\n  gpu-vm votes for it\n");
  EXPECT_THAT(Ctl({"why-on", "reset:uarta"}).out, HasSubstr("resets have no holders"));
  broker_.explanation.set_error(-13);
  broker_.explanation.set_error_name("EACCES");
  broker_.explanation.set_text("Refused with EACCES: the VM's policy doesn't allow it.");
  const Result denied = Ctl({"why-denied", "net-vm", "clk", "enable", "uarta"});
  EXPECT_EQ(denied.code, 0);
  EXPECT_THAT(denied.out, HasSubstr("would be refused with EACCES"));
  EXPECT_THAT(Asked(), StartsWith("Explain vm: \"net-vm\" request { mrq: 22 tx: \"\\233\\000"));
}

TEST_F(VerbsTest, PinsNeedOneThing) {
  EXPECT_EQ(Ctl({"pin", "uarta", "--rate", "48500kHz"}).out,
            "the host pins clock uarta at 48 MHz\n")
      << "what it got, not what it asked for";
  EXPECT_THAT(broker_.asked(),
              Contains("Pin resource { kind: RESOURCE_KIND_CLOCK id: 155 } rate_hz: 48500000"));
  const Result both = Ctl({"pin", "vic"});
  EXPECT_EQ(both.code, 2);
  EXPECT_THAT(both.err, HasSubstr("write clock:vic or domain:vic"));
  EXPECT_EQ(Ctl({"pin", "domain:vic"}).code, 0);
  EXPECT_EQ(Ctl({"pin", "uarta", "--rate", "0"}).code, 2);
  broker_.outcome.set_error(-16);
  broker_.outcome.set_reason("gpu-vm holds it");
  const Result refused = Ctl({"pin", "uarta"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_EQ(refused.out, "refused: EBUSY: gpu-vm holds it\n");
  broker_.unpinned.add_reboot_to_see("gpu-vm");
  broker_.resources[0].set_pinned(true);
  EXPECT_THAT(Ctl({"unpin", "uarta"}).err, HasSubstr("gpu-vm: saw the pin when booting"));
}

TEST_F(VerbsTest, PinsSayWhatCantBePinned) {
  const Result reset = Ctl({"pin", "reset:uarta"});
  EXPECT_EQ(reset.code, 2);
  EXPECT_EQ(reset.err, "bpmpctl: 'uarta' is a reset; only a clock or power domain can be pinned\n");
  EXPECT_EQ(Ctl({"pin", "domain:vic", "--rate", "1MHz"}).err,
            "bpmpctl: 'vic' is a power domain; only a clock can be pinned at a rate\n");
  const Result free = Ctl({"unpin", "uarta"});
  EXPECT_EQ(free.code, 1);
  EXPECT_EQ(free.err,
            "bpmpctl: the host doesn't pin clock uarta; what keeps it on: bpmpctl why-on "
            "clock:uarta\n");
}

TEST_F(VerbsTest, ListsOfAVmThatIsNoneAreRefused) {
  for (const char* kind : {"clock", "reset", "domain"}) {
    const Result list = Ctl({kind, "list", "--vm", "nosuch"});
    EXPECT_EQ(list.code, 4) << kind;
    EXPECT_EQ(list.err, "bpmpctl: no vm 'nosuch'\n");
  }
  EXPECT_EQ(Ctl({"clock", "list", "--vm", "host"}).code, 0);
}

TEST_F(VerbsTest, StatusNamesWhatIsInQuarantine) {
  broker_.status.set_quarantined(1);
  broker_.resources[2].set_quarantined_for("net-vm");
  EXPECT_THAT(
      Ctl({"status"}).out,
      HasSubstr("quarantined    1: power domain vic (for net-vm); once fit for use: bpmpctl "
                "clear-quarantine RESOURCE\n"));
}

TEST_F(VerbsTest, ClearQuarantineMeansTheOneInQuarantine) {
  EXPECT_EQ(Ctl({"clear-quarantine", "vic"}).code, 1);
  broker_.resources[2].set_quarantined_for("net-vm");
  EXPECT_EQ(Ctl({"clear-quarantine", "vic"}).out,
            "power domain vic may be used by every VM again\n");
  EXPECT_EQ(Asked(), "ClearQuarantine resource { kind: RESOURCE_KIND_POWER_DOMAIN id: 29 }");
}

}  // namespace
}  // namespace bpmp::ctl
