// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_SIM_FIXED_ANSWERS_H_
#define BROKER_BACKEND_SIM_FIXED_ANSWERS_H_

#include "broker/mrq/types.h"

// What a Tegra234's firmware answers where no state is involved. The figures (memory latencies,
// CPU limits) are plausible and invented.
namespace bpmp::backend::sim {

mrq::Response FixedAnswer(const mrq::PingRequest& request);
mrq::Response FixedAnswer(const mrq::QueryAbiRequest& request);
mrq::Response FixedAnswer(const mrq::QueryFwTagRequest& request);
mrq::Response FixedAnswer(const mrq::EmcDvfsLatencyRequest& request);
mrq::Response FixedAnswer(const mrq::CpuNdivLimitsRequest& request);

}  // namespace bpmp::backend::sim

#endif  // BROKER_BACKEND_SIM_FIXED_ANSWERS_H_
