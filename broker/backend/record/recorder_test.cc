// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/record/recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "broker/backend/record/fake_trace_file.h"
#include "broker/trace/reader.h"
#include "broker/trace/trace_in_test.h"

namespace bpmp::backend::record {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using trace::StartInTest;

trace::Transfer Ping(uint32_t challenge, uint32_t vm = 1) {
  return trace::TransferInTest(vm, mrq::PingRequest{false, challenge}, mrq::OkU32(challenge * 2));
}

// The records of a trace in short: "net-vm 5" for a PING of 5, "-3" where three are missing, "full"
// and "stopped" for the end.
std::vector<std::string> Short(const std::string& bytes) {
  std::vector<std::string> texts;
  auto reader = trace::Reader::OverBytes(bytes);
  EXPECT_TRUE(reader.ok()) << reader.status();
  while (reader.ok()) {
    const auto record = reader->Next();
    EXPECT_TRUE(record.ok()) << record.status();
    if (!record.ok() || !*record) break;
    if (const auto* transfer = std::get_if<trace::Transfer>(&**record)) {
      texts.push_back(reader->NameOf(transfer->vm) + " " +
                      std::to_string(static_cast<uint8_t>(transfer->tx[0])));
    } else if (const auto* dropped = std::get_if<trace::Dropped>(&**record)) {
      texts.push_back("-" + std::to_string(dropped->count));
    } else if (const auto* end = std::get_if<trace::End>(&**record)) {
      texts.emplace_back(end->why == trace::End::Why::kFull ? "full" : "stopped");
    }
  }
  return texts;
}

class RecorderTest : public ::testing::Test {
 protected:
  RecorderOptions Options() {
    RecorderOptions options;
    options.name = "t";
    options.on_notice = [this](const Notice& notice) {
      MutexLock lock(&mutex_);
      notices_.push_back((notice.bad ? "bad: " : "") + notice.text);
      said_.SignalAll();
    };
    return options;
  }
  void WaitForNotices(size_t count) {
    MutexLock lock(&mutex_);
    while (notices_.size() < count) said_.Wait(&mutex_);
  }
  std::vector<std::string> notices() {
    MutexLock lock(&mutex_);
    return notices_;
  }

  FakeDisk disk_;
  Mutex mutex_;
  CondVar said_;
  std::vector<std::string> notices_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(RecorderTest, WritesWhatItIsGivenFromTheBeginning) {
  Recorder recorder(StartInTest(), Options());
  recorder.Add(Ping(1, 0));
  EXPECT_EQ(disk_.bytes(), "");
  recorder.Begin(disk_.NewFile());
  recorder.Name(VmId(1), "net-vm");
  recorder.Add(Ping(2));
  recorder.Add(Ping(3));
  recorder.Stop();
  EXPECT_THAT(Short(disk_.bytes()), ElementsAre("host 1", "net-vm 2", "net-vm 3", "stopped"));
  const Recorder::Stats expected = {3, 0, disk_.bytes().size()};
  EXPECT_EQ(recorder.stats(), expected);
  EXPECT_THAT(notices(),
              ElementsAre("trace t: ends with 3 transfers in " +
                          std::to_string(disk_.bytes().size()) + " bytes; 0 are missing"));
}

TEST_F(RecorderTest, ANameIsWrittenOnce) {
  Recorder recorder(StartInTest(), Options());
  recorder.Begin(disk_.NewFile());
  for (uint32_t vm = 1; vm <= 3; ++vm) {
    recorder.Name(VmId(vm), "vm-" + std::to_string(vm));
    recorder.Add(Ping(vm, vm));
  }
  recorder.Stop();
  EXPECT_THAT(Short(disk_.bytes()), ElementsAre("vm-1 1", "vm-2 2", "vm-3 3", "stopped"));
  const std::string bytes = disk_.bytes();
  EXPECT_EQ(bytes.find("vm-1"), bytes.rfind("vm-1"));
}

TEST_F(RecorderTest, WithoutAFileNothingIsWrittenOrSaid) {
  Recorder recorder(StartInTest(), Options());
  recorder.Add(Ping(1));
  recorder.Stop();
  recorder.Add(Ping(2));
  EXPECT_EQ(disk_.bytes(), "");
  EXPECT_THAT(notices(), ElementsAre());
}

TEST_F(RecorderTest, WhatWasWrittenIsThereAtOnceAndReadable) {
  Recorder recorder(StartInTest(), Options());
  recorder.Begin(disk_.NewFile());
  recorder.Add(Ping(1));
  disk_.WaitForEnded(1);
  EXPECT_THAT(Short(disk_.bytes()), ElementsAre("vm 1 1"));
}

TEST_F(RecorderTest, AFullDiskIsSaidOnceAndWhatIsMissingStandsInTheTrace) {
  Recorder recorder(StartInTest(), Options());
  recorder.Begin(disk_.NewFile());
  recorder.Name(VmId(1), "net-vm");
  recorder.Add(Ping(1));
  disk_.WaitForEnded(1);
  disk_.Fill(true);
  recorder.Add(Ping(2));
  disk_.WaitForEnded(2);
  recorder.Add(Ping(3));
  disk_.WaitForEnded(3);
  disk_.Fill(false);
  recorder.Add(Ping(4));
  recorder.Stop();
  EXPECT_THAT(Short(disk_.bytes()), ElementsAre("net-vm 1", "-2", "net-vm 4", "stopped"));
  EXPECT_EQ(recorder.stats().missing, 2u);
  EXPECT_THAT(notices(),
              ElementsAre("bad: trace t: can't write: the disk is full; until that works again, "
                          "transfers are missing in it",
                          "trace t: is written again; 2 transfers are missing in it",
                          HasSubstr("2 are missing")));
}

TEST_F(RecorderTest, ADiskThatWasFullFromTheStartStillGetsATrace) {
  disk_.Fill(true);
  Recorder recorder(StartInTest(), Options());
  recorder.Begin(disk_.NewFile());
  recorder.Name(VmId(1), "net-vm");
  recorder.Add(Ping(1));
  disk_.WaitForEnded(1);
  disk_.Fill(false);
  recorder.Add(Ping(2));
  recorder.Stop();
  EXPECT_THAT(Short(disk_.bytes()), ElementsAre("-1", "net-vm 2", "stopped"));
}

TEST_F(RecorderTest, ADiskThatHangsHoldsUpNobody) {
  RecorderOptions options = Options();
  options.queue_bytes = 200;  // room for a few
  Recorder recorder(StartInTest(), std::move(options));
  disk_.Hang(true);
  recorder.Begin(disk_.NewFile());
  recorder.Add(Ping(1));
  disk_.WaitForBegun(1);
  for (uint32_t i = 0; i < 100; ++i) recorder.Add(Ping(2));
  const uint64_t missing = recorder.stats().missing;
  EXPECT_GT(missing, 80u);
  disk_.Hang(false);
  disk_.WaitForEnded(2);
  recorder.Add(Ping(3));
  recorder.Stop();
  const std::vector<std::string> records = Short(disk_.bytes());
  EXPECT_EQ(records.front(), "vm 1 1");
  EXPECT_EQ(records[1], "vm 1 2");
  EXPECT_EQ(records[records.size() - 3], "-" + std::to_string(missing));
  EXPECT_EQ(records[records.size() - 2], "vm 1 3");
  EXPECT_EQ(recorder.stats().recorded + recorder.stats().missing, 102u);
  EXPECT_THAT(notices(), ElementsAre(StartsWith("bad: trace t: can't be written as fast as"),
                                     HasSubstr(" are missing")));
}

TEST_F(RecorderTest, TheFileNeverGrowsBeyondItsLimitAndSaysSo) {
  RecorderOptions options = Options();
  options.max_bytes = 4096;
  Recorder recorder(StartInTest(), std::move(options));
  recorder.Begin(disk_.NewFile());
  for (uint32_t i = 0; i < 1000; ++i) recorder.Add(Ping(7));
  recorder.Stop();
  EXPECT_LE(disk_.bytes().size(), 4096u);
  EXPECT_GT(disk_.bytes().size(), 4000u);
  const std::vector<std::string> records = Short(disk_.bytes());
  EXPECT_EQ(records.back(), "full");
  EXPECT_EQ(recorder.stats().recorded, records.size() - 1);
  EXPECT_EQ(recorder.stats().missing, 1000 - recorder.stats().recorded);
  EXPECT_THAT(notices(), ElementsAre("bad: trace t: has reached its limit of 4096 bytes; what "
                                     "follows isn't recorded",
                                     HasSubstr(" are missing")));
}

TEST_F(RecorderTest, ALimitThatWasReachedOnAFullDiskIsReachedAgain) {
  RecorderOptions options = Options();
  options.max_bytes = 4096;
  Recorder recorder(StartInTest(), std::move(options));
  disk_.Fill(true);
  recorder.Begin(disk_.NewFile());
  for (uint32_t i = 0; i < 200; ++i) recorder.Add(Ping(7));
  WaitForNotices(1);
  disk_.Fill(false);
  for (uint32_t i = 0; i < 1000; ++i) recorder.Add(Ping(8));
  recorder.Stop();
  EXPECT_LE(disk_.bytes().size(), 4096u);
  EXPECT_EQ(Short(disk_.bytes()).back(), "full");
  EXPECT_EQ(recorder.stats().recorded + recorder.stats().missing, 1200u);
}

}  // namespace
}  // namespace bpmp::backend::record
