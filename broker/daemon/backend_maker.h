// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_BACKEND_MAKER_H_
#define BROKER_DAEMON_BACKEND_MAKER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bpmp/v1/config.pb.h"
#include "broker/backend/kernel/kernel_backend.h"
#include "broker/backend/record/record_backend.h"
#include "broker/backend/stoppable_backend.h"
#include "broker/daemon/source_map.h"

namespace bpmp::daemon {

// The backend that the configuration asks for.
struct MadeBackend {
  std::unique_ptr<backend::StoppableBackend> owned;
  backend::kernel::KernelBackend* kernel = nullptr;  // the kernel's, if that is what it is
  backend::record::RecordBackend* record = nullptr;  // the one that records it, if it is recorded
  std::string kind;                                  // "sim", "kernel"
  std::string name;                                  // for people
  std::string trace;                                 // path of the trace that is recorded
  bool host_counts_apart = false;                    // core::Options
};

// Makes it, and opens the kernel's device or reads the trace that is replayed: what is wrong there
// is better said now. `config` is effective. InvalidArgument for what the configuration is at fault
// for; a device that can't be used has another code, for it may be there the next time. Changes in
// the device's state are logged.
absl::StatusOr<MadeBackend> MakeBackend(const v1::BackendConfig& config, const SourceMap& sources);

// For the one broker that serves: what the host holds for the broker is this one's from now on, and
// is logged. The trace is begun; one that can't be is logged, and the broker does without.
absl::Status TakeOver(const MadeBackend& backend);

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_BACKEND_MAKER_H_
