#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Prints the conformance vectors as C, for the kernel's unit tests.

usage: conformance-vectors.py FOLDER

FOLDER holds *.txt as tests/conformance/README.md describes them. Each `request` line becomes one

    VECTOR(label, mrq, "bytes", size, exact, error, type, cmd, id, rate, word, rx)

of which error is 0 or a positive BPMP_E*, and word is what `parent`, `arg`, `challenge` or `mrq` says;
and each `answer` line

    ANSWER(label, err, "bytes", size)

Whoever includes the output defines both.
"""
import pathlib
import sys

WORDS = ("parent", "arg", "challenge", "mrq")


def keys(words):
    return dict(word.split("=", 1) for word in words if "=" in word)


def c_number(text):
    number = int(text)
    return "S64_MIN" if number == -(2**63) else f"{number}LL"


def c_bytes(text):
    data = b"" if text == "-" else bytes.fromhex(text)
    return '"' + "".join(f"\\x{byte:02x}" for byte in data) + f'", {len(data)}'


def vector(line):
    left, right = line.split(" => ")
    label, given = left.split()[1], keys(left.split()[2:])
    outcome, *rest = right.split()
    value = keys(rest)
    word = next((value[name] for name in WORDS if name in value), "0")
    failed = outcome == "error"
    return "VECTOR({})".format(
        ", ".join(
            (
                f'"{label}"',
                given["mrq"] + "u",
                c_bytes(given["tx"]),
                str(int(outcome == "exact")),
                f"BPMP_{rest[0]}" if failed else "0",
                '""' if failed else f'"{rest[0]}"',
                value.get("cmd", "0") + "u",
                value.get("id", "0") + "u",
                c_number(value.get("rate", "0")),
                word + "u",
                value.get("rx", "0") + "u",
            )
        )
    )


def answer(line):
    words = line.split(" => ")[0].split()
    given = keys(words[2:])
    return f'ANSWER("{words[1]}", {given["err"]}, {c_bytes(given["rx"])})'


PRINTED = {"request": vector, "answer": answer}


def main():
    files = sorted(pathlib.Path(sys.argv[1]).glob("*.txt"))
    if not files:
        sys.exit(f"{sys.argv[1]}: no vectors here")
    print("/* Made by conformance-vectors.py. */")
    for path in files:
        for line in path.read_text(encoding="ascii").splitlines():
            kind = line.partition(" ")[0]
            if kind in PRINTED:
                print(PRINTED[kind](line))


main()
