#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the source of a device tree with the nodes of broker/backend/sim/data/t234_devices.csv.

What of a node the table doesn't have is made up, so that a reader meets it: every third node also
lists a clock of another provider before its own, every fourth a reset of another, every fifth is
disabled, and all are behind an IOMMU.

Usage: make_t234_tree.py DEVICES.csv OUTPUT.dts
"""

import csv
import sys

# As the kernel's sources call them.
LABELS = {"/bus@0/serial@3100000": "uarta", "/bus@0/host1x@13e00000": "host1x",
          "/bus@0/dma-controller@2600000": "gpcdma", "/bus@0/fuse@3810000": "efuse"}

HEAD = """/dts-v1/;
/ {
\tmodel = "made from t234_devices.csv";
\tcompatible = "nvidia,p3737-0000+p3701-0000", "nvidia,p3701-0000", "nvidia,tegra234";
\tinterrupt-parent = <&gic>;
\t#address-cells = <2>;
\t#size-cells = <2>;

\taliases { serial0 = "/bus@0/serial@3100000"; };
\tbpmp: bpmp {
\t\tcompatible = "nvidia,tegra234-bpmp", "nvidia,tegra186-bpmp";
\t\t#clock-cells = <1>;
\t\t#reset-cells = <1>;
\t\t#power-domain-cells = <1>;
\t};
\tgic: interrupt-controller { #interrupt-cells = <3>; interrupt-controller; };
\tsmmu: iommu { #iommu-cells = <1>; };
\tosc: osc { compatible = "fixed-clock"; #clock-cells = <0>; clock-frequency = <38400000>; };
\texpander: expander { #reset-cells = <2>; };
"""


def references(field):
    """The ids of "155:uarta 102:pllp_out0"."""
    return [word.split(":")[0] for word in field.split()]


def listed(name, before, ids):
    """One property, or nothing."""
    entries = ([before] if before else []) + [f"<&bpmp {i}>" for i in ids]
    return [f"{name} = {', '.join(entries)};"] if entries else []


def properties(row, number):
    lines = [f'compatible = "{row["compatible"]}";'] if row["compatible"] else []
    clocks = references(row["clocks"])
    other_clock = "<&osc>" if number % 3 == 0 and clocks else ""
    other_reset = "<&expander 1 2>" if number % 4 == 0 and row["resets"] else ""
    lines += listed("clocks", other_clock, clocks)
    if clocks:
        names = (["osc"] if other_clock else []) + [w.split(":")[1] for w in row["clocks"].split()]
        lines.append("clock-names = " + ", ".join(f'"{n}"' for n in names) + ";")
    lines += listed("resets", other_reset, references(row["resets"]))
    lines += listed("power-domains", "", references(row["power_domains"]))
    lines += listed("assigned-clocks", "", references(row["assigned_clocks"]))
    lines.append(f"iommus = <&smmu {number}>;")
    if number % 5 == 0:
        lines.append('status = "disabled";')
    return lines


def write(tree, path, depth, out):
    """`tree` maps the names of child nodes to [properties, children]."""
    indent = "\t" * depth
    for name, (lines, children) in tree.items():
        here = f"{path}/{name}"
        label = f"{LABELS[here]}: " if here in LABELS else ""
        out.append(f"{indent}{label}{name} {{")
        out += [f"{indent}\t{line}" for line in lines]
        write(children, here, depth + 1, out)
        out.append(f"{indent}}};")


def main(devices, output):
    tree = {}
    with open(devices, encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file)):
            children = tree
            *above, name = row["node"].strip("/").split("/")
            for part in above:
                children = children.setdefault(part, [[], {}])[1]
            children.setdefault(name, [[], {}])[0] += properties(row, number)
    out = []
    write(tree, "", 1, out)
    with open(output, "w", encoding="utf-8") as file:
        file.write(HEAD + "\n".join(out) + "\n};\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
