// SPDX-License-Identifier: Apache-2.0
#include "broker/base/listener_slot.h"

#include <atomic>
#include <future>
#include <thread>

#include "gtest/gtest.h"

namespace bpmp {
namespace {

TEST(ListenerSlot, TellsTheOneThatIsSet) {
  ListenerSlot<int> slot;
  const auto add = [&] { slot.Call([](int& told) { ++told; }); };
  add();  // nobody
  int first = 0;
  int second = 0;
  slot.Set(&first);
  add();
  add();
  slot.Set(&second);
  add();
  slot.Set(nullptr);
  add();
  EXPECT_EQ(first, 2);
  EXPECT_EQ(second, 1);
}

TEST(ListenerSlot, CallsOverlapAndMayCallAgain) {
  ListenerSlot<int> slot;
  int told = 0;
  slot.Set(&told);
  slot.Call([&](int&) { slot.Call([](int& inner) { ++inner; }); });
  EXPECT_EQ(told, 1);
}

TEST(ListenerSlot, WhoIsReplacedIsInNoCallAnyMore) {
  ListenerSlot<int> slot;
  int listener = 0;
  slot.Set(&listener);
  std::promise<void> inside;
  std::promise<void> leave;
  std::atomic<bool> left{false};
  std::thread caller([&] {
    slot.Call([&](int&) {
      inside.set_value();
      leave.get_future().wait();
      left = true;
    });
  });
  inside.get_future().wait();
  std::thread setter([&] {
    slot.Set(nullptr);
    EXPECT_TRUE(left) << "while the call went on";
  });
  // From here on the setter waits, or is about to: nobody is told any more once it does.
  bool told = true;
  while (told) {
    told = false;
    slot.Call([&](int&) { told = true; });
  }
  EXPECT_FALSE(left);
  leave.set_value();
  setter.join();
  caller.join();
}

}  // namespace
}  // namespace bpmp
