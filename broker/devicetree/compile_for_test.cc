// SPDX-License-Identifier: Apache-2.0
#include "broker/devicetree/compile_for_test.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

namespace bpmp::devicetree {
namespace {

[[noreturn]] void Die(const std::string& what) {
  std::cerr << what << std::endl;
  std::abort();
}

std::string Contents(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

}  // namespace

std::string Compile(const std::string& source) {
  std::string directory = "/tmp/bpmp-dtc-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) Die("can't make " + directory);
  const std::string in = directory + "/test.dts";
  const std::string out = directory + "/test.dtb";
  const std::string log = directory + "/log";
  std::ofstream(in) << source;
  // NOLINTNEXTLINE(cert-env33-c): the command is this file's own.
  const int status =
      std::system(("dtc -q -@ -I dts -O dtb -o " + out + " " + in + " >" + log + " 2>&1").c_str());
  const std::string said = Contents(log);
  std::string bytes = Contents(out);
  for (const std::string& file : {in, out, log}) unlink(file.c_str());
  rmdir(directory.c_str());
  if (status != 0) Die("dtc doesn't take this:\n" + source + "\n" + said);
  return bytes;
}

Tree CompileTree(const std::string& source) {
  auto tree = Tree::Parse(Compile(source), "test.dtb");
  if (!tree.ok()) Die(std::string(tree.status().message()));
  return *std::move(tree);
}

std::string T234Source() {
  std::string source = Contents(BPMP_T234_TREE);
  if (source.empty()) Die("there is no " BPMP_T234_TREE);
  return source;
}

std::string BoardSource(const std::string& nodes) {
  return R"(/dts-v1/;
/ {
  compatible = "nvidia,p3737-0000+p3701-0000", "nvidia,tegra234";
  #address-cells = <2>;
  #size-cells = <2>;
  bpmp: bpmp {
    compatible = "nvidia,tegra234-bpmp", "nvidia,tegra186-bpmp";
    #clock-cells = <1>;
    #reset-cells = <1>;
    #power-domain-cells = <1>;
  };
  osc: clock { compatible = "fixed-clock"; #clock-cells = <0>; };
  pmc: pmc { #clock-cells = <2>; };
  gpio: gpio { #reset-cells = <1>; };
)" + nodes +
         "};\n";
}

}  // namespace bpmp::devicetree
