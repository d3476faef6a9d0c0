// SPDX-License-Identifier: Apache-2.0
// What is read from files, standard input and flags.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "broker/ctl/json.h"
#include "broker/ctl/line_reader.h"
#include "broker/ctl/suggest.h"
#include "broker/ctl/vm_flags.h"

namespace bpmp::ctl {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A pipe whose ends close with it.
class Pipe {
 public:
  Pipe() { EXPECT_EQ(::pipe(fds_), 0); }
  ~Pipe() {
    ::close(fds_[0]);
    Close();
  }
  int out() const { return fds_[0]; }
  void Write(const std::string& text) {
    EXPECT_EQ(::write(fds_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void Close() {
    if (fds_[1] >= 0) {
      ::close(fds_[1]);
      fds_[1] = -1;
    }
  }

 private:
  int fds_[2];
};

std::vector<std::string> Lines(const std::string& input) {
  Pipe in;
  Pipe stop;
  in.Write(input);
  in.Close();
  LineReader reader(in.out(), stop.out());
  std::vector<std::string> lines;
  std::string line;
  while (reader.Next(&line) == LineReader::Result::kLine) {
    lines.push_back(line);
  }
  return lines;
}

TEST(LineReader, SplitsAtNewlines) {
  EXPECT_THAT(Lines("a\n\nb\nlast"), ElementsAre("a", "", "b", "last"));
  EXPECT_THAT(Lines(""), ElementsAre());
  EXPECT_THAT(Lines("\n"), ElementsAre(""));
}

TEST(LineReader, CutsEndlessLines) {
  const std::vector<std::string> lines =
      Lines(std::string(LineReader::kMaxLine + 5, 'x') + "\ny\n");
  EXPECT_THAT(lines, ElementsAre(std::string(LineReader::kMaxLine, 'x'), "xxxxx", "y"));
}

TEST(LineReader, StopsWhenNobodyWantsMore) {
  Pipe in;
  Pipe stop;
  stop.Write("!");
  LineReader reader(in.out(), stop.out());
  std::string line;
  EXPECT_EQ(reader.Next(&line), LineReader::Result::kStopped);
}

TEST(ReadAll, IsBounded) {
  Pipe in;
  in.Write("hello");
  in.Close();
  EXPECT_EQ(ReadAll(in.out(), 5).value(), "hello");
  Pipe more;
  more.Write("hello!");
  more.Close();
  EXPECT_FALSE(ReadAll(more.out(), 5).ok());
}

TEST(MakeVmConfig, MapsFlags) {
  VmFlags flags;
  flags.name = "gpu-vm";
  flags.devices = {"gpu", "vic"};
  flags.clocks = {"uarta=vote"};
  flags.resets = {"100=exclusive"};
  flags.peer_unit = "microvm@gpu-vm.service";
  flags.hide_ids = true;
  flags.audit_only = true;
  const v1::VmConfig config = MakeVmConfig(flags, "").value();
  EXPECT_EQ(
      config.ShortDebugString(),
      "name: \"gpu-vm\" peer { unit: \"microvm@gpu-vm.service\" } devices { device: \"gpu\" } "
      "devices { device: \"vic\" } clocks { name: \"uarta\" access: ACCESS_VOTE } "
      "resets { name: \"100\" access: ACCESS_EXCLUSIVE } ids: HIDDEN audit_only: true");
}

TEST(MakeVmConfig, AddsFlagsToJson) {
  VmFlags flags;
  flags.name = "other-vm";
  flags.devices = {"vic"};
  const v1::VmConfig config =
      MakeVmConfig(flags, R"({"name": "gpu-vm", "devices": [{"device": "gpu"}]})").value();
  EXPECT_EQ(config.ShortDebugString(),
            "name: \"other-vm\" devices { device: \"gpu\" } devices { device: \"vic\" }");
}

TEST(MakeVmConfig, RefusesWhatItCantRead) {
  VmFlags flags;
  EXPECT_THAT(MakeVmConfig(flags, "").status().message(), HasSubstr("has no name"));
  EXPECT_FALSE(MakeVmConfig(flags, "{").ok());
  EXPECT_FALSE(MakeVmConfig(flags, R"({"name": "a", "devises": []})").ok());
  flags.name = "a";
  for (const char* entry : {"uarta", "=vote", "uarta=", "uarta=all"}) {
    flags.clocks = {entry};
    EXPECT_FALSE(MakeVmConfig(flags, "").ok()) << entry;
  }
}

TEST(FileOf, TellsNamesFromFiles) {
  VmFlags flags;
  for (const char* file : {"-", "./gpu-vm", "gpu-vm.json", "/etc/x"}) {
    flags.name = file;
    EXPECT_EQ(FileOf(flags).value(), file);
  }
  flags.name = "gpu-vm";
  EXPECT_EQ(FileOf(flags).value(), "");
  flags.file = "x";
  EXPECT_EQ(FileOf(flags).value(), "x");
  flags.name = "-";
  EXPECT_FALSE(FileOf(flags).ok());
}

TEST(ToJson, HasProtoNamesAndDefaults) {
  v1::VmConfig config;
  config.set_certificate_name("a\nb");
  const std::string json = ToJson(config, JsonLayout::kOneLine);
  EXPECT_THAT(json, HasSubstr(R"("certificate_name":"a\nb")"));
  EXPECT_THAT(json, HasSubstr(R"("name":"")"));
  EXPECT_EQ(json.find('\n'), json.size() - 1);
  EXPECT_THAT(ToJson(config, JsonLayout::kIndented), HasSubstr("\n \"certificate_name\""));
}

TEST(DidYouMean, EndsTheSentence) {
  const std::vector<std::string> names = {"uarta", "vic"};
  EXPECT_EQ(DidYouMean("uatra", names), "; did you mean uarta?");
  EXPECT_EQ(DidYouMean("mgbe0", names), ".");
}

}  // namespace
}  // namespace bpmp::ctl
