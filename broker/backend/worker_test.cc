// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/worker.h"

#include <dirent.h>
#include <signal.h>

#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "broker/backend/gate_backend.h"
#include "broker/backend/recording_sink.h"
#include "broker/base/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::backend {
namespace {

using ::testing::ElementsAre;

constexpr VmId kA{1};
constexpr VmId kB{2};
constexpr VmId kC{3};

class WorkerTest : public ::testing::Test {
 protected:
  explicit WorkerTest(int slots = 2)
      : worker_(std::make_unique<Worker>(&backend_, &clock_, slots, &sink_)) {}
  ~WorkerTest() override { backend_.OpenForAll(); }

  void Submit(uint32_t call, VmId vm, absl::Duration within = absl::Hours(1)) {
    worker_->Submit(TransferId(call), vm, mrq::PingRequest{false, call}, clock_.Now() + within);
  }

  FakeClock clock_;
  GateBackend backend_;
  RecordingSink sink_;
  std::unique_ptr<Worker> worker_;
};

// With one slot, the order of starts is the order of turns.
class OneSlotWorkerTest : public WorkerTest {
 protected:
  OneSlotWorkerTest() : WorkerTest(1) {}
};

TEST_F(WorkerTest, BringsTheAnswerBack) {
  Submit(7, kA);
  backend_.Open(7);
  const auto result = sink_.WaitFor(7);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(*mrq::ReadU32(*result), 7u);
}

TEST_F(WorkerTest, HasNoMoreCallsInFlightThanSlots) {
  for (uint32_t call = 1; call <= 6; ++call) {
    Submit(call, VmId(call));
  }
  backend_.WaitForStarted(2);
  const Worker::Stats stats = worker_->stats();
  EXPECT_EQ(stats.running, 2u);
  EXPECT_EQ(stats.queued, 4u);
  EXPECT_EQ(stats.overdue, 0u);
  backend_.OpenForAll();
  sink_.WaitForCount(6);
  EXPECT_EQ(backend_.most_inside(), 2u);
}

TEST_F(OneSlotWorkerTest, VmsTakeTurnsAndEachIsInOrder) {
  Submit(1, kC);  // holds the slot while the others queue up
  backend_.WaitForStarted(1);
  for (const uint32_t call : {11u, 12u, 13u, 14u}) {
    Submit(call, kA);
  }
  Submit(21, kB);
  Submit(22, kB);
  Submit(31, kC);
  backend_.OpenForAll();
  EXPECT_THAT(backend_.WaitForStarted(8), ElementsAre(1, 11, 21, 31, 12, 22, 13, 14));
}

TEST_F(OneSlotWorkerTest, AFloodDelaysAnotherVmByOneCall) {
  for (uint32_t call = 1; call <= 100; ++call) {
    Submit(call, kA);
  }
  backend_.WaitForStarted(1);
  Submit(200, kB);
  backend_.Open(1);
  backend_.Open(2);
  const std::vector<uint32_t> started = backend_.WaitForStarted(3);
  EXPECT_THAT(started, ::testing::Contains(200u));
}

TEST_F(OneSlotWorkerTest, APatientCallComesBeforeWhatItsVmHasQueued) {
  Submit(1, kC);
  backend_.WaitForStarted(1);
  Submit(11, kA);
  Submit(12, kA);
  Submit(21, kB);
  worker_->SubmitPatient(TransferId(13), kA, mrq::PingRequest{false, 13}, absl::Seconds(1));
  worker_->SubmitPatient(TransferId(14), kA, mrq::PingRequest{false, 14}, absl::Seconds(1));
  backend_.OpenForAll();
  EXPECT_THAT(backend_.WaitForStarted(6), ElementsAre(1, 13, 21, 14, 11, 12));
}

TEST_F(OneSlotWorkerTest, APatientCallIsNeverRefusedForHavingWaited) {
  Submit(1, kC);
  backend_.WaitForStarted(1);
  worker_->SubmitPatient(TransferId(2), kA, mrq::PingRequest{false, 2}, absl::Seconds(1));
  clock_.Advance(absl::Minutes(10));
  worker_->CheckDeadlines();
  EXPECT_THAT(sink_.events(), ElementsAre("overdue 2")) << "nobody need wait for it any longer";
  backend_.Open(1);
  backend_.WaitForStarted(2);
  // Its time begins when it is sent.
  worker_->CheckDeadlines();
  EXPECT_EQ(worker_->stats().overdue, 0u);
  clock_.Advance(absl::Seconds(2));
  worker_->CheckDeadlines();
  EXPECT_EQ(worker_->stats().overdue, 1u);
  backend_.OpenForAll();
  EXPECT_TRUE(sink_.WaitFor(2).ok());
}

TEST_F(WorkerTest, AVmAloneMayUseBothSlots) {
  Submit(1, kA);
  Submit(2, kA);
  EXPECT_EQ(backend_.WaitForStarted(2).size(), 2u);
}

TEST_F(WorkerTest, AVmHasOneInFlightWhileAnotherWaits) {
  Submit(1, kA);
  Submit(2, kB);
  backend_.WaitForStarted(2);
  // Both slots are taken, A's turn comes first; but A still has a call in flight when B's ends.
  Submit(11, kA);
  Submit(31, kC);
  Submit(12, kA);
  backend_.Open(2);
  EXPECT_THAT(backend_.WaitForStarted(3), ElementsAre(::testing::_, ::testing::_, 31));
  // Nobody else waits any more: A may have the second slot.
  backend_.Open(31);
  EXPECT_THAT(backend_.WaitForStarted(4).back(), 11u);
}

TEST_F(WorkerTest, WhatIsLateInTheQueueNeverReachesTheBackend) {
  Submit(1, kA);
  Submit(2, kB);
  backend_.WaitForStarted(2);
  Submit(3, kA, absl::Seconds(1));
  Submit(4, kA, absl::Seconds(3));
  clock_.Advance(absl::Seconds(1));
  worker_->CheckDeadlines();  // though every slot is taken
  EXPECT_EQ(sink_.WaitFor(3).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(worker_->stats().queued, 1u);
  backend_.OpenForAll();
  EXPECT_TRUE(sink_.WaitFor(4).ok());
  EXPECT_THAT(backend_.WaitForStarted(3), ::testing::Not(::testing::Contains(3u)));
}

TEST_F(OneSlotWorkerTest, WhatIsLateWhenItsTurnComesNeverReachesTheBackend) {
  Submit(1, kA);
  backend_.WaitForStarted(1);
  Submit(2, kA, absl::Seconds(1));
  clock_.Advance(absl::Seconds(2));
  backend_.OpenForAll();  // and nobody checks deadlines
  EXPECT_EQ(sink_.WaitFor(2).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(backend_.WaitForStarted(1), ElementsAre(1));
}

TEST_F(WorkerTest, AnOverdueCallIsReportedOnceAndKeepsItsSlot) {
  Submit(1, kA, absl::Seconds(1));
  Submit(2, kB, absl::Seconds(9));
  backend_.WaitForStarted(2);
  worker_->CheckDeadlines();
  EXPECT_EQ(worker_->stats().overdue, 0u);
  clock_.Advance(absl::Seconds(1));
  worker_->CheckDeadlines();
  worker_->CheckDeadlines();
  EXPECT_THAT(sink_.events(), ElementsAre("overdue 1"));
  EXPECT_EQ(worker_->stats().overdue, 1u);
  EXPECT_EQ(worker_->stats().running, 2u);
  backend_.Open(1);
  EXPECT_TRUE(sink_.WaitFor(1).ok());
  EXPECT_THAT(sink_.events(), ElementsAre("overdue 1", "done 1"));
}

TEST_F(WorkerTest, DoneNeverOvertakesOverdue) {
  Submit(1, kA, absl::Seconds(1));
  backend_.WaitForStarted(1);
  // The call returns in the middle of its OnOverdue. Another that starts after it shows that the
  // worker has had every chance to report it.
  sink_.set_during_overdue([this] {
    backend_.Open(1);
    Submit(2, kB);
    backend_.Open(2);
    EXPECT_TRUE(sink_.WaitFor(2).ok());
    EXPECT_EQ(sink_.done_count(), 1u);
  });
  clock_.Advance(absl::Seconds(1));
  worker_->CheckDeadlines();
  EXPECT_TRUE(sink_.WaitFor(1).ok());
  EXPECT_THAT(sink_.events(), ElementsAre("done 2", "overdue 1", "done 1"));
}

TEST_F(WorkerTest, StopRefusesTheQueueAndWhatComesLater) {
  Submit(1, kA);
  Submit(2, kB);
  backend_.WaitForStarted(2);
  Submit(3, kA);
  Submit(4, kC);
  worker_->Stop();
  EXPECT_EQ(sink_.WaitFor(3).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(sink_.WaitFor(4).status().code(), absl::StatusCode::kUnavailable);
  Submit(5, kA);
  backend_.OpenForAll();
  EXPECT_EQ(sink_.WaitFor(5).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(sink_.WaitFor(1).ok());
  EXPECT_TRUE(sink_.WaitFor(2).ok());
  EXPECT_EQ(backend_.WaitForStarted(2).size(), 2u);
}

TEST_F(WorkerTest, DestructionAnswersEverything) {
  for (uint32_t call = 1; call <= 8; ++call) {
    Submit(call, VmId(call % 3));
  }
  backend_.WaitForStarted(2);
  backend_.OpenForAll();
  worker_.reset();
  EXPECT_EQ(sink_.done_count(), 8u);
}

// Names and blocked signals of this process's threads, from /proc.
std::map<std::string, uint64_t> BlockedSignalsByThread() {
  std::map<std::string, uint64_t> blocked;
  DIR* const dir = opendir("/proc/self/task");
  EXPECT_NE(dir, nullptr);
  while (const dirent* const entry = readdir(dir)) {
    std::ifstream status(std::string("/proc/self/task/") + entry->d_name + "/status");
    std::string name;
    for (std::string key, value; status >> key;) {
      if (key == "Name:") {
        status >> name;
      } else if (key == "SigBlk:" && status >> value) {
        blocked[name] = std::stoull(value, nullptr, 16);
      }
    }
  }
  closedir(dir);
  return blocked;
}

TEST_F(WorkerTest, ThreadsHaveNamesAndBlockSignals) {
  Submit(1, kA);
  Submit(2, kB);
  backend_.WaitForStarted(2);  // a thread that is just starting has every signal blocked anyway
  const std::map<std::string, uint64_t> blocked = BlockedSignalsByThread();
  for (const std::string name : {"bpmp-worker-0", "bpmp-worker-1"}) {
    ASSERT_EQ(blocked.count(name), 1u) << name;
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1}) {
      EXPECT_NE(blocked.at(name) & (uint64_t{1} << (signal - 1)), 0u) << name << " " << signal;
    }
  }
  // And this thread has its own mask back.
  sigset_t mine;
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &mine), 0);
  EXPECT_EQ(sigismember(&mine, SIGTERM), 0);
}

TEST_F(WorkerTest, ManyThreadsSubmitWhileDeadlinesAreChecked) {
  constexpr uint32_t kThreads = 4;
  constexpr uint32_t kEach = 500;
  backend_.OpenForAll();
  std::vector<std::thread> threads;
  for (uint32_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread] {
      for (uint32_t i = 0; i < kEach; ++i) {
        const uint32_t call = thread * kEach + i + 1;
        // Some are late from the start.
        Submit(call, VmId(call % 7), i % 5 == 0 ? absl::ZeroDuration() : absl::Seconds(1));
        if (i % 50 == 0) {
          clock_.Advance(absl::Milliseconds(100));
          worker_->CheckDeadlines();
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  sink_.WaitForCount(kThreads * kEach);
  EXPECT_LE(backend_.most_inside(), 2u);
  worker_.reset();
  EXPECT_EQ(sink_.done_count(), kThreads * kEach);
}

}  // namespace
}  // namespace bpmp::backend
