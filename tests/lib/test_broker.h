// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_LIB_TEST_BROKER_H_
#define TESTS_LIB_TEST_BROKER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "bpmp/v1/config.pb.h"
#include "broker/backend/engine.h"
#include "broker/backend/sim/sim_backend.h"
#include "broker/core/observers.h"
#include "broker/service/acceptor.h"
#include "broker/service/admin_server.h"
#include "broker/service/event_log.h"
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

  backend::sim::SimBackend& sim() { return sim_; }
  backend::Engine& engine() { return *engine_; }
  service::EventLog& events() { return events_; }
  service::Acceptor& acceptor() { return acceptor_; }
  service::SessionTable& sessions() { return *sessions_; }
  service::VmRegistry& registry() { return *registry_; }
  service::AdminServer& admin() { return *admin_; }
  // Null unless the configuration has `tls.listen`.
  service::RemoteServer* tls() { return tls_.get(); }
  // Of the first `insecure_tcp`; null without one.
  service::RemoteServer* insecure() { return insecure_.get(); }

  const std::string& directory() const { return directory_; }
  std::string socket(std::string_view vm) const;  // of a VM
  const std::string& admin_socket() const { return admin_->socket(); }
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
  void Compose(v1::Config config, const Options& options);

  std::string directory_;
  service::EventLog events_;
  std::unique_ptr<core::Observers> observers_;
  backend::sim::SimBackend sim_;
  std::unique_ptr<backend::Engine> engine_;
  service::Acceptor acceptor_;
  std::unique_ptr<service::SessionTable> sessions_;
  std::unique_ptr<service::VmRegistry> registry_;
  std::unique_ptr<service::RemoteServer> tls_;
  std::unique_ptr<service::RemoteServer> insecure_;
  std::unique_ptr<service::AdminServer> admin_;
};

}  // namespace bpmp::testing

#endif  // TESTS_LIB_TEST_BROKER_H_
