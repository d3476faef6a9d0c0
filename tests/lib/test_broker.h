// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_LIB_TEST_BROKER_H_
#define TESTS_LIB_TEST_BROKER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "bpmp/v1/config.pb.h"
#include "broker/backend/engine.h"
#include "broker/backend/sim/sim_backend.h"
#include "broker/core/observers.h"
#include "broker/service/acceptor.h"
#include "broker/service/admin_server.h"
#include "broker/service/event_log.h"
#include "broker/service/notifications.h"
#include "broker/service/remote_server.h"
#include "broker/service/sessions.h"
#include "broker/service/vm_registry.h"

namespace bpmp::testing {

// A whole broker inside the test's process: the simulated Tegra234, the core, the services, and
// real sockets in a directory of its own under /tmp, with the built-in device profile and without
// configuration file, metrics, or signals. What fails while it is made fails the process.
class TestBroker {
 public:
  struct Options {
    backend::sim::SimOptions sim;
    std::string proc_root = "/proc";
    // For more observers of the core and of the requests; not owned.
    core::Observer* observer = nullptr;
    backend::RequestObserver* request_observer = nullptr;
    // Called on the simulation before the broker looks at it.
    std::function<void(backend::sim::SimBackend&)> prepare;
  };

  // `config` is a bpmp.v1.Config in text format, e.g. R"(vms { name: "a" devices { device: "uarta"
  // } })".
  explicit TestBroker(const std::string& config);
  TestBroker(const std::string& config, Options options);
  ~TestBroker();
  TestBroker(const TestBroker&) = delete;
  TestBroker& operator=(const TestBroker&) = delete;

  // Ends it while the hardware goes on: a broker that stops releases nothing. Nothing may hang in
  // the simulator. Until Restart() only sim() and directory() may be called.
  void Crash();
  // Starts it again, on the hardware as it is, with nothing remembered; events begin anew.
  void Restart();

  backend::sim::SimBackend& sim() { return sim_; }
  backend::Engine& engine() { return *life_->engine; }
  service::EventLog& events() { return life_->events; }
  service::Acceptor& acceptor() { return life_->acceptor; }
  service::SessionTable& sessions() { return *life_->sessions; }
  service::VmRegistry& registry() { return *life_->registry; }
  service::AdminServer& admin() { return *life_->admin; }
  // Null unless the configuration has `tls.listen`.
  service::RemoteServer* tls() { return life_->tls.get(); }
  // Of the first `insecure_tcp`; null without one.
  service::RemoteServer* insecure() { return life_->insecure.get(); }

  const std::string& directory() const { return directory_; }
  std::string socket(std::string_view vm) const;  // of a VM
  const std::string& admin_socket() const { return life_->admin->socket(); }
  VmId vm(std::string_view name) const;

  // Whether a VM votes for a clock.
  bool Holds(std::string_view vm, ClockId clock) const;
  // Blocks until an event has happened of which `wanted` is true, looking from number `since` on,
  // and returns it. Whoever waits for what never happens is ended by the test's timeout.
  service::EventLog::Record WaitFor(
      const std::function<bool(const service::EventLog::Record&)>& wanted, uint64_t since = 1);
  // The same for an event's kind and VM.
  service::EventLog::Record WaitFor(std::string_view kind, std::string_view vm, uint64_t since = 1);

 private:
  // All that ends with the process.
  struct Life {
    service::EventLog events;
    std::unique_ptr<core::Observers> observers;
    std::unique_ptr<backend::Engine> engine;
    service::Acceptor acceptor;
    std::unique_ptr<service::SessionTable> sessions;
    std::unique_ptr<service::Notifications> notifications;
    std::unique_ptr<service::VmRegistry> registry;
    std::unique_ptr<service::RemoteServer> tls;
    std::unique_ptr<service::RemoteServer> insecure;
    std::unique_ptr<service::AdminServer> admin;
  };
  void Compose();
  void MakeEngine();
  void Listen();
  void Disconnect(absl::Duration grace);

  const std::string directory_;
  const Options options_;
  v1::Config config_;
  backend::sim::SimBackend sim_;
  std::unique_ptr<Life> life_;
};

}  // namespace bpmp::testing

#endif  // TESTS_LIB_TEST_BROKER_H_
