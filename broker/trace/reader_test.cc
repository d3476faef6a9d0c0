// SPDX-License-Identifier: Apache-2.0
#include "broker/trace/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <variant>
#include <vector>

#include "broker/trace/trace_in_test.h"

namespace bpmp::trace {
namespace {

using ::testing::HasSubstr;

const Transfer kPing = TransferInTest(1, mrq::PingRequest{false, 1}, mrq::OkU32(2));

// All records, and how it ended.
absl::StatusOr<std::vector<Record>> ReadAll(Reader* reader) {
  std::vector<Record> records;
  while (true) {
    auto record = reader->Next();
    if (!record.ok()) return record.status();
    if (!*record) return records;
    records.push_back(**std::move(record));
  }
}

TEST(TraceReaderTest, ReadsAWholeTrace) {
  const std::string bytes = TraceOf(
      {VmName{VmId(1), "net-vm"}, kPing, Dropped{3}, kPing, Dropped{4}, End{End::Why::kFull}});
  auto reader = Reader::OverBytes(bytes);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_TRUE(reader->start() == StartInTest());
  EXPECT_EQ(reader->NameOf(VmId(1)), "vm 1");
  const auto records = ReadAll(&*reader);
  ASSERT_TRUE(records.ok()) << records.status();
  ASSERT_EQ(records->size(), 6u);
  EXPECT_TRUE(std::get<Transfer>((*records)[1]) == kPing);
  EXPECT_EQ(reader->NameOf(VmId(1)), "net-vm");
  EXPECT_EQ(reader->NameOf(kHost), "host");
  EXPECT_EQ(reader->dropped(), 7u);
  EXPECT_EQ(reader->bytes(), bytes.size());
  EXPECT_EQ(reader->torn(), 0u);
  ASSERT_TRUE(reader->end());
  EXPECT_EQ(reader->end()->why, End::Why::kFull);
}

TEST(TraceReaderTest, AnEmptyNameIsNone) {
  const std::string bytes = TraceOf({VmName{VmId(1), ""}, kPing});
  auto reader = Reader::OverBytes(bytes);
  ASSERT_TRUE(reader.ok()) << reader.status();
  ASSERT_TRUE(ReadAll(&*reader).ok());
  EXPECT_EQ(reader->NameOf(VmId(1)), "vm 1");
}

TEST(TraceReaderTest, ATornTailIsTheEnd) {
  const std::string whole = TraceOf({kPing});
  const std::string bytes = TraceOf({kPing, kPing});
  for (size_t size = whole.size(); size < bytes.size(); ++size) {
    auto reader = Reader::OverBytes(std::string_view(bytes).substr(0, size));
    ASSERT_TRUE(reader.ok()) << reader.status();
    const auto records = ReadAll(&*reader);
    ASSERT_TRUE(records.ok()) << records.status();
    EXPECT_EQ(records->size(), 1u);
    EXPECT_EQ(reader->torn(), size - whole.size());
    EXPECT_FALSE(reader->end());
  }
}

TEST(TraceReaderTest, DamageIsSaidWithItsPlaceAndStays) {
  const std::string bytes = TraceOf({kPing}) + std::string(100, '\0');
  auto reader = Reader::OverBytes(bytes);
  ASSERT_TRUE(reader.ok());
  EXPECT_TRUE(reader->Next().ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(reader->Next().status().message(), "memory is damaged at byte " +
                                                     std::to_string(TraceOf({kPing}).size()) +
                                                     ": there is no kind 0 of record");
  }
}

TEST(TraceReaderTest, WhatIsNoTraceIsSaid) {
  const auto why = [](const std::string& bytes) {
    const auto reader = Reader::OverBytes(bytes);
    EXPECT_EQ(reader.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(reader.status().message());
  };
  EXPECT_THAT(why(""), HasSubstr("is no trace of a bpmp-broker"));
  EXPECT_THAT(why("BPMPTRC"), HasSubstr("is no trace of a bpmp-broker"));
  EXPECT_THAT(why("\x7f"
                  "ELF and so on"),
              HasSubstr("is no trace of a bpmp-broker"));
  EXPECT_THAT(why("BPMPTRC\x02"), HasSubstr("of version 2, and this program reads version 1"));
  EXPECT_THAT(why(std::string(kMagic)), HasSubstr("doesn't begin with who wrote it"));
  std::string no_start(kMagic);
  Encode(kPing, &no_start);
  EXPECT_THAT(why(no_start), HasSubstr("doesn't begin with who wrote it"));
}

TEST(TraceReaderTest, NothingFollowsTheEndAndNothingBeginsAgain) {
  const auto why = [](const std::string& bytes) {
    auto reader = Reader::OverBytes(bytes);
    EXPECT_TRUE(reader.ok());
    return std::string(ReadAll(&*reader).status().message());
  };
  EXPECT_THAT(why(TraceOf({End(), kPing})), HasSubstr("something follows the end"));
  EXPECT_THAT(why(TraceOf({End()}) + "\x04"), HasSubstr("something follows the end"));
  EXPECT_THAT(why(TraceOf({StartInTest()})), HasSubstr("begins a second time"));
}

TEST(TraceReaderTest, ReadsFilesOfAnyLength) {
  std::string name = "/tmp/bpmp-trace-XXXXXX";
  close(mkstemp(name.data()));
  std::vector<Record> records(10'000, kPing);
  std::ofstream(name) << TraceOf(records);
  auto reader = Reader::Open(name);
  ASSERT_TRUE(reader.ok()) << reader.status();
  const auto read = ReadAll(&*reader);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->size(), records.size());
  unlink(name.c_str());
}

TEST(TraceReaderTest, WhatCantBeOpenedIsSaid) {
  EXPECT_EQ(Reader::Open("/nowhere/run.trace").status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(Reader::Open("/tmp").status().message()),
              HasSubstr("/tmp is no regular file"));
  std::string name = "/tmp/bpmp-trace-XXXXXX";
  const std::string directory = mkdtemp(name.data());
  const std::string pipe = directory + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(std::string(Reader::Open(pipe).status().message()), HasSubstr("no regular file"));
  unlink(pipe.c_str());
  rmdir(directory.c_str());
}

}  // namespace
}  // namespace bpmp::trace
