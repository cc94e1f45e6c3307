# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs a build into a scratch prefix and builds and runs a foreign project with it."""
import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CONSUMER = Path(__file__).resolve().parent / "consumer"


def run(*command, **options):
    """Runs one command; what it printed. Ends the test where it fails."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def check_libraries(prefix):
    """The shared libraries' names follow the version, and the LGPL one needs no GPL code."""
    for library in sorted(prefix.rglob("libtubes-*.so")):
        dynamic = run("readelf", "-d", library)
        assert "libtubes-" in dynamic and ".so.0]" in dynamic, f"{library} has no versioned SONAME\n{dynamic}"
        if "client" in library.name:
            for foreign in ("gloox", "engine", "nice", "usrsctp", "ssl"):
                assert foreign not in dynamic, f"tubes-client links {foreign}"
        symbols = run("nm", "-D", "--defined-only", "-C", library)
        leaked = [line for line in symbols.splitlines() if "tubes::v0" not in line and "TUBES_0" not in line]
        assert not leaked, f"{library.name} exports {leaked[:3]}"


def with_cmake(arguments, prefix, scratch):
    """The programs built through find_package."""
    flags = [f"-DCMAKE_CXX_FLAGS=-fsanitize={arguments.sanitize}"] if arguments.sanitize else []
    run(arguments.cmake, "-S", CONSUMER, "-B", scratch / "cmake", f"-DCMAKE_PREFIX_PATH={prefix}",
        f"-DCMAKE_CXX_COMPILER={arguments.compiler}", *flags)
    run(arguments.cmake, "--build", scratch / "cmake")
    return [scratch / "cmake" / name for name in ("uses_client", "uses_engine") if (scratch / "cmake" / name).exists()]


def with_pkg_config(arguments, prefix, scratch):
    """The programs built through pkg-config."""
    folders = os.pathsep.join(str(path) for path in prefix.rglob("pkgconfig"))
    environment = {**os.environ, "PKG_CONFIG_PATH": folders}
    programs = []
    for package in ("tubes-client", "tubes-engine"):
        if subprocess.run(["pkg-config", "--exists", package], env=environment, check=False).returncode != 0:
            continue
        words = run("pkg-config", "--define-prefix", "--cflags", "--libs", package, env=environment).split()
        program, source = scratch / f"pkg_{package}", CONSUMER / f"{package.split('-')[1]}.cpp"
        flags = [f"-fsanitize={arguments.sanitize}"] if arguments.sanitize else []
        run(arguments.compiler, "-std=c++20", *flags, source, "-o", program, *words,
            *(f"-Wl,-rpath,{path.parent}" for path in prefix.rglob("pkgconfig")))
        programs.append(program)
    return programs


def main():
    """Installs, builds, runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--build", "--cmake", "--compiler", "--sanitize"):
        parser.add_argument(name, required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        prefix = scratch / "prefix"
        for component in ("libtubes", "tubes-dev", "tube"):
            run(arguments.cmake, "--install", arguments.build, "--prefix", prefix, "--component", component)
        check_libraries(prefix)
        programs = with_cmake(arguments, prefix, scratch) + with_pkg_config(arguments, prefix, scratch)
        assert len(programs) >= 2, programs
        for number, program in enumerate(programs):
            environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
            print(program.name, run(program, scratch / f"home{number}", env=environment, timeout=60).strip())


if __name__ == "__main__":
    main()
