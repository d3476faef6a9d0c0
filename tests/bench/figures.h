// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_BENCH_FIGURES_H_
#define TESTS_BENCH_FIGURES_H_

#include <string>
#include <vector>

namespace bpmp::bench {

// One line of the benchmark's output: "name<TAB>value<TAB>unit<TAB>target<TAB>ok|short".
struct Figure {
  std::string name;
  double value = 0;
  std::string unit;     // "ratio", "million/s"
  bool at_most = true;  // the target is an upper bound
  double target = 0;
};

void Print(const Figure& figure);
// What has no target, as the parts of a figure: a line of the same form with "-" for target and
// verdict.
void PrintPart(const std::string& name, double value, const std::string& unit);

double Median(std::vector<double> values);
// `share` of the values are at or below it: 0.99 for p99. The values need not be sorted.
double Quantile(std::vector<double> values, double share);

}  // namespace bpmp::bench

#endif  // TESTS_BENCH_FIGURES_H_
