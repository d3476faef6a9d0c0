// SPDX-License-Identifier: Apache-2.0
// The registers of the guest's window, as a guest finds them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "broker/mrq/codec.h"
#include "tests/component/guest_requests.h"
#include "tests/qemu/qemu_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::Each;

class WindowTest : public QemuTest {
 protected:
  void SetUp() override {
    QemuTest::SetUp();
    if (IsSkipped()) return;
    qemu_ = Start("a");
    ASSERT_TRUE(qemu_->Started()) << qemu_->Output();
    window_ = std::make_unique<Window>(qemu_.get());
    // What the client says of the machine's first reset is over when the first answer is there.
    window_->Ask(0, {}, 0);
    before_ = broker_.sessions().Find(broker_.vm("a"))->requests;
  }
  // How many the guest has asked since.
  uint64_t Asked() { return Requests("a") - before_; }

  std::unique_ptr<QemuProcess> qemu_;
  std::unique_ptr<Window> window_;
  uint64_t before_ = 0;
};

bool IsReadOnly(uint64_t at) { return at >= window::kTstat && at < window::kTstat + 12; }

TEST_P(WindowTest, EveryWidthAtEveryOffset) {
  // What a guest stores is there, little-endian, by whichever widths it is stored and loaded.
  std::vector<uint8_t> model(window::kEnd, 0);
  for (int i = 0; i < 4; ++i) {
    model[window::kId + i] = static_cast<uint8_t>(window::kMagic >> (8 * i));
  }
  uint8_t next = 1;
  for (const int size : {1, 2, 4, 8}) {
    std::vector<std::string> commands;
    const char* const suffix = size == 1 ? "b" : size == 2 ? "w" : size == 4 ? "l" : "q";
    for (uint64_t at = 0; at + size <= window::kEnd; at += size) {
      if (at <= window::kMrq && at + size > window::kMrq && size >= 4) continue;  // would ring
      uint64_t value = 0;
      for (int i = 0; i < size; ++i) {
        const uint8_t byte = next++;
        value |= uint64_t{byte} << (8 * i);
        const bool doorbell = at < window::kMrq + 4 && at + size > window::kMrq;
        if (!IsReadOnly(at + i) && !doorbell) model[at + i] = byte;
      }
      commands.push_back(
          absl::StrFormat("write%s 0x%x 0x%x", suffix, window_->address() + at, value));
    }
    qemu_->Batch(commands);
    for (const int width : {1, 2, 4, 8}) {
      for (uint64_t at = 0; at + width <= window::kEnd; at += width) {
        uint64_t expected = 0;
        for (int i = 0; i < width; ++i) expected |= uint64_t{model[at + i]} << (8 * i);
        ASSERT_EQ(window_->Read(at, width), expected)
            << absl::StrFormat("%d bytes at 0x%x", width, at);
      }
    }
  }
  EXPECT_EQ(Asked(), 0U);
}

TEST_P(WindowTest, BeyondTheWindowThereIsNothing) {
  window_->Write(0x600, ~uint64_t{0}, 8);
  window_->Write(0xff8, ~uint64_t{0}, 8);
  window_->Write(0x5fc, ~uint64_t{0}, 8);  // over its end
  EXPECT_EQ(window_->Read(0x600, 8), 0U);
  EXPECT_EQ(window_->Read(0xff8, 8), 0U);
  EXPECT_EQ(window_->Read(0x5fc, 4), 0U);
}

TEST_P(WindowTest, OnlyAWholeStoreAtTheDoorbellRings) {
  window_->Write(window::kTxSize, 4, 8);
  window_->Write(window::kRxSize, 4, 8);
  window_->Write(window::kMrq, 0, 1);
  window_->Write(window::kMrq, 0, 2);
  window_->Write(window::kMrq + 2, 0, 2);
  window_->Write(window::kMrq + 3, 0, 1);
  window_->Write(window::kMrq - 4, 0, 8);
  window_->Write(window::kMrq - 2, 0, 4);
  window_->Write(window::kMrq + 2, 0, 4);
  window_->Write(window::kMrq + 3, 0, 8);
  EXPECT_EQ(Asked(), 0U);
  window_->Write(window::kMrq, 0, 4);
  EXPECT_EQ(Asked(), 1U);
  window_->Write(window::kMrq, 0, 8);
  EXPECT_EQ(Asked(), 2U);
}

TEST_P(WindowTest, TheDevicesOwnRegistersCantBeStored) {
  window_->Ask(GetRate(kUarta));
  const uint64_t before = window_->Read(window::kId, 8);
  window_->Write(window::kTstat, 0x11111111, 4);
  window_->Write(window::kId, 0x2222222233333333, 8);
  window_->Write(window::kRet, 0x4444444455555555, 8);
  EXPECT_EQ(window_->Read(window::kId, 4), window::kMagic);
  EXPECT_EQ(window_->Read(window::kId, 8), before);
  EXPECT_EQ(window_->Read(window::kTstat, 4), 0U);
  EXPECT_EQ(window_->Read(window::kRet, 4), 0x55555555U);
}

TEST_P(WindowTest, ARequestIsAnswered) {
  const WindowAnswer info = window_->Ask(Clk(mrq::ClkCmd::kGetAllInfo, kUarta));
  EXPECT_EQ(info.ret, 0);
  EXPECT_EQ(info.tstat, 0);
  EXPECT_EQ(info.answered, mrq::kPayloadSize);
  const std::string name(reinterpret_cast<const char*>(info.rx.data()) + 73);
  EXPECT_EQ(name, "uarta");

  EXPECT_EQ(window_->Ask(Enable(kUarta)).ret, 0);
  EXPECT_TRUE(broker_.Holds("a", kUarta));
  EXPECT_EQ(window_->Ask(Disable(kUarta)).ret, 0);
  EXPECT_FALSE(broker_.Holds("a", kUarta));
}

TEST_P(WindowTest, TheKnownProxysWholeCopiesWork) {
  const std::vector<uint8_t> loaded =
      window_->CopyWhole(Clk(mrq::ClkCmd::kGetAllInfo, kUarta), 113);
  ASSERT_EQ(loaded.size(), window::kEnd);
  EXPECT_EQ(Asked(), 1U);
  EXPECT_THAT(std::vector<uint8_t>(loaded.begin() + window::kRet, loaded.begin() + window::kId),
              Each(0));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(loaded.data()) + window::kRx + 73), "uarta");
  EXPECT_EQ(loaded[window::kAnswered], 113);
  EXPECT_THAT(
      std::vector<uint8_t>(loaded.begin() + window::kRx + 113, loaded.begin() + window::kTxSize),
      Each(0));
  // What was stored after the doorbell is there too.
  EXPECT_EQ(loaded[window::kEnd - 1], 0xa5);
}

TEST_P(WindowTest, ARefusalLeavesAnErrorAndZeroes) {
  ASSERT_EQ(window_->Ask(Clk(mrq::ClkCmd::kGetAllInfo, kUarta)).ret, 0);  // something to be stale
  const WindowAnswer refused = window_->Ask(Enable(kVic));                // b's
  EXPECT_EQ(refused.ret, -13);
  EXPECT_EQ(refused.tstat, 0);
  EXPECT_EQ(refused.answered, 0U);
  EXPECT_THAT(refused.rx, Each(0));
}

TEST_P(WindowTest, HostileSizesAreRefusedAndNothingIsSent) {
  for (const auto& [tx_size, rx_size] :
       std::vector<std::pair<uint64_t, uint64_t>>{{0xffffffff, 8},
                                                  {~uint64_t{0}, ~uint64_t{0}},
                                                  {121, 8},
                                                  {8, 121},
                                                  {8, 0x201},
                                                  {uint64_t{1} << 63, 0}}) {
    ASSERT_EQ(window_->Ask(Clk(mrq::ClkCmd::kGetAllInfo, kUarta)).ret, 0);
    const uint64_t before = Asked();
    window_->Write(window::kTxSize, tx_size, 8);
    window_->Write(window::kRxSize, rx_size, 8);
    const WindowAnswer answer = window_->Ring(22);
    EXPECT_EQ(answer.ret, -5) << tx_size << " " << rx_size;
    EXPECT_EQ(answer.tstat, -22);
    EXPECT_EQ(answer.answered, 0U);
    EXPECT_THAT(answer.rx, Each(0));
    EXPECT_EQ(Asked(), before);
  }
}

TEST_P(WindowTest, EmptyRequestsGoToTheBroker) {
  const WindowAnswer answer = window_->Ask(22, {}, 0);
  EXPECT_EQ(answer.ret, -22);  // the broker's: too short for a CLK request
  EXPECT_EQ(answer.tstat, 0);
  EXPECT_EQ(Asked(), 1U);
}

BPMP_FOR_EACH_QEMU(WindowTest);

}  // namespace
}  // namespace bpmp::testing
