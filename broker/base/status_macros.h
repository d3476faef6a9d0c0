// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BASE_STATUS_MACROS_H_
#define BROKER_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// The only two macros for errors in this tree. Both leave the calling function with the status of
// the first expression that failed, unchanged; add context where it is known, not here.

// BPMP_RETURN_IF_ERROR(DoIt(x));
#define BPMP_RETURN_IF_ERROR(expr)                              \
  do {                                                          \
    if (absl::Status bpmp_status = (expr); !bpmp_status.ok()) { \
      return bpmp_status;                                       \
    }                                                           \
  } while (false)

// BPMP_ASSIGN_OR_RETURN(auto value, Compute(x));
// NOLINTBEGIN(bugprone-macro-parentheses): a declaration takes no parentheses.
#define BPMP_ASSIGN_OR_RETURN(declaration, expr) \
  BPMP_ASSIGN_OR_RETURN_(BPMP_CONCAT_(bpmp_result_, __LINE__), declaration, expr)

#define BPMP_ASSIGN_OR_RETURN_(result, declaration, expr) \
  auto result = (expr);                                   \
  if (!result.ok()) {                                     \
    return std::move(result).status();                    \
  }                                                       \
  declaration = *std::move(result)
// NOLINTEND(bugprone-macro-parentheses)

#define BPMP_CONCAT_(a, b) BPMP_CONCAT_INNER_(a, b)
#define BPMP_CONCAT_INNER_(a, b) a##b

#endif  // BROKER_BASE_STATUS_MACROS_H_
