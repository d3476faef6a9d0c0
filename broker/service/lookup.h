// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_LOOKUP_H_
#define BROKER_SERVICE_LOOKUP_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bpmp/v1/types.pb.h"
#include "broker/backend/engine.h"
#include "broker/base/ids.h"
#include "broker/core/resource.h"

// From what people write to what the core knows. Errors are for people: "no clock 'uartb'; did you
// mean 'uarta'?". All take the engine's lock, for a moment.
namespace bpmp::service {

// NotFound for a name or id that nothing has; InvalidArgument for a reference that names nothing or
// is of another kind than `kind`. kNone as `kind`: the reference must say.
absl::StatusOr<core::Resource> FindResource(const backend::Engine& engine,
                                            const v1::ResourceRef& ref, core::ResourceKind kind);

// NotFound when no VM is defined by that name.
absl::StatusOr<VmId> FindVm(const backend::Engine& engine, std::string_view name);

// The name or number that the reference was written with.
std::string WrittenAs(const v1::ResourceRef& ref);

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_LOOKUP_H_
