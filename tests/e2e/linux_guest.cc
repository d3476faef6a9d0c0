// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/linux_guest.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "qemu-client/tests/broker_process.h"

namespace bpmp::testing {
namespace {

constexpr char kDone[] = "GUEST-DONE ";

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "e2e test: %s: %s\n", what.c_str(), std::strerror(errno));
  std::abort();
}

// What makes the machine, apart from what runs on it: the device tree depends on it.
std::vector<std::string> Hardware(const GuestMachine& machine) {
  return {"-cpu",    "cortex-a57",
          "-m",      std::to_string(machine.memory_mib),
          "-smp",    std::to_string(machine.cpus),
          "-net",    "none",
          "-device", machine.device};
}

std::vector<std::string> Arguments(const GuestMachine& machine, const std::string& console) {
  std::vector<std::string> all = Hardware(machine);
  all.insert(all.end(),
             {"-kernel", machine.kernel, "-initrd", machine.initramfs, "-append",
              absl::StrCat("console=ttyAMA0 ", machine.append), "-chardev",
              absl::StrCat("socket,id=console,path=", console), "-serial", "chardev:console"});
  if (!machine.device_tree.empty()) all.insert(all.end(), {"-dtb", machine.device_tree});
  all.insert(all.end(), machine.more.begin(), machine.more.end());
  return all;
}

void RunOrDie(const std::vector<std::string>& arguments) {
  std::string output;
  if (client::RunProgram(arguments, &output) != 0) {
    Die(absl::StrJoin(arguments, " ") + ": " + output);
  }
}

}  // namespace

LinuxGuest::LinuxGuest(const GuestMachine& machine)
    : listener_(ListenAt(directory_.path() + "/console")),
      qemu_(machine.qemu, "tcg", Arguments(machine, directory_.path() + "/console")) {
  // The emulator connects before it answers on its monitor.
  if (qemu_.Started()) {
    fd_ = service::UniqueFd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
}

LinuxGuest::~LinuxGuest() {
  if (before_end_) before_end_();
}

void LinuxGuest::Send(const std::string& line) {
  const std::string text = line + "\n";
  // Fails where the guest is gone, and then nothing is read either.
  if (send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) fd_ = service::UniqueFd();
}

bool LinuxGuest::WaitFor(const std::string& text) {
  for (;;) {
    const size_t found = console_.find(text, seen_);
    if (found != std::string::npos) {
      seen_ = found + text.size();
      return true;
    }
    char bytes[4096];
    const ssize_t n = fd_.valid() ? recv(fd_.get(), bytes, sizeof(bytes), 0) : 0;
    if (n <= 0) return false;
    console_.append(bytes, static_cast<size_t>(n));
  }
}

std::string LinuxGuest::Run(const std::string& line) {
  status_ = -1;
  // After what it said unasked: a panic's last words, or nothing.
  WaitFor("\n");
  const size_t begin = seen_;
  Send(line);
  if (!WaitFor(kDone)) return "";
  const size_t end = seen_ - std::strlen(kDone);
  const size_t number = seen_;
  if (!WaitFor("\n")) return "";
  seen_ = number;  // the newline starts the next answer
  if (!absl::SimpleAtoi(console_.substr(number, console_.find('\n', number) - number), &status_)) {
    return "";
  }
  std::string output = absl::StrReplaceAll(console_.substr(begin, end - begin), {{"\r", ""}});
  while (absl::EndsWith(output, "\n")) output.pop_back();
  return output;
}

void DumpDeviceTree(const GuestMachine& machine, const std::string& file) {
  std::vector<std::string> dump = {machine.qemu, "-machine", "virt,dumpdtb=" + file,
                                   "-display",   "none",     "-nodefaults"};
  GuestMachine alone = machine;
  alone.device += ",wait=off";
  const std::vector<std::string> hardware = Hardware(alone);
  dump.insert(dump.end(), hardware.begin(), hardware.end());
  RunOrDie(dump);
}

std::string MakeDeviceTree(const GuestMachine& machine, const std::string& nodes,
                           const std::string& directory) {
  const std::string base = directory + "/base.dtb";
  const std::string source = directory + "/guest.dts";
  std::string made = directory + "/guest.dtb";
  DumpDeviceTree(machine, base);
  RunOrDie({"/usr/bin/env", "dtc", "-q", "-I", "dtb", "-O", "dts", "-o", source, base});
  std::ofstream(source, std::ios::app) << "/ {\n" << nodes << "\n};\n";
  RunOrDie({"/usr/bin/env", "dtc", "-q", "-I", "dts", "-O", "dtb", "-o", made, source});
  return made;
}

}  // namespace bpmp::testing
