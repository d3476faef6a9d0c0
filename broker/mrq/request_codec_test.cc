// SPDX-License-Identifier: Apache-2.0
// The bytes themselves are tested by tests/conformance; here is what holds for all of them.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "broker/mrq/codec.h"
#include "broker/mrq/commands.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::mrq {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;

using Bytes = std::vector<uint8_t>;

uint32_t Code(Mrq mrq) { return static_cast<uint32_t>(mrq); }

constexpr Mrq kAllMrqs[] = {
    Mrq::kPing,     Mrq::kThreadedPing,  Mrq::kReset,      Mrq::kClk,
    Mrq::kQueryAbi, Mrq::kThermal,       Mrq::kPg,         Mrq::kEmcDvfsLatency,
    Mrq::kUphy,     Mrq::kCpuNdivLimits, Mrq::kQueryFwTag,
};

// A request of `size` bytes for a command, zero but for the command.
Bytes RequestOf(const MrqSpec& spec, uint32_t command, size_t size) {
  Bytes tx(std::max<size_t>(size, 8));
  for (size_t i = 0; i < spec.command_width; ++i) {
    tx[spec.command_offset + i] = static_cast<uint8_t>(command >> (8 * i));
  }
  tx.resize(size);
  return tx;
}

// Every command of every MRQ at every length: accepted from its minimum to a full frame, otherwise
// refused as InvalidArgument.
TEST(RequestCodecTest, EveryCommandIsAcceptedFromItsMinimumToAFullFrame) {
  for (const Mrq mrq : kAllMrqs) {
    const MrqSpec* spec = FindMrq(Code(mrq));
    ASSERT_NE(spec, nullptr) << Code(mrq);
    for (const CommandSpec& command : spec->commands) {
      for (size_t size = 0; size <= kPayloadSize + 2; ++size) {
        const auto decoded = DecodeRequest(Code(mrq), RequestOf(*spec, command.command, size));
        const bool fits = size >= command.min_tx && size <= kPayloadSize;
        ASSERT_EQ(decoded.ok(), fits) << MrqName(Code(mrq)) << " " << command.name << " " << size;
        if (!fits) {
          ASSERT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument);
        }
      }
    }
  }
}

TEST(RequestCodecTest, MinimumsAreThoseOfTheAbi) {
  struct Case {
    Mrq mrq;
    uint32_t command;
    uint8_t min_tx;
    uint8_t rx;
  };
  for (const Case& c : std::vector<Case>{
           {Mrq::kClk, 1, 4, 8},
           {Mrq::kClk, 2, 16, 8},
           {Mrq::kClk, 3, 16, 8},
           {Mrq::kClk, 4, 4, 4},
           {Mrq::kClk, 5, 8, 4},
           {Mrq::kClk, 6, 4, 4},
           {Mrq::kClk, 7, 4, 0},
           {Mrq::kClk, 8, 4, 0},
           {Mrq::kClk, 14, 4, 113},
           {Mrq::kClk, 15, 4, 4},
           {Mrq::kClk, 16, 4, 8},
           {Mrq::kReset, 1, 8, 0},
           {Mrq::kReset, 2, 8, 0},
           {Mrq::kReset, 3, 8, 0},
           {Mrq::kReset, 4, 8, 4},
           {Mrq::kPg, 0, 12, 0},
           {Mrq::kPg, 1, 12, 0},
           {Mrq::kPg, 2, 8, 4},
           {Mrq::kPg, 3, 8, 40},
           {Mrq::kPg, 4, 8, 4},
           {Mrq::kThermal, 0, 8, 0},
           {Mrq::kThermal, 1, 8, 4},
           {Mrq::kThermal, 3, 4, 4},
           {Mrq::kThermal, 4, 8, 4},
           {Mrq::kUphy, 1, 24, 0},
           {Mrq::kUphy, 2, 4, 4},
           {Mrq::kUphy, 3, 5, 0},
           {Mrq::kUphy, 4, 6, 0},
           {Mrq::kUphy, 5, 5, 0},
           {Mrq::kPing, 0, 4, 4},
           {Mrq::kQueryAbi, 0, 4, 4},
           {Mrq::kThreadedPing, 0, 4, 4},
           {Mrq::kQueryFwTag, 0, 0, 32},
           {Mrq::kCpuNdivLimits, 0, 4, 12},
           {Mrq::kEmcDvfsLatency, 0, 0, 116},
       }) {
    const CommandSpec* spec = FindCommand(*FindMrq(Code(c.mrq)), c.command);
    ASSERT_NE(spec, nullptr) << Code(c.mrq) << " " << c.command;
    EXPECT_EQ(spec->min_tx, c.min_tx) << Code(c.mrq) << " " << spec->name;
    EXPECT_EQ(spec->rx, c.rx) << Code(c.mrq) << " " << spec->name;
  }
}

TEST(RequestCodecTest, OnlyTheMrqsOfTheAbiThatAVmMaySendAreKnown) {
  int known = 0;
  for (uint32_t mrq = 0; mrq < 0x20000; ++mrq) {
    known += DecodeRequest(mrq, Bytes(kPayloadSize)).status().code() ==
                     absl::StatusCode::kInvalidArgument
                 ? 0
                 : 1;
  }
  // With zero bytes: PING, THREADED_PING, QUERY_ABI, QUERY_FW_TAG, PG and THERMAL QUERY_ABI, EMC,
  // NDIV. CLK, RESET and UPHY have no command 0.
  EXPECT_EQ(known, 8);
}

// All 256 commands of CLK, and the neighbourhood of the others with every single high bit.
TEST(RequestCodecTest, CommandsAreReadAtFullWidth) {
  for (uint32_t command = 0; command < 256; ++command) {
    const auto status =
        DecodeRequest(Code(Mrq::kClk), RequestOf(*FindMrq(22), command, 16)).status();
    const bool is_command = (command >= 1 && command <= 8) || (command >= 14 && command <= 16);
    const bool is_withdrawn = command >= 9 && command <= 13;
    EXPECT_EQ(status.code(), is_command     ? absl::StatusCode::kOk
                             : is_withdrawn ? absl::StatusCode::kUnimplemented
                                            : absl::StatusCode::kInvalidArgument)
        << command;
  }
  for (const Mrq mrq : {Mrq::kReset, Mrq::kPg, Mrq::kThermal, Mrq::kUphy}) {
    const MrqSpec& spec = *FindMrq(Code(mrq));
    for (const CommandSpec& command : spec.commands) {
      for (int bit = 3; bit < 8 * spec.command_width; ++bit) {
        const uint32_t wide = command.command | uint32_t{1} << bit;
        EXPECT_FALSE(DecodeRequest(Code(mrq), RequestOf(spec, wide, 24)).ok())
            << Code(mrq) << " " << wide;
      }
    }
  }
}

TEST(RequestCodecTest, SetTripIsRefused) {
  EXPECT_EQ(DecodeRequest(Code(Mrq::kThermal), RequestOf(*FindMrq(27), 2, 20)).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(RequestCodecTest, ErrorsSayWhatWasAskedAndWhy) {
  const auto message = [](uint32_t mrq, const Bytes& tx) {
    return std::string(DecodeRequest(mrq, tx).status().message());
  };
  EXPECT_THAT(message(75, {}), AllOf(HasSubstr("75"), HasSubstr("DEBUG"), HasSubstr("VM")));
  EXPECT_THAT(message(22, {1, 0}), AllOf(HasSubstr("CLK"), HasSubstr("4"), HasSubstr("2")));
  EXPECT_THAT(message(22, {1, 0, 0, 2}), AllOf(HasSubstr("CLK SET_RATE"), HasSubstr("16")));
  EXPECT_THAT(message(22, Bytes(121)), AllOf(HasSubstr("121"), HasSubstr("120")));
  EXPECT_THAT(message(22, {1, 0, 0, 13}), AllOf(HasSubstr("CLK"), HasSubstr("13")));
  EXPECT_THAT(message(20, Bytes(8, 9)), AllOf(HasSubstr("RESET"), HasSubstr("command 151587081")));
}

TEST(RequestCodecTest, AnEncodedRequestIsZeroPastItsSizeAndHasLinuxsSize) {
  ClkRequest request;
  request.cmd = ClkCmd::kEnable;
  request.clock = ClockId(155);
  const EncodedRequest encoded = EncodeRequest(request);
  EXPECT_EQ(encoded.size, 16);
  EXPECT_EQ(encoded.bytes().size(), 16U);
  EXPECT_THAT(absl::MakeSpan(encoded.data).subspan(4), Each(0));
}

TEST(RequestCodecTest, FieldsThatACommandDoesNotUseAreNotWritten) {
  ClkRequest clk;
  clk.cmd = ClkCmd::kIsEnabled;
  clk.clock = ClockId(1);
  const EncodedRequest plain = EncodeRequest(clk);
  clk.rate_hz = -1;
  clk.parent = ClockId(7);
  EXPECT_EQ(EncodeRequest(clk), plain);

  PgRequest pg;
  pg.cmd = PgCmd::kGetState;
  pg.arg = 1;
  EXPECT_THAT(EncodeRequest(pg).data[8], 0);

  ThermalRequest thermal;
  thermal.cmd = ThermalCmd::kGetNumZones;
  thermal.arg = 1;
  EXPECT_THAT(EncodeRequest(thermal).data[4], 0);
}

TEST(RequestCodecTest, AClockIdTooWideForTheWireNamesNoOtherClock) {
  ClkRequest request;
  request.cmd = ClkCmd::kDisable;
  for (const uint32_t id : {0x0100'009bu, 0xff00'009bu, 0xffff'ffffu}) {
    request.clock = ClockId(id);
    const EncodedRequest encoded = EncodeRequest(request);
    const auto decoded = DecodeRequest(encoded.mrq, encoded.bytes());
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(std::get<ClkRequest>(*decoded).clock, ClockId(kClockIdMask));
    EXPECT_EQ(std::get<ClkRequest>(*decoded).cmd, ClkCmd::kDisable);
  }
}

TEST(RequestCodecTest, EncodingIsTotalOverCommandsThatDoNotExist) {
  ClkRequest clk;
  clk.cmd = static_cast<ClkCmd>(13);
  EXPECT_EQ(EncodeRequest(clk).rx_size, 0);
  EXPECT_EQ(CommandName(clk), "?");
  UphyRequest uphy;
  uphy.payload_size = 255;
  uphy.payload.fill(0xaa);
  const EncodedRequest encoded = EncodeRequest(uphy);
  EXPECT_EQ(encoded.size, 24);
  EXPECT_THAT(absl::MakeSpan(encoded.data).subspan(24), Each(0));
}

// --- Random round trips -------------------------------------------------------------------------

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}

  template <typename Int>
  Int Any() {
    // All widths alike, so that small and large values both come up.
    const auto shift = static_cast<int>(engine_() % (8 * sizeof(Int)));
    return static_cast<Int>(static_cast<Int>(engine_()) >> shift);
  }
  template <typename T, size_t N>
  T Of(const T (&choices)[N]) {
    return choices[engine_() % N];
  }

 private:
  std::mt19937_64 engine_;
};

Request AnyRequest(Random* random) {
  const MrqSpec& spec = *FindMrq(Code(random->Of(kAllMrqs)));
  Bytes tx(kPayloadSize);
  std::generate(tx.begin(), tx.end(), [random] { return random->Any<uint8_t>(); });
  const size_t choice = random->Any<uint32_t>() % spec.commands.size();
  for (size_t i = 0; i < spec.command_width; ++i) {
    tx[spec.command_offset + i] = static_cast<uint8_t>(spec.commands[choice].command >> (8 * i));
  }
  const absl::StatusOr<Request> request = DecodeRequest(Code(spec.mrq), tx);
  EXPECT_TRUE(request.ok()) << request.status();
  return *request;
}

TEST(RequestCodecTest, RandomRequestsSurviveARoundTrip) {
  constexpr uint32_t kSeed = 20'240'301;
  Random random(kSeed);
  std::array<int, std::variant_size_v<Request>> seen{};
  for (int i = 0; i < 50'000; ++i) {
    const Request request = AnyRequest(&random);
    const EncodedRequest encoded = EncodeRequest(request);
    const auto decoded = DecodeRequest(encoded.mrq, encoded.bytes());
    ASSERT_TRUE(decoded.ok()) << decoded.status() << " seed " << kSeed << " step " << i;
    ASSERT_EQ(*decoded, request) << Describe(request) << " seed " << kSeed << " step " << i;
    ASSERT_EQ(EncodeRequest(*decoded), encoded);
    ++seen.at(request.index());
  }
  EXPECT_THAT(seen, Each(::testing::Gt(0)));
}

TEST(RequestCodecTest, RandomBytesNeverBreakDecoding) {
  Random random(7);
  int accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    Bytes tx(random.Any<uint32_t>() % (kPayloadSize + 8));
    std::generate(tx.begin(), tx.end(), [&random] { return random.Any<uint8_t>(); });
    const auto request = DecodeRequest(random.Any<uint32_t>() % 80, tx);
    if (request.ok()) {
      ++accepted;
      ASSERT_LE(tx.size(), kPayloadSize);
    }
  }
  EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace bpmp::mrq
