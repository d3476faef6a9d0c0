// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/backend/sim/replay_backend.h"
#include "broker/trace/trace_in_test.h"

namespace bpmp::backend::sim {
namespace {

using trace::ClkInTest;
using trace::TransferInTest;

const mrq::Request kGetRate = ClkInTest(mrq::ClkCmd::kGetRate, 155);
const mrq::Request kEnable = ClkInTest(mrq::ClkCmd::kEnable, 155);

Replay Load(const std::vector<trace::Record>& records) {
  const std::string bytes = trace::TraceOf(records);
  auto reader = trace::Reader::OverBytes(bytes);
  EXPECT_TRUE(reader.ok()) << reader.status();
  auto replay = Replay::Load(&*reader);
  EXPECT_TRUE(replay.ok()) << replay.status();
  return *std::move(replay);
}

TEST(ReplayTest, EachRequestIsAnsweredInTheTracesOrder) {
  Replay replay = Load({TransferInTest(0, kGetRate, mrq::OkRate(1)),
                        TransferInTest(1, kEnable, mrq::Fail(mrq::Error::kBusy)),
                        TransferInTest(1, kGetRate, mrq::OkRate(1)),
                        TransferInTest(2, kGetRate, mrq::OkRate(2)), TransferInTest(1, kEnable),
                        TransferInTest(2, kGetRate, mrq::OkRate(1))});
  EXPECT_EQ(replay.stats().left, 6u);
  EXPECT_EQ(*replay.Answer(kEnable), mrq::Fail(mrq::Error::kBusy));
  EXPECT_EQ(*replay.Answer(kGetRate), mrq::OkRate(1));
  EXPECT_EQ(*replay.Answer(kGetRate), mrq::OkRate(1));
  EXPECT_EQ(*replay.Answer(kEnable), mrq::Ok());
  EXPECT_EQ(*replay.Answer(kGetRate), mrq::OkRate(2));
  EXPECT_EQ(*replay.Answer(kGetRate), mrq::OkRate(1));
  const Replay::Stats all = {6, 0, 0, 0};
  EXPECT_EQ(replay.stats(), all);
}

TEST(ReplayTest, AskedMoreOftenTheLastAnswerHolds) {
  Replay replay = Load(
      {TransferInTest(0, kGetRate, mrq::OkRate(1)), TransferInTest(0, kGetRate, mrq::OkRate(2))});
  EXPECT_EQ(*replay.Answer(kGetRate), mrq::OkRate(1));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(*replay.Answer(kGetRate), mrq::OkRate(2));
  const Replay::Stats expected = {2, 2, 0, 0};
  EXPECT_EQ(replay.stats(), expected);
}

TEST(ReplayTest, WhatTheTraceNeverAskedHasNoAnswer) {
  Replay replay = Load({TransferInTest(0, kGetRate, mrq::OkRate(1))});
  const auto answer = replay.Answer(ClkInTest(mrq::ClkCmd::kGetRate, 156));
  EXPECT_EQ(answer.status(),
            absl::UnavailableError("the trace has no answer to CLK GET_RATE clock 156"));
  // Other bytes are another request.
  EXPECT_FALSE(replay.Answer(ClkInTest(mrq::ClkCmd::kSetRate, 155, 1)).ok());
  const Replay::Stats expected = {0, 0, 2, 1};
  EXPECT_EQ(replay.stats(), expected);
}

TEST(ReplayTest, TheTransportFailsAsItDid) {
  trace::Transfer lost = TransferInTest(1, kEnable);
  lost.response = {};
  lost.status = absl::DeadlineExceededError("no answer");
  Replay replay = Load({lost, TransferInTest(1, kEnable)});
  EXPECT_EQ(replay.Answer(kEnable).status(), lost.status);
  EXPECT_TRUE(replay.Answer(kEnable).ok());
}

TEST(ReplayTest, ADamagedTraceIsNotReplayed) {
  const std::string bytes = trace::TraceOf({TransferInTest(0, kGetRate)}) + std::string(2, '\0');
  auto reader = trace::Reader::OverBytes(bytes);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(Replay::Load(&*reader).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ReplayBackendTest, SaysWhatTheTraceDoesntHaveButNotForEver) {
  std::vector<std::string> said;
  ReplayBackend backend(
      Load({TransferInTest(0, kGetRate, mrq::OkRate(1))}),
      [&said](bool bad, const std::string& text) { said.push_back((bad ? "bad: " : "") + text); });
  EXPECT_EQ(*backend.Transfer(kGetRate, absl::InfiniteFuture()), mrq::OkRate(1));
  for (uint64_t i = 0; i < 2 * ReplayBackend::kMaxSaid; ++i) {
    EXPECT_FALSE(backend.Transfer(kEnable, absl::InfiniteFuture()).ok());
  }
  EXPECT_EQ(said.size(), ReplayBackend::kMaxSaid);
  EXPECT_EQ(said[0], "bad: the trace has no answer to CLK ENABLE clock 155");
  EXPECT_EQ(backend.stats().unknown, 2 * ReplayBackend::kMaxSaid);
  backend.Shutdown();
  EXPECT_EQ(
      said.back(),
      "replayed 1 answers in the trace's order and 0 again; 40 requests are not in the trace, "
      "0 of its answers were not asked for");
  EXPECT_FALSE(backend.Transfer(kGetRate, absl::InfiniteFuture()).ok());
}

}  // namespace
}  // namespace bpmp::backend::sim
