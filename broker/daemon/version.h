// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_VERSION_H_
#define BROKER_DAEMON_VERSION_H_

namespace bpmp::daemon {

// The project's, from CMakeLists.txt.
inline constexpr char kVersion[] = BPMP_VERSION;

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_VERSION_H_
