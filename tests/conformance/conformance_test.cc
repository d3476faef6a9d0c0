// SPDX-License-Identifier: Apache-2.0
// Holds broker/mrq against the vectors, both ways.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"
#include "broker/mrq/codec.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/conformance/vector_file.h"

namespace bpmp::conformance {
namespace {

using ::testing::IsEmpty;

// --- Requests: a type's name to the value that the line's fields describe -----------------------

using RequestBuilder = std::function<mrq::Request(Fields*)>;

mrq::Request BuildClk(Fields* f) {
  mrq::ClkRequest r;
  r.cmd = static_cast<mrq::ClkCmd>(f->Number<uint8_t>("cmd"));
  r.clock = ClockId(f->Number<uint32_t>("id"));
  if (r.cmd == mrq::ClkCmd::kSetRate || r.cmd == mrq::ClkCmd::kRoundRate) {
    r.rate_hz = f->Number<int64_t>("rate");
  }
  if (r.cmd == mrq::ClkCmd::kSetParent) {
    r.parent = ClockId(f->Number<uint32_t>("parent"));
  }
  return r;
}

mrq::Request BuildReset(Fields* f) {
  mrq::ResetRequest r;
  r.cmd = static_cast<mrq::ResetCmd>(f->Number<uint32_t>("cmd"));
  r.reset = ResetId(f->Number<uint32_t>("id"));
  return r;
}

mrq::Request BuildPg(Fields* f) {
  mrq::PgRequest r;
  r.cmd = static_cast<mrq::PgCmd>(f->Number<uint32_t>("cmd"));
  r.domain = DomainId(f->Number<uint32_t>("id"));
  if (r.cmd == mrq::PgCmd::kQueryAbi || r.cmd == mrq::PgCmd::kSetState) {
    r.arg = f->Number<uint32_t>("arg");
  }
  return r;
}

mrq::Request BuildThermal(Fields* f) {
  mrq::ThermalRequest r;
  r.cmd = static_cast<mrq::ThermalCmd>(f->Number<uint32_t>("cmd"));
  if (r.cmd != mrq::ThermalCmd::kGetNumZones) {
    r.arg = f->Number<uint32_t>("arg");
  }
  return r;
}

mrq::Request BuildUphy(Fields* f) {
  mrq::UphyRequest r;
  r.cmd = static_cast<mrq::UphyCmd>(f->Number<uint16_t>("cmd"));
  r.lane = f->Number<uint16_t>("lane");
  const Bytes payload = f->Hex("payload");
  r.payload_size = static_cast<uint8_t>(payload.size());
  std::copy_n(payload.begin(), std::min(payload.size(), r.payload.size()), r.payload.begin());
  return r;
}

mrq::Request BuildPing(Fields* f) {
  return mrq::PingRequest{f->Number<uint8_t>("threaded") != 0, f->Number<uint32_t>("challenge")};
}

const std::map<std::string, RequestBuilder>& RequestBuilders() {
  static const auto& builders = *new std::map<std::string, RequestBuilder>{
      {"ping", BuildPing},
      {"query_abi", [](Fields* f) { return mrq::QueryAbiRequest{f->Number<uint32_t>("mrq")}; }},
      {"fw_tag", [](Fields* /*f*/) { return mrq::QueryFwTagRequest{}; }},
      {"emc", [](Fields* /*f*/) { return mrq::EmcDvfsLatencyRequest{}; }},
      {"ndiv", [](Fields* f) { return mrq::CpuNdivLimitsRequest{f->Number<uint32_t>("cluster")}; }},
      {"clk", BuildClk},
      {"reset", BuildReset},
      {"pg", BuildPg},
      {"thermal", BuildThermal},
      {"uphy", BuildUphy},
  };
  return builders;
}

void CheckRequest(const Vector& vector) {
  const absl::StatusOr<mrq::Request> decoded = mrq::DecodeRequest(vector.mrq, vector.bytes);
  if (vector.verdict == Verdict::kError) {
    ASSERT_FALSE(decoded.ok()) << mrq::Describe(*decoded);
    EXPECT_EQ(mrq::ErrorName(static_cast<int32_t>(mrq::ErrorFromStatus(decoded.status()))),
              vector.error_name);
    return;
  }
  ASSERT_TRUE(RequestBuilders().contains(vector.type)) << "unknown type " << vector.type;
  Fields fields = vector.fields;
  const mrq::Request wanted = RequestBuilders().at(vector.type)(&fields);
  const auto rx_size = fields.Number<uint8_t>("rx");
  ASSERT_TRUE(fields.Finish().ok()) << fields.Finish();

  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, wanted) << mrq::Describe(*decoded) << " for " << mrq::Describe(wanted);

  const mrq::EncodedRequest encoded = mrq::EncodeRequest(wanted);
  EXPECT_EQ(encoded.mrq, vector.mrq);
  EXPECT_EQ(encoded.rx_size, rx_size);
  const Bytes written(encoded.bytes().begin(), encoded.bytes().end());
  EXPECT_EQ(written == vector.bytes, vector.verdict == Verdict::kExact)
      << "written as " << ::testing::PrintToString(written);
}

// --- Answers: a type's name to how it is read and written ---------------------------------------

struct AnswerCheck {
  absl::Status read;                       // what reading said
  std::optional<mrq::Response> rewritten;  // what was read, written again; when read is OK
  bool as_wanted = false;                  // what was read is what the fields say
};
using AnswerChecker = std::function<AnswerCheck(const mrq::Response&, Fields*)>;

template <typename T>
AnswerCheck Compare(const absl::StatusOr<T>& read, const T& wanted,
                    const std::function<mrq::Response(const T&)>& write) {
  if (!read.ok()) {
    return {read.status(), std::nullopt, false};
  }
  return {absl::OkStatus(), write(*read), *read == wanted};
}

AnswerCheck CheckU32(const mrq::Response& response, Fields* f) {
  return Compare<uint32_t>(mrq::ReadU32(response), f->Number<uint32_t>("value"), mrq::OkU32);
}

AnswerCheck CheckRate(const mrq::Response& response, Fields* f) {
  return Compare<int64_t>(mrq::ReadRate(response), f->Number<int64_t>("value"), mrq::OkRate);
}

AnswerCheck CheckName(const mrq::Response& response, Fields* f) {
  return Compare<std::string>(mrq::ReadName(response), f->Text("text"), mrq::OkName);
}

AnswerCheck CheckFwTag(const mrq::Response& response, Fields* f) {
  return Compare<std::string>(mrq::ReadFwTag(response), f->Text("text"), mrq::OkFwTag);
}

AnswerCheck CheckClkInfo(const mrq::Response& response, Fields* f) {
  mrq::ClkInfo wanted;
  wanted.flags = f->Number<uint32_t>("flags");
  wanted.parent = ClockId(f->Number<uint32_t>("parent"));
  for (const uint32_t id : f->Numbers("parents")) {
    wanted.parents.at(wanted.num_parents++) = ClockId(id);
  }
  const std::string name = f->Text("name");
  std::copy_n(name.begin(), std::min(name.size(), wanted.name.size()), wanted.name.begin());
  return Compare<mrq::ClkInfo>(mrq::ReadClkInfo(response), wanted, mrq::OkClkInfo);
}

const std::map<std::string, AnswerChecker>& AnswerCheckers() {
  static const auto& checkers = *new std::map<std::string, AnswerChecker>{
      {"u32", CheckU32},          {"rate", CheckRate},    {"name", CheckName},
      {"clk_info", CheckClkInfo}, {"fw_tag", CheckFwTag},
  };
  return checkers;
}

void CheckAnswer(const Vector& vector) {
  ASSERT_TRUE(AnswerCheckers().contains(vector.type)) << "unknown type " << vector.type;
  const mrq::Response response = mrq::FromBytes(vector.error, vector.bytes);
  EXPECT_EQ(response.error, vector.error);
  Fields fields = vector.fields;
  const AnswerCheck check = AnswerCheckers().at(vector.type)(response, &fields);
  if (vector.verdict == Verdict::kError) {
    ASSERT_FALSE(check.read.ok());
    EXPECT_EQ(mrq::ErrorName(static_cast<int32_t>(mrq::ErrorFromStatus(check.read))),
              vector.error_name);
    return;
  }
  ASSERT_TRUE(fields.Finish().ok()) << fields.Finish();
  ASSERT_TRUE(check.read.ok()) << check.read;
  EXPECT_TRUE(check.as_wanted);
  EXPECT_EQ(*check.rewritten == response, vector.verdict == Verdict::kExact)
      << "written as " << ::testing::PrintToString(check.rewritten->data);
}

// --- Every file ---------------------------------------------------------------------------------

const std::filesystem::path& Directory() {
  static const auto& directory =
      *new std::filesystem::path(BPMP_SOURCE_DIR "/tests/conformance/vectors");
  return directory;
}

std::vector<std::string> Files() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(Directory())) {
    files.push_back(entry.path().filename().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

absl::StatusOr<std::vector<Vector>> Load(const std::string& file) {
  std::ifstream stream(Directory() / file);
  if (!stream) {
    return absl::NotFoundError(absl::StrCat(file, ": can't be opened"));
  }
  return ParseVectors(file, std::string(std::istreambuf_iterator<char>(stream), {}));
}

class ConformanceTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ConformanceTest, EveryVectorHoldsBothWays) {
  const absl::StatusOr<std::vector<Vector>> vectors = Load(GetParam());
  ASSERT_TRUE(vectors.ok()) << vectors.status();
  for (const Vector& vector : *vectors) {
    SCOPED_TRACE(vector.where);
    vector.is_request ? CheckRequest(vector) : CheckAnswer(vector);
  }
}

std::string NameOf(const ::testing::TestParamInfo<std::string>& param) {
  return std::filesystem::path(param.param).stem().string();
}
INSTANTIATE_TEST_SUITE_P(Vectors, ConformanceTest, ::testing::ValuesIn(Files()), NameOf);

// Together: labels are unique, and every type and kind of verdict is there, so that a file which
// is lost or a type which is never tried shows.
TEST(ConformanceSetTest, IsCompleteAndUnambiguous) {
  std::set<std::string> labels;
  std::set<std::string> missing_requests;
  std::set<std::string> missing_answers;
  for (const auto& entry : RequestBuilders()) {
    missing_requests.insert(entry.first);
  }
  for (const auto& entry : AnswerCheckers()) {
    missing_answers.insert(entry.first);
  }
  for (const std::string& file : Files()) {
    const absl::StatusOr<std::vector<Vector>> vectors = Load(file);
    ASSERT_TRUE(vectors.ok()) << vectors.status();
    for (const Vector& vector : *vectors) {
      EXPECT_TRUE(labels.insert(vector.label).second) << vector.where << " is there twice";
      if (vector.verdict == Verdict::kExact) {
        (vector.is_request ? missing_requests : missing_answers).erase(vector.type);
      }
    }
  }
  EXPECT_THAT(missing_requests, IsEmpty());
  EXPECT_THAT(missing_answers, IsEmpty());
}

}  // namespace
}  // namespace bpmp::conformance
