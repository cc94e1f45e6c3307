# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves of each convention check that it finds a planted violation and leaves good code alone."""
import json
import shutil
import tempfile
import unittest
from pathlib import Path

import check_coroutines
import check_docs
import check_format
import check_headers
import check_includes
import check_length
import check_python_api
import check_text
import check_tidy
import tree

ROOT = Path(__file__).resolve().parents[2]
CPP_HEAD = "// SPDX-License-Identifier: GPL-3.0-or-later\n// A test.\n"


class Planted(unittest.TestCase):
    """A scratch tree that a test fills."""

    def setUp(self):
        self.root = Path(tempfile.mkdtemp()).resolve()
        self.addCleanup(shutil.rmtree, self.root)

    def plant(self, name, text):
        """Writes one file of the scratch tree."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def plant_build(self, *sources):
        """A build directory that knows how the sources are compiled."""
        entries = [{"directory": str(self.root), "file": source, "command": f"ccache g++ -std=c++20 -I{self.root} "
                    f"-Winvalid-pch -include cmake_pch.hxx -o x.o -c {source}"} for source in sources]
        self.plant("build/compile_commands.json", json.dumps(entries))
        return self.root / "build"


class Format(Planted):
    def test_finds_an_unformatted_source_and_accepts_a_formatted_one(self):
        shutil.copy(ROOT / ".clang-format", self.root)
        self.plant("good.cpp", "int f() {\n    return 1;\n}\n")
        self.assertEqual(check_format.violations(self.root), [])
        self.plant("bad.cpp", "int f( ){\n  return 1 ;}\n")
        self.assertRegex("\n".join(check_format.violations(self.root)), r"^bad\.cpp:1: not formatted")


class Tidy(Planted):
    def test_finds_a_c_style_cast(self):
        shutil.copy(ROOT / ".clang-tidy", self.root)
        self.plant("good.cpp", "int f(long value) {\n    return static_cast<int>(value);\n}\n")
        self.plant("bad.cpp", "int* f(void* value) {\n    return (int*)value;\n}\n")
        build = self.plant_build("good.cpp", "bad.cpp")
        found = check_tidy.violations(self.root, build, every=True)
        self.assertEqual(len(found), 1, found)
        self.assertIn("bad.cpp:2", found[0])


class Headers(Planted):
    def test_finds_a_header_that_needs_another_one_first(self):
        self.plant("a/source.cpp", "int x;\n")
        self.plant("a/good.hpp", "#pragma once\n#include <string>\ninline std::string good;\n")
        build = self.plant_build("a/source.cpp")
        self.assertEqual(check_headers.violations(self.root, build), [])
        self.plant("a/bad.hpp", "#pragma once\ninline std::string bad;\n")
        self.assertRegex("\n".join(check_headers.violations(self.root, build)), r"^a/bad\.hpp:1: does not compile alone")


class Includes(Planted):
    def found(self, name, include):
        """The violations of one file with one include."""
        self.plant(name, CPP_HEAD + f"#include {include}\n")
        return check_includes.of_file(self.root, Path(name))

    def test_arrows_point_one_way(self):
        self.plant("tubes/include/tubes/error.hpp", "")
        for name, include in (("tubes/core/a.cpp", '"transports/ice/agent.hpp"'), ("tubes/base/a.cpp", '"tubes/core/b.hpp"'),
                              ("presence/xmpp/a.cpp", '"transports/tls/b.hpp"'), ("transports/a.cpp", '"presence/b.hpp"'),
                              ("samples/x/a.cpp", '"tubes/base/bytes.hpp"'), ("tubes/client/a.cpp", '"tubes/engine/b.hpp"'),
                              ("tubes/include/tubes/a.hpp", '"tubes/base/bytes.hpp"'), ("tubes/core/a.cpp", '"near.hpp"')):
            self.assertTrue(self.found(name, include), (name, include))
        for name, include in (("tubes/core/a.cpp", '"tubes/base/b.hpp"'), ("samples/x/a.cpp", '"tubes/error.hpp"'),
                              ("tubes/engine/a.cpp", '"transports/ice/b.hpp"'), ("tests/unit/a.cpp", '"tubes/core/b.hpp"')):
            self.assertEqual(self.found(name, include), [])

    def test_libraries_stay_in_their_folder(self):
        for name, include in (("tubes/core/a.cpp", "<openssl/ssl.h>"), ("presence/local/a.cpp", "<gloox/client.h>"),
                              ("tubes/engine/a.cpp", "<usrsctp.h>"), ("tubes/base/a.cpp", "<google/protobuf/message.h>"),
                              ("tubes/include/tubes/a.hpp", "<fmt/format.h>"), ("transports/a.cpp", "<gtest/gtest.h>")):
            self.assertTrue(self.found(name, include), (name, include))
        for name, include in (("transports/tls/a.cpp", "<openssl/ssl.h>"), ("presence/xmpp/a.cpp", "<gloox/client.h>"),
                              ("tubes/include/tubes/a.hpp", "<boost/asio/any_io_executor.hpp>")):
            self.assertEqual(self.found(name, include), [])

    def test_core_has_no_socket_thread_or_clock(self):
        self.assertTrue(self.found("tubes/core/a.cpp", "<sys/socket.h>"))
        self.assertTrue(self.found("tubes/core/a.cpp", "<thread>"))
        self.plant("tubes/core/b.cpp", CPP_HEAD + "auto t = std::chrono::steady_clock::now();\n")
        self.assertTrue(check_includes.of_file(self.root, Path("tubes/core/b.cpp")))


class Coroutines(unittest.TestCase):
    def found(self, body):
        """The violations in a coroutine's body."""
        return check_coroutines.of_text(Path("a.cpp"), f"awaitable<void> f() {{\n    {body}\n}}\n")

    def test_finds_the_shapes_that_are_destroyed_twice(self):
        for body in ("co_await async_run([this] { go(); });", "auto x = co_await g(Buffer{1, 2});", "co_await g({a, b});",
                     "co_await g(1,\n    [a, &b](int c) { return c; },\n    2);",
                     "co_await co_spawn(e, [self]() -> awaitable<void> { co_return; }, token);",
                     "if (co_await ask(Question{text})) {\n        go();\n    }", "send(Frame{1}, co_await next());"):
            self.assertEqual(len(self.found(body)), 1, body)

    def test_accepts_named_objects_and_coroutines_inside_lambdas(self):
        for body in ("auto run = [this] { go(); };\n    co_await async_run(std::move(run));",
                     "Buffer buffer{1, 2};\n    auto x = co_await g(std::move(buffer));",
                     "if (a) {\n        b();\n    }\n    co_await c();", "if (co_await ask()) {\n        go();\n    }",
                     "co_spawn(e, [self]() -> awaitable<void> { co_await self->run(); }, detached);",
                     "co_await g(values[i], [] { return 1; });", "// co_await g(Buffer{1})", "while (co_await more()) {\n    }"):
            self.assertEqual(self.found(body), [], body)


class Length(unittest.TestCase):
    def found(self, name, text):
        """The violations of one text."""
        return check_length.of_text(Path(name), text)

    def test_finds_long_files_and_long_functions(self):
        self.assertTrue(self.found("a.cpp", "// line\n" * 401))
        long_body = "    g();\n" * 60
        for head in ("int f() {", "A::A(int a) : a_{a}, b_(2) {", "auto B::f(std::vector<int> x = {}) const -> int {",
                     "TEST(Name, Does) {", "template <class T>\nvoid f(T t) noexcept {", "bool operator==(A a, A b) {"):
            text = f"namespace x {{\n{head}\n{long_body}}}\n}}\n"
            self.assertEqual(len(self.found("a.cpp", text)), 1, head)
        self.assertTrue(self.found("a.py", "def f():\n" + "    g()\n" * 61))

    def test_accepts_long_namespaces_classes_and_tables(self):
        lines = "    g(1);\n" * 70
        for head in ("namespace a {", "class A final : public B {", "enum class E : std::uint8_t {",
                     "constexpr std::array<int, 70> kTable = {", 'extern "C" {'):
            self.assertEqual(self.found("a.cpp", f"{head}\n{lines}}};\n"), [], head)
        self.assertEqual(self.found("a.cpp", "void f() {\n" + "    g();\n" * 58 + "}\n"), [])


class Text(Planted):
    def test_finds_missing_heads_paths_and_registries(self):
        machine_path, registry = "/wo" + "rk/main", "https://registry.npmjs" + ".org"
        for name, text in (("a.cpp", "int x;\n"), ("tubes/include/tubes/a.hpp", CPP_HEAD), ("a.hpp", CPP_HEAD.split("\n")[0] + "\nint x;"),
                           ("b.cpp", CPP_HEAD + f'auto p = "{machine_path}";\n'), ("c.md", f"see {registry}\n"),
                           ("scripts/x", "#!/bin/bash\nset -e\n"), ("x.py", "import os\n")):
            self.assertTrue(check_text.of_text(Path(name), text), name)

    def test_accepts_good_heads(self):
        lgpl = "// SPDX-License-Identifier: LGPL-2.1-or-later\n// A test.\n"
        for name, text in (("a.cpp", CPP_HEAD), ("tubes/include/tubes/a.hpp", lgpl), ("notes.md", "in /home/alice/x\n"),
                           ("s", "#!/bin/sh\n# SPDX-License-Identifier: GPL-3.0-or-later\n# Runs.\n")):
            self.assertEqual(check_text.of_text(Path(name), text), [], name)

    def test_misses_the_changelog_of_a_tree_without_one(self):
        self.assertTrue(any("CHANGELOG.md" in violation for violation in check_text.violations(self.root)))


class Docs(Planted):
    def test_finds_an_undocumented_public_function(self):
        head = "// SPDX-License-Identifier: LGPL-2.1-or-later\n/// \\file\n/// A test.\n#pragma once\n/// Names.\nnamespace tubes {\n"
        self.plant("tubes/include/tubes/a.hpp", head + "/// Opens it.\nvoid open();\n}\n")
        self.assertEqual(check_docs.violations(self.root), [])
        self.plant("tubes/include/tubes/a.hpp", head + "/// A thing.\nclass Thing {\npublic:\n    void open();\n};\n}\n")
        self.assertRegex("\n".join(check_docs.violations(self.root)), r"open\(\).* is not documented")


class PythonApi(Planted):
    def test_finds_what_python_lacks_and_reasons_without_need(self):
        self.plant("tubes/include/tubes/a.hpp", "/// A.\nclass TUBES_API Thing {\npublic:\n    template <class Token>\n"
                   "    auto async_go(Token&& token) {\n        return run(token);\n    }\nprivate:\n    int hidden_;\n};\n"
                   "struct Info {\n    std::string one, two;\n    std::size_t three = 0;\n};\n"
                   "enum class Mode : std::uint8_t { fast = 1, slow };\nTUBES_API bool is_good(int value);\n"
                   "struct ListenOptions {\n    bool loud = false;\n};\n")
        lines = ["class Thing:", "    def go(self): ...", "class Info:", "    one: str", "    two: str", "    three: int",
                 "class Mode:", "    FAST = 1", "    SLOW = 2", "def is_good(value): ...", "class Tube:",
                 "    def listen(self, *, loud): ..."]
        self.plant("bindings/python/tubes/a.py", "\n".join(lines) + "\n")
        self.plant("bindings/python/left_out.toml", "")
        self.assertEqual(check_python_api.violations(self.root), [])
        for missing in (1, 3, 4, 5, 7, 8, 9, 11):
            rest = [line.replace("loud", "x") if number == missing else line for number, line in enumerate(lines)
                    if number != missing or missing == 11]
            self.plant("bindings/python/tubes/a.py", "\n".join(rest).replace("Thing:\nclass", "Thing: ...\nclass"))
            self.assertEqual(len(check_python_api.violations(self.root)), 1, lines[missing])
        self.plant("bindings/python/left_out.toml", '"Tube.listen" = "x"\n"ListenOptions.loud" = "no sound here"\n')
        self.assertEqual([violation for violation in check_python_api.violations(self.root)],
                         ["bindings/python/left_out.toml:1: the reason for Tube.listen is not needed"])


class Blanking(unittest.TestCase):
    def test_empties_comments_and_literals_and_keeps_lines(self):
        text = 'a // {\n/* {\n*/ "}" \'{\' R"x(\n{)x" 1\'000 b\n'
        self.assertEqual(tree.blank(text).count("\n"), text.count("\n"))
        self.assertNotRegex(tree.blank(text), r"[{}]")
        self.assertIn("1'000 b", tree.blank(text))


if __name__ == "__main__":
    unittest.main()
