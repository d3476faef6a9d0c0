// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DEVICETREE_COMPILE_FOR_TEST_H_
#define BROKER_DEVICETREE_COMPILE_FOR_TEST_H_

#include <string>

#include "broker/devicetree/tree.h"

namespace bpmp::devicetree {

// What dtc makes of a device tree's source, with its labels (-@). Fails the test, with dtc's words,
// when dtc doesn't take it.
std::string Compile(const std::string& source);

// A Tree of that, whose origin is "test.dtb".
Tree CompileTree(const std::string& source);

// A source with a BPMP (label `bpmp`), a fixed clock (`osc`, no cells), another clock provider
// (`pmc`, two cells), another reset provider (`gpio`, one cell), and `nodes`, all in the root.
std::string BoardSource(const std::string& nodes);

// The source of a device tree with all nodes of the AGX Orin's that use the BPMP
// (make_t234_tree.py).
std::string T234Source();

}  // namespace bpmp::devicetree

#endif  // BROKER_DEVICETREE_COMPILE_FOR_TEST_H_
