// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "broker/ctl/app.h"
#include "broker/ctl/tree_walk.h"
#include "broker/ctl/verbs.h"

namespace bpmp::ctl {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

// The real command line, with names of a broker that isn't there.
class CompletionTest : public testing::Test {
 protected:
  CompletionTest() { AddAllVerbs(verbs_, &globals_); }

  std::vector<std::string> Words(const std::vector<std::string>& words) const {
    const auto names = [](const std::string& what) -> std::vector<std::string> {
      if (what == "VM") {
        return {"gpu-vm", "net-vm"};
      }
      if (what == "CLOCK") {
        return {"uarta", "vic"};
      }
      if (what == "DOMAIN") {
        return {"disp", "vic"};
      }
      if (what == "RESET") {
        return {"can0"};
      }
      return {};
    };
    std::vector<std::string> result;
    for (const Candidate& candidate : Complete(root_, words, names)) {
      result.push_back(candidate.word);
    }
    return result;
  }

  CLI::App root_{"", "bpmpctl"};
  Globals globals_;
  VerbTree verbs_{&root_};
};

TEST_F(CompletionTest, CompletesVerbs) {
  EXPECT_THAT(Words({"v"}), ElementsAre("vm"));
  EXPECT_THAT(Words({"w"}), UnorderedElementsAre("why-on", "why-denied", "watch"));
  EXPECT_THAT(Words({"p"}), UnorderedElementsAre("pin", "policy", "profile"));
  EXPECT_THAT(Words({"profile", ""}), ElementsAre("from-dtb"));
  EXPECT_THAT(Words({"policy", "im"}), ElementsAre("import"));
  EXPECT_THAT(Words({"vm", ""}), ElementsAre("list", "show", "add", "update", "remove", "release",
                                             "drain", "undrain", "wait-released"));
  EXPECT_THAT(Words({"--output", "json", "vm", "re"}), ElementsAre("remove", "release"));
  EXPECT_THAT(Words({"zzz"}), IsEmpty());
}

TEST_F(CompletionTest, CompletesNames) {
  EXPECT_THAT(Words({"vm", "show", ""}), ElementsAre("gpu-vm", "net-vm"));
  EXPECT_THAT(Words({"vm", "show", "net-vm", ""}), IsEmpty());
  EXPECT_THAT(Words({"why-on", "u"}), ElementsAre("uarta"));
  EXPECT_THAT(Words({"watch", "--vm", "n"}), ElementsAre("net-vm"));
  EXPECT_THAT(Words({"guest-dt", ""}), ElementsAre("gpu-vm", "net-vm"));
  EXPECT_THAT(Words({"guest-dt", "gpu-vm", "--h"}), UnorderedElementsAre("--host-dtb", "--help"));
}

TEST_F(CompletionTest, CompletesWhatTheVerbTakes) {
  EXPECT_THAT(Words({"pin", ""}), ElementsAre("uarta", "vic", "disp"));
  EXPECT_THAT(Words({"unpin", ""}), Not(Contains("can0")));
  EXPECT_THAT(Words({"clear-quarantine", ""}), ElementsAre("uarta", "vic", "disp", "can0"));
  EXPECT_THAT(Words({"pin", "c"}), ElementsAre("clock:"));
  EXPECT_THAT(Words({"pin", "clock:v"}), ElementsAre("clock:vic"));
  EXPECT_THAT(Words({"pin", "domain:"}), ElementsAre("domain:disp", "domain:vic"));
  EXPECT_THAT(Words({"pin", "reset:"}), IsEmpty());
}

TEST_F(CompletionTest, CompletesGrants) {
  EXPECT_THAT(Words({"vm", "add", "a", "--clock", "u"}), ElementsAre("uarta="));
  EXPECT_THAT(Words({"vm", "add", "a", "--clock", "uarta="}),
              ElementsAre("uarta=get", "uarta=vote", "uarta=exclusive"));
  EXPECT_THAT(Words({"vm", "add", "a", "--reset=can0=e"}), ElementsAre("--reset=can0=exclusive"));
}

TEST_F(CompletionTest, KnowsTheSocketOfTheLine) {
  EXPECT_EQ(Walk(root_, {"--socket", "/a", "vm", "show"}).socket, "/a");
  EXPECT_EQ(Walk(root_, {"vm", "show", "--socket=/b"}).socket, "/b");
  EXPECT_EQ(Walk(root_, {"--socket", "/a", "session", "--socket", "/vm"}).socket, "/a");
  EXPECT_EQ(Walk(root_, {"session", "--socket=/vm"}).socket, "");
}

TEST_F(CompletionTest, CompletesOptionsAndTheirValues) {
  EXPECT_THAT(Words({"clock", "list", "--a"}), ElementsAre("--active"));
  EXPECT_THAT(Words({"status", "--"}), Contains("--timeout"));
  EXPECT_THAT(Words({"--output", ""}), ElementsAre("table", "json"));
  EXPECT_THAT(Words({"request", "net-vm", "--lease", ""}), ElementsAre("connection"));
  EXPECT_THAT(Words({"--output=j"}), ElementsAre("--output=json"));
  EXPECT_THAT(Words({"--nonsense=j"}), IsEmpty());
  EXPECT_THAT(Words({"completion", "b"}), ElementsAre("bash"));
  EXPECT_THAT(Words({"--timeout", "v"}), IsEmpty());
}

TEST_F(CompletionTest, CompletesRequestsByTheGrammar) {
  EXPECT_THAT(Words({"request", "net-vm", "cl"}), ElementsAre("clk"));
  EXPECT_THAT(Words({"request", "net-vm", "clk", "en"}), ElementsAre("enable"));
  EXPECT_THAT(Words({"why-denied", "net-vm", "clk", "enable", ""}), ElementsAre("uarta", "vic"));
  EXPECT_THAT(Words({"request", "net-vm", "clk", "set-rate", "uarta", ""}), IsEmpty());
  EXPECT_THAT(Words({"request", "net-vm", "reset", ""}), Not(Contains("list")));
}

TEST_F(CompletionTest, IsTotal) {
  EXPECT_THAT(Words({}), Contains("status"));
  EXPECT_THAT(Words({"--nonsense", "-", "", "\xff", ""}), IsEmpty());
}

TEST_F(CompletionTest, UnknownVerbsAreNamedWithTheirNeighbours) {
  EXPECT_EQ(UnknownVerb(root_, {"vm", "lits"}),
            "vm has no 'lits'; did you mean list? There are: list, show, add, update, remove, "
            "release, drain, undrain, wait-released");
  EXPECT_EQ(UnknownVerb(root_, {"vm"}),
            "vm needs a verb. There are: list, show, add, update, remove, release, drain, undrain, "
            "wait-released");
  EXPECT_EQ(UnknownVerb(root_, {"vm", "list"}), "");
}

TEST(CompletionScript, ExistsForThreeShells) {
  EXPECT_NE(CompletionScript("bash"), "");
  EXPECT_NE(CompletionScript("zsh"), "");
  EXPECT_NE(CompletionScript("fish"), "");
  EXPECT_EQ(CompletionScript("csh"), "");
}

}  // namespace
}  // namespace bpmp::ctl
