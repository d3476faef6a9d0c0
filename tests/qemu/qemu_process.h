// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_QEMU_QEMU_PROCESS_H_
#define TESTS_QEMU_QEMU_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "broker/service/unix_socket.h"
#include "tests/lib/temporary_directory.h"

namespace bpmp::testing {

// The emulators that tests/run.sh builds (qemu-client/qemu/build.sh), by the names under which it
// tells where they are: BPMP_QEMU_<name> in the environment.
//   7_2, 10_0       as users have them
//   10_0_SANITIZED  with ASan and UBSan
// Empty: it isn't there.
std::string QemuPath(const std::string& name);

// A Unix socket at `path`, for an emulator to connect to. Fails the process when it can't be made.
service::UniqueFd ListenAt(const std::string& path);

// A QEMU of a test: an Arm `virt` machine without anything but what is asked for. Its memory is
// read and written over a qtest socket, its monitor is asked over QMP. Fails the process when it
// can't be started in a way that no test wants to see.
class QemuProcess {
 public:
  // `arguments` follow those that every test needs; `accelerator` is "qtest" (no CPU runs) or
  // "tcg".
  QemuProcess(const std::string& path, const std::string& accelerator,
              const std::vector<std::string>& arguments);
  // Kill().
  ~QemuProcess();
  QemuProcess(const QemuProcess&) = delete;
  QemuProcess& operator=(const QemuProcess&) = delete;

  // Whether it got as far as to talk; false: it ended, and Output() has why.
  bool Started();

  // --- Memory, by guest-physical address. `size` is 1, 2, 4 or 8 bytes ---
  void Write(uint64_t address, uint64_t value, int size);
  uint64_t Read(uint64_t address, int size);
  // Several commands of the qtest protocol at once; the last words of each answer.
  std::vector<uint64_t> Batch(const std::vector<std::string>& commands);

  // One command's answer, as QMP gives it: {"return": ...} or {"error": ...}. Events are left out.
  std::string Qmp(const std::string& command);
  // Blocks until an event of that name has come.
  void WaitForEvent(const std::string& name);

  pid_t pid() const { return pid_; }
  void Kill();
  // Blocks until it has ended. Returns its status, or minus the signal.
  int WaitForEnd();
  // What it wrote to standard error and output until its end.
  std::string Output();

 private:
  // A connection that speaks in lines.
  struct Lines {
    service::UniqueFd fd;
    std::string buffer;
    bool Send(const std::string& text);
    bool Receive(std::string* line);
  };
  // The next QMP message that is no event; events go to `events_`.
  bool NextReply(std::string* line);

  const TemporaryDirectory directory_;
  pid_t pid_ = -1;
  int status_ = 0;
  Lines qtest_;
  Lines qmp_;
  std::vector<std::string> events_;
  bool started_ = false;
};

}  // namespace bpmp::testing

#endif  // TESTS_QEMU_QEMU_PROCESS_H_
