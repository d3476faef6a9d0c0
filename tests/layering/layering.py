#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that the broker's folders include only what lies below them.

    daemon -> service, metrics, journal -> backend -> core, trace -> mrq, devicetree -> base
    ctl -> trace, mrq, devicetree, base, the generated protos
    qemu-client -> base, the generated protos

A folder may include itself and any layer below it. Folders side by side (service, metrics, journal;
mrq, devicetree) don't include each other: a layer above joins them. Beyond that, core and mrq are
pure: what they are compiled from names no transport, no telemetry, no thread and no system call
(their tests may), and neither does what of the client is built without gRPC. The host proxy's ioctls
are the business of backend/kernel alone.

Usage: layering.py [ROOT]. Prints one line a finding; the exit code is 1 when there is any.
"""

import pathlib
import re
import sys

# Lowest first. Folders of one set are side by side.
LAYERS = [{"base"}, {"mrq", "devicetree"}, {"core", "trace"}, {"backend"},
          {"service", "metrics", "journal"}, {"daemon"}]
RANK = {folder: rank for rank, folders in enumerate(LAYERS) for folder in folders}
CTL_MAY = {"ctl", "trace", "mrq", "devicetree", "base"}

PURE = {"core", "mrq"}
HOST_PROXY = "linux/tegra-bpmp-host.h"  # from kernel/include/uapi
CLIENT_MAY = {"base"}
# All others of the client are built without gRPC.
CLIENT_WITH_GRPC = {"c_api", "client", "connection", "endpoint", "error_text", "polling", "stream", "waiting"}
IMPURE = re.compile(
    r"^(grpc|grpcpp|google/protobuf|google/rpc|bpmp/v1|prometheus|spdlog|fmt|yaml-cpp|CLI|systemd"
    r"|sys|linux|netinet|arpa)/"
    r"|^(grpc\+\+|spdlog|yaml|systemd)\b"
    r"|^(thread|mutex|shared_mutex|condition_variable|future|semaphore|latch|barrier|stop_token"
    r"|filesystem|fstream|iostream|csignal)$"
    r"|^(unistd|pthread|fcntl|poll|signal|dirent|dlfcn|semaphore|threads|sched|syslog|netdb)\.h$"
    r"|^absl/synchronization/")

SOURCES = {".h", ".hh", ".hpp", ".inc", ".c", ".cc", ".cpp"}
TEST_ONLY = re.compile(r"(_test|_fuzzer|_bench|_benchmark|_for_test|_testing|_fixture)\.[a-z]+$")
SPACE = r"(?:[ \t]|\\\n)*"  # a continued line is still one directive
INCLUDE = re.compile(
    rf'^{SPACE}#{SPACE}(?:include_next|include|import){SPACE}(?:"([^"]+)"|<([^>]+)>|(\S.*))',
    re.MULTILINE)


def includes(text):
    """Yields (line number, name, is_quoted); name is None for an include that a macro computes."""
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield line, match.group(1) or match.group(2), match.group(1) is not None


def is_relative(directory, name):
    """Whether the compiler would look for `name` beside the file that includes it."""
    parts = name.split("/")
    return len(parts) == 1 or ".." in parts or "." in parts or (directory / name).exists()


def refusal(folder, directory, name, quoted, is_test):
    """Why a file of `folder`, in `directory`, may not include `name`, or None."""
    if name is None:
        return "computes the name of an include, which can't be checked"
    if (quoted or name.startswith(("broker/", "."))) and is_relative(directory, name):
        return f'includes "{name}": write the path from the project root'
    parts = name.split("/")
    if parts[0] == "tests" and quoted and not is_test:
        return f'includes "{name}": only tests may include what is in tests/'
    if name == HOST_PROXY and directory.parts[-2:] != ("backend", "kernel"):
        return f"includes <{name}>: backend/kernel speaks to the host proxy, nobody else"
    if folder in PURE and not is_test and IMPURE.search(name):
        return f"includes <{name}>: {folder} does no I/O, has no threads and knows no transport"
    if parts[0] != "broker" or len(parts) == 1:
        return None
    return above(folder, parts[1], name)


def above(folder, other, name):
    """Why `folder` may not include the broker's folder `other`, or None."""
    if other == folder:
        return None
    if folder == "ctl":
        return None if other in CTL_MAY else f'includes "{name}": ctl sees base, mrq, devicetree, trace and the protos'
    if other == "ctl":
        return f'includes "{name}": nothing is above ctl'
    if other not in RANK:
        return f'includes "{name}": {other} is not a layer (tests/layering/layering.py)'
    if RANK[other] > RANK[folder]:
        return f'includes "{name}": {other} is above {folder}'
    if RANK[other] == RANK[folder]:
        return f'includes "{name}": {other} is beside {folder}; a layer above joins them'
    return None


def check_client(root):
    """Returns the findings in the client's sources; its tests see what they like."""
    source = pathlib.Path(root) / "qemu-client" / "src"
    findings = []
    for path in sorted(p for p in source.rglob("*") if p.suffix in SOURCES):
        if TEST_ONLY.search(path.name):
            continue
        for line, name, _ in includes(path.read_text(encoding="utf-8")):
            parts = (name or "").split("/")
            reason = None
            if parts[0] == "broker" and parts[1] not in CLIENT_MAY:
                reason = f'includes "{name}": the client sees base and the protos'
            elif path.stem not in CLIENT_WITH_GRPC and IMPURE.search(name or ""):
                reason = f"includes <{name}>: {path.stem} has no threads and knows no transport"
            if reason is not None:
                findings.append(f"{path.relative_to(root)}:{line}: {reason}")
    return findings


def check(root):
    """Returns (number of files read, list of findings "path:line: text")."""
    broker = pathlib.Path(root) / "broker"
    files = 0
    findings = []
    for path in sorted(p for p in broker.rglob("*") if p.suffix in SOURCES):
        relative = path.relative_to(broker)
        folder = relative.parts[0]
        files += 1
        if len(relative.parts) < 2 or (folder not in RANK and folder != "ctl"):
            findings.append(f"broker/{relative}:1: is in no layer (tests/layering/layering.py)")
            continue
        is_test = TEST_ONLY.search(path.name) is not None
        for line, name, quoted in includes(path.read_text(encoding="utf-8")):
            reason = refusal(folder, path.parent, name, quoted, is_test)
            if reason is not None:
                findings.append(f"broker/{relative}:{line}: {reason}")
    return files, findings


def main(arguments):
    root = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parents[2])
    files, findings = check(root)
    findings += check_client(root)
    for finding in findings:
        print(finding)
    if files == 0:
        print(f"{root}/broker has no sources: nothing was checked")
        return 1
    print(f"{files} files checked, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
