// SPDX-License-Identifier: Apache-2.0
// That requests leave nothing behind in the emulator and in the broker.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/qemu/qemu_fixture.h"

namespace bpmp::testing {
namespace {

constexpr uint64_t kWindow = 0x090c0000;
constexpr int kRequests = 10'000;
constexpr int kBatch = 500;
// No structure on the way of a request is smaller.
constexpr int64_t kSmallest = 32;

class LeakTest : public QemuTest {
 protected:
  // Answered, refused, without payload and too long by turns.
  static void Ask(QemuProcess* qemu, int requests) {
    static constexpr struct {
      uint64_t tx, tx_size;
    } kKinds[] = {{0x0e00009b, 4}, {0x0700001f, 4}, {0, 0}, {0x0e00009b, 121}};
    std::vector<std::string> batch;
    for (int n = 0; n < requests; ++n) {
      const auto& kind = kKinds[n % 4];
      batch.push_back(absl::StrFormat("writeq 0x%x 0x%x", kWindow + window::kTx, kind.tx));
      batch.push_back(absl::StrFormat("writeq 0x%x 0x%x", kWindow + window::kTxSize, kind.tx_size));
      batch.push_back(absl::StrFormat("writeq 0x%x 0x78", kWindow + window::kRxSize));
      batch.push_back(absl::StrFormat("writel 0x%x 22", kWindow + window::kMrq));
      if (n % kBatch < kBatch - 1) continue;
      qemu->Batch(batch);
      batch.clear();
    }
  }
  // Memory of its own that a process uses.
  static int64_t AnonymousBytes(pid_t pid) {
    std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
    int64_t kib = -1;
    for (std::string word; status >> word;) {
      if (word == "RssAnon:") status >> kib;
    }
    EXPECT_GT(kib, 0);
    return kib * 1024;
  }
};

TEST_P(LeakTest, TenThousandRequestsLeaveNothingBehind) {
  const auto qemu = Start("a");
  ASSERT_TRUE(qemu->Started()) << qemu->Output();
  // What is made once and kept, such as the ring of events, is there after as many.
  Ask(qemu.get(), kRequests);
  const int64_t emulator = AnonymousBytes(qemu->pid());
  const auto broker = static_cast<int64_t>(mallinfo2().uordblks);
  const uint64_t before = Requests("a");
  Ask(qemu.get(), kRequests);
  EXPECT_EQ(Requests("a") - before, uint64_t{kRequests} * 3 / 4);  // too long isn't sent
  EXPECT_LT(AnonymousBytes(qemu->pid()) - emulator, kRequests * kSmallest);
  EXPECT_LT(static_cast<int64_t>(mallinfo2().uordblks) - broker, kRequests * kSmallest);
}

BPMP_FOR_EACH_QEMU(LeakTest);

}  // namespace
}  // namespace bpmp::testing
