// SPDX-License-Identifier: Apache-2.0
// The system's own calls, on devices that every Linux has and that are no host proxy.
#include "broker/backend/kernel/host_device.h"

#include <errno.h>
#include <gtest/gtest.h>
#include <linux/tegra-bpmp-host.h>

#include <fstream>

namespace bpmp::backend::kernel {
namespace {

TEST(SystemHostDeviceTest, SaysWhyItCantBeOpened) {
  EXPECT_EQ(SystemHostDevice("/dev/no-such-bpmp").Open(), -ENOENT);
  EXPECT_EQ(SystemHostDevice("/dev/null/x").Open(), -ENOTDIR);
}

TEST(SystemHostDeviceTest, OpensNothingButADevice) {
  const std::string file = testing::TempDir() + "/no-device";
  std::ofstream(file) << "untouched";
  EXPECT_EQ(SystemHostDevice(file).Open(), -ENOTBLK);
  EXPECT_EQ(SystemHostDevice(testing::TempDir()).Open(), -ENOTBLK);
}

TEST(SystemHostDeviceTest, MakesTheCallsThatItIsAskedFor) {
  SystemHostDevice device("/dev/null");
  EXPECT_EQ(device.name(), "/dev/null");
  const int fd = device.Open();
  ASSERT_GE(fd, 0);
  bpmp_host_info info{};
  EXPECT_EQ(device.Ioctl(fd, BPMP_HOST_INFO, &info), -ENOTTY);
  EXPECT_EQ(device.Write(fd, &info, sizeof(info)), static_cast<ssize_t>(sizeof(info)));
  device.Close(fd);
  EXPECT_EQ(device.Write(fd, &info, sizeof(info)), -EBADF);
}

}  // namespace
}  // namespace bpmp::backend::kernel
