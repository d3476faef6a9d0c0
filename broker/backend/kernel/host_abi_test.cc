// SPDX-License-Identifier: Apache-2.0
// The header is a contract with kernels that are built elsewhere: what a size is here, it is there,
// and it is in the numbers of the ioctls.
#include <gtest/gtest.h>
#include <linux/tegra-bpmp-host.h>

#include <cstddef>

namespace {

static_assert(sizeof(bpmp_host_info) == 32);
static_assert(sizeof(bpmp_host_transfer) == 280);
static_assert(offsetof(bpmp_host_transfer, status) == 28);
static_assert(offsetof(bpmp_host_transfer, err) == 32);
static_assert(offsetof(bpmp_host_transfer, tx) == 40);
static_assert(offsetof(bpmp_host_transfer, rx) == 160);
static_assert(sizeof(bpmp_host_hold) == 16);
static_assert(sizeof(bpmp_host_holds) == 16 + BPMP_HOST_HOLDS_MAX * sizeof(bpmp_host_hold));
static_assert(sizeof(bpmp_host_release) == 16);

TEST(HostAbiTest, TheNumbersOfItsCalls) {
  EXPECT_EQ(BPMP_HOST_INFO, 0xc020'bd00u);
  EXPECT_EQ(BPMP_HOST_SUBMIT, 0xc118'bd01u);
  EXPECT_EQ(BPMP_HOST_RESULT, 0xc118'bd02u);
  EXPECT_EQ(BPMP_HOST_ABANDON, 0x4008'bd03u);
  EXPECT_EQ(BPMP_HOST_TRANSFER, 0xc118'bd04u);
  EXPECT_EQ(BPMP_HOST_HOLDS, 0xc410'bd05u);
  EXPECT_EQ(BPMP_HOST_ADOPT, 0xbd06u);
  EXPECT_EQ(BPMP_HOST_RELEASE_ALL, 0xc010'bd07u);
}

}  // namespace
