// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/record/record_backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "broker/backend/record/fake_trace_file.h"
#include "broker/backend/sim/sim_backend.h"
#include "broker/base/fake_clock.h"
#include "broker/trace/reader.h"
#include "broker/trace/trace_in_test.h"

namespace bpmp::backend::record {
namespace {

using trace::ClkInTest;

// One microsecond for each look at the time.
class TickingClock final : public Clock {
 public:
  absl::Time Now() const override { return now_ += absl::Microseconds(1); }

 private:
  mutable absl::Time now_ = absl::UnixEpoch();
};

class RecordBackendTest : public ::testing::Test {
 protected:
  static std::unique_ptr<sim::SimBackend> MakeSim() {
    sim::SimOptions options;
    options.faults = {*sim::ParseFault("CLK DISABLE lost"), *sim::ParseFault("RESET unavailable")};
    return std::make_unique<sim::SimBackend>(std::move(options));
  }

  // What stands in the trace, once it is complete.
  std::vector<trace::Transfer> Recorded() {
    backend_.recorder().Stop();
    std::vector<trace::Transfer> transfers;
    const std::string bytes = disk_.bytes();
    auto reader = trace::Reader::OverBytes(bytes);
    EXPECT_TRUE(reader.ok()) << reader.status();
    for (auto record = reader->Next(); record.ok() && *record; record = reader->Next()) {
      if (auto* transfer = std::get_if<trace::Transfer>(&**record)) {
        transfers.push_back(*transfer);
        names_.push_back(reader->NameOf(transfer->vm));
      }
    }
    EXPECT_TRUE(reader->end());
    return transfers;
  }

  FakeDisk disk_;
  TickingClock clock_;
  std::unique_ptr<sim::SimBackend> made_ = MakeSim();
  sim::SimBackend* const sim_ = made_.get();
  RecordBackend backend_{std::move(made_), &clock_, trace::StartInTest(), {}};
  std::vector<std::string> names_;
};

TEST_F(RecordBackendTest, WhatTheFirmwareSaysPassesThroughAndIsNotRecorded) {
  class Listener final : public core::InboundListener {
   public:
    void OnInbound(uint32_t mrq, absl::Span<const uint8_t> /*data*/) override {
      mrqs.push_back(mrq);
    }
    std::vector<uint32_t> mrqs;
  } listener;
  backend_.Listen(&listener);
  sim_->Say(27, {});
  backend_.Listen(nullptr);
  sim_->Say(27, {});
  EXPECT_THAT(listener.mrqs, ::testing::ElementsAre(27));
  backend_.recorder().Begin(disk_.NewFile());
  EXPECT_TRUE(Recorded().empty());
}

TEST_F(RecordBackendTest, EveryCallIsRecordedAsItEnded) {
  backend_.SetVmNames([](VmId vm) { return vm == VmId(1) ? "net-vm" : "?"; });
  // Before it begins to write, as when the firmware is read out.
  const mrq::Request rate = ClkInTest(mrq::ClkCmd::kGetRate, 155);
  const auto answer = backend_.Transfer(rate, absl::InfiniteFuture());
  backend_.recorder().Begin(disk_.NewFile());
  const mrq::Request enable = ClkInTest(mrq::ClkCmd::kEnable, 155);
  const auto enabled = backend_.TransferFor(VmId(1), enable, absl::InfiniteFuture());
  const mrq::Request disable = ClkInTest(mrq::ClkCmd::kDisable, 155);
  const auto lost = backend_.TransferFor(VmId(1), disable, absl::InfiniteFuture());
  const mrq::Request reset = mrq::ResetRequest{mrq::ResetCmd::kAssert, ResetId(100)};
  const auto failed = backend_.TransferFor(VmId(1), reset, absl::InfiniteFuture());
  ASSERT_TRUE(answer.ok() && enabled.ok() && !lost.ok() && !failed.ok());

  const std::vector<trace::Transfer> recorded = Recorded();
  ASSERT_EQ(recorded.size(), 4u);
  EXPECT_EQ(names_, (std::vector<std::string>{"host", "net-vm", "net-vm", "net-vm"}));
  EXPECT_EQ(trace::Describe(recorded[0]), "CLK GET_RATE clock 155");
  EXPECT_EQ(recorded[0].response, *answer);
  EXPECT_EQ(trace::Describe(recorded[1]), "CLK ENABLE clock 155");
  EXPECT_EQ(recorded[1].response, *enabled);
  EXPECT_EQ(recorded[2].status, lost.status());
  EXPECT_EQ(recorded[3].status, failed.status());
  // The first look was at its making.
  EXPECT_EQ(recorded[0].at, absl::Microseconds(1));
  EXPECT_EQ(recorded[1].at, absl::Microseconds(3));
  EXPECT_EQ(recorded[1].took, absl::Microseconds(1));
}

TEST_F(RecordBackendTest, AFullDiskFailsNoCall) {
  disk_.Fill(true);
  backend_.recorder().Begin(disk_.NewFile());
  const mrq::Request enable = ClkInTest(mrq::ClkCmd::kEnable, 155);
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(backend_.TransferFor(VmId(1), enable, absl::InfiniteFuture()).ok());
  }
  backend_.recorder().Stop();
  EXPECT_EQ(backend_.recorder().stats().missing, 100u);
}

TEST_F(RecordBackendTest, ShutdownIsTheOthers) {
  backend_.Shutdown();
  EXPECT_FALSE(backend_.Transfer(mrq::PingRequest{}, absl::InfiniteFuture()).ok());
}

}  // namespace
}  // namespace bpmp::backend::record
