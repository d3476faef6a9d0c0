#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that layering.py finds what it is there to find, on small trees made for it."""

import contextlib
import io
import pathlib
import tempfile
import unittest

import layering

# One line each, in a file of its own: path under broker/, the line, and what the finding must say.
BAD = [
    ("base/a.h", '#include "broker/mrq/types.h"', "mrq is above base"),
    ("mrq/a.cc", '#include "broker/core/backend.h"', "core is above mrq"),
    ("core/a.h", '#include "broker/backend/worker.h"', "backend is above core"),
    ("core/deep/a.h", '#include "broker/backend/sim/model.h"', "backend is above core"),
    ("backend/sim/a.cc", '#include "broker/service/guest.h"', "service is above backend"),
    ("backend/a.cc", '#include "broker/metrics/exporter.h"', "metrics is above backend"),
    ("service/a.cc", '#include "broker/daemon/daemon.h"', "daemon is above service"),
    ("service/a.cc", '#include "broker/metrics/exporter.h"', "metrics is beside service"),
    ("journal/a.cc", '#include "broker/service/guest.h"', "service is beside journal"),
    ("devicetree/a.cc", '#include "broker/mrq/types.h"', "mrq is beside devicetree"),
    ("devicetree/a.cc", '#include "broker/core/profile.h"', "core is above devicetree"),
    ("ctl/a.cc", '#include "broker/core/core.h"', "ctl sees base, mrq"),
    ("trace/a.cc", '#include "broker/core/core.h"', "core is beside trace"),
    ("core/a.cc", '#include "broker/trace/record.h"', "trace is beside core"),
    ("daemon/a.cc", '#include "broker/ctl/table.h"', "nothing is above ctl"),
    ("core/a_test.cc", '#include "broker/service/guest.h"', "service is above core"),
    ("core/a.cc", "#include <grpcpp/grpcpp.h>", "no threads"),
    ("core/a.cc", '#include "bpmp/v1/guest.pb.h"', "knows no transport"),
    ("core/a.cc", "#include <bpmp/v1/guest.pb.h>", "knows no transport"),
    ("core/a.cc", "#include <google/protobuf/message.h>", "knows no transport"),
    ("core/a.cc", "#include <prometheus/counter.h>", "knows no transport"),
    ("core/a.cc", "#include <spdlog/spdlog.h>", "knows no transport"),
    ("core/a.cc", "#include <yaml-cpp/yaml.h>", "knows no transport"),
    ("core/a.cc", "#include <systemd/sd-daemon.h>", "knows no transport"),
    ("core/a.cc", "#include <thread>", "has no threads"),
    ("mrq/a.h", "#include <mutex>", "has no threads"),
    ("mrq/a.cc", "#include <unistd.h>", "does no I/O"),
    ("mrq/a.cc", "#include <sys/socket.h>", "does no I/O"),
    ("mrq/a.cc", "  #  include\t<sys/mman.h>  // why not", "does no I/O"),
    ("mrq/a.cc", "#include \\\n<sys/mman.h>", "does no I/O"),
    ("mrq/a.cc", '#include "types.h"', "from the project root"),
    ("mrq/a.cc", '#include "../core/core.h"', "from the project root"),
    ("mrq/a.cc", '#include "broker/mrq/../core/core.h"', "from the project root"),
    ("mrq/a.cc", "#include <broker/core/core.h>", "core is above mrq"),
    ("mrq/a.cc", "#include <broker/mrq/../core/core.h>", "from the project root"),
    ("mrq/a.cc", "#include CORE_HEADER", "can't be checked"),
    ("mrq/a.cc", '#include "tests/lib/fixture.h"', "only tests"),
    ("backend/a.cc", "#include <linux/tegra-bpmp-host.h>", "nobody else"),
    ("backend/sim/a_test.cc", "#include <linux/tegra-bpmp-host.h>", "nobody else"),
    ("daemon/a.cc", "#include <linux/tegra-bpmp-host.h>", "nobody else"),
    ("extra/a.cc", "#include <vector>", "in no layer"),
    ("a.cc", "#include <vector>", "in no layer"),
    ("base/a.cc", '#include "broker/extra/a.h"', "not a layer"),
]

GOOD = [
    ("base/a.h", "#include <mutex>"),
    ("mrq/a.cc", '#include "broker/base/ids.h"'),
    ("mrq/a.cc", '#include "broker/mrq/types.h"'),
    ("core/a.cc", '#include "broker/base/mutex.h"'),
    ("core/a.cc", "#include <vector>"),
    ("core/a.cc", '#include "absl/status/status.h"'),
    ("core/a.cc", "// #include <thread> is for others"),
    ("core/a_test.cc", "#include <thread>"),
    ("mrq/a_fuzzer.cc", "#include <iostream>"),
    ("backend/worker.cc", "#include <thread>"),
    ("backend/sim/a.cc", '#include "broker/core/backend.h"'),
    ("backend/kernel/a.cc", "#include <linux/tegra-bpmp-host.h>"),
    ("service/a.cc", '#include "broker/core/core.h"'),
    ("service/a.cc", '#include "bpmp/v1/guest.grpc.pb.h"'),
    ("service/a_test.cc", '#include "tests/lib/fixture.h"'),
    ("metrics/a.cc", "#include <prometheus/counter.h>"),
    ("daemon/a.cc", '#include "broker/service/guest.h"'),
    ("daemon/a.cc", '#include "broker/metrics/exporter.h"'),
    ("ctl/a.cc", '#include "bpmp/v1/admin.grpc.pb.h"'),
    ("ctl/a.cc", '#include "broker/mrq/codec.h"'),
    ("ctl/a.cc", '#include "broker/trace/reader.h"'),
    ("backend/sim/a.cc", '#include "broker/trace/reader.h"'),
    ("trace/a.cc", '#include "broker/mrq/codec.h"'),
    ("ctl/a.cc", '#include "broker/devicetree/tree.h"'),
    ("devicetree/a.cc", "#include <fcntl.h>"),
]


def check_one(path, line):
    with tempfile.TemporaryDirectory() as root:
        file = pathlib.Path(root) / "broker" / path
        file.parent.mkdir(parents=True)
        file.write_text(f"// A comment.\n\n{line}\nint x;\n", encoding="utf-8")
        return layering.check(root)


class LayeringTest(unittest.TestCase):

    def test_finds_every_bad_include(self):
        for path, line, wanted in BAD:
            with self.subTest(path=path, line=line):
                files, findings = check_one(path, line)
                self.assertEqual(files, 1)
                self.assertEqual(len(findings), 1, findings)
                self.assertIn(wanted, findings[0])
                self.assertTrue(findings[0].startswith(f"broker/{path}:"), findings[0])

    def test_says_the_line(self):
        _, findings = check_one("core/a.cc", "#include <thread>")
        self.assertTrue(findings[0].startswith("broker/core/a.cc:3: "), findings[0])

    def test_finds_each_of_several(self):
        lines = "#include <thread>\n#include <vector>\n#include <mutex>"
        _, findings = check_one("core/a.cc", lines)
        self.assertEqual(len(findings), 2)

    def test_finds_an_include_beside_the_file(self):
        with tempfile.TemporaryDirectory() as root:
            backend = pathlib.Path(root) / "broker" / "backend"
            (backend / "sim").mkdir(parents=True)
            (backend / "sim" / "model.h").write_text("int x;\n", encoding="utf-8")
            (backend / "a.cc").write_text('#include "sim/model.h"\n', encoding="utf-8")
            files, findings = layering.check(root)
            self.assertEqual(files, 2)
            self.assertEqual(len(findings), 1, findings)
            self.assertIn("from the project root", findings[0])

    def test_leaves_good_includes_alone(self):
        for path, line in GOOD:
            with self.subTest(path=path, line=line):
                self.assertEqual(check_one(path, line), (1, []))

    def test_the_client(self):
        for file, line, wanted in [
                ("client.cc", '#include "broker/mrq/types.h"', "the client sees base"),
                ("request_table.h", "#include <thread>", "has no threads"),
                ("read_ahead.cc", "#include <mutex>", "has no threads"),
                ("another.h", "#include <mutex>", "has no threads"),
                ("vote_record.cc", "#include <grpcpp/channel.h>", "knows no transport"),
                ("client.cc", "#include <thread>", None),
                ("client.cc", '#include "broker/base/mutex.h"', None),
                ("client_test.cc", '#include "broker/mrq/types.h"', None),
        ]:
            with self.subTest(file=file, line=line), tempfile.TemporaryDirectory() as root:
                source = pathlib.Path(root) / "qemu-client" / "src" / file
                source.parent.mkdir(parents=True)
                source.write_text(line + "\n", encoding="utf-8")
                findings = layering.check_client(root)
                self.assertEqual(len(findings), 0 if wanted is None else 1, findings)
                if wanted is not None:
                    self.assertIn(wanted, findings[0])

    def test_exit_codes(self):
        with tempfile.TemporaryDirectory() as root, contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(layering.main([root]), 1, "an empty tree is not a clean one")
            source = pathlib.Path(root) / "broker" / "core" / "a.cc"
            source.parent.mkdir(parents=True)
            source.write_text("#include <vector>\n", encoding="utf-8")
            self.assertEqual(layering.main([root]), 0)
            source.write_text("#include <thread>\n", encoding="utf-8")
            self.assertEqual(layering.main([root]), 1)


if __name__ == "__main__":
    unittest.main()
