// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/check_report.h"

#include <algorithm>

#include "broker/ctl/selftest_checks.h"

namespace bpmp::ctl {

ExitCode ShowReport(Context& context, v1::SelftestReport report) {
  report.set_passed(std::all_of(report.checks().begin(), report.checks().end(),
                                [](const v1::SelftestCheck& check) { return check.passed(); }));
  return context.Show(
      report, [&] { return SelftestText(report, context.style()); },
      report.passed() ? ExitCode::kOk : ExitCode::kFailed);
}

}  // namespace bpmp::ctl
