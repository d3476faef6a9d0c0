// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/figures.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <vector>

namespace bpmp::bench {

void Print(const Figure& figure) {
  const bool ok = figure.at_most ? figure.value <= figure.target : figure.value >= figure.target;
  std::printf("%s\t%.3g\t%s\t%s%g\t%s\n", figure.name.c_str(), figure.value, figure.unit.c_str(),
              figure.at_most ? "<=" : ">=", figure.target, ok ? "ok" : "short");
  std::fflush(stdout);
}

void PrintPart(const std::string& name, double value, const std::string& unit) {
  std::printf("%s\t%.3g\t%s\t-\t-\n", name.c_str(), value, unit.c_str());
  std::fflush(stdout);
}

double Quantile(std::vector<double> values, double share) {
  if (values.empty()) return std::nan("");
  const auto index = static_cast<size_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(index), values.end());
  return values[index];
}

double Median(std::vector<double> values) { return Quantile(std::move(values), 0.5); }

}  // namespace bpmp::bench
