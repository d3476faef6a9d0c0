// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_MAN_PAGE_H_
#define BROKER_CTL_MAN_PAGE_H_

#include <string>

#include "CLI/CLI.hpp"

namespace bpmp::ctl {

// The hidden verb that prints the page. The build calls it.
inline constexpr char kManPageVerb[] = "__man";

// bpmpctl(1) in man(7)'s language: every verb, argument and option of the command line, as --help
// has them.
std::string ManPage(const CLI::App& root);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_MAN_PAGE_H_
