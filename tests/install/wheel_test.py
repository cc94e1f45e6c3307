# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a wheel of a build, installs it into a fresh virtual environment without an index, and runs the first program of
docs/python.md there; makes a source distribution, and configures what is in it."""
import argparse
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"


def run(*command, **options):
    """Runs one command; what it printed. Ends the test where it fails."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def check_wheel(build, scratch):
    """From a build tree to a program that runs; gone without a trace when it is removed."""
    run(PYTHON, "-m", "pip", "wheel", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check",
        f"--config-settings=build-dir={build}", "--wheel-dir", scratch, ROOT)
    wheel, = scratch.glob("tubes-*.whl")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LD_"))}
    environment["TUBES_HOME"] = str(scratch / "home")
    (scratch / "home").mkdir(mode=0o700)
    fresh = scratch / "fresh"
    run(PYTHON, "-m", "venv", fresh)
    run(fresh / "bin/pip", "install", "--no-index", "--disable-pip-version-check", wheel, env=environment)

    document = (ROOT / "docs/python.md").read_text(encoding="utf-8").split("\n## The first program\n", 1)[1]
    (scratch / "first.py").write_text(re.search(r"```python\n(.*?)```", document, re.DOTALL)[1], encoding="utf-8")
    said = run(fresh / "bin/python", scratch / "first.py", cwd=scratch, env=environment, timeout=60)
    assert said == "HELLO\n", said
    report = run(fresh / "bin/python", "-m", "tubes", cwd=scratch, env=environment, timeout=60)
    libraries = re.findall(r"^library: (.*)$", report, re.MULTILINE)
    assert len(libraries) == 2 and all(Path(each).is_relative_to(fresh) for each in libraries), report
    assert "a tube on this machine: works" in report, report
    run(fresh / "bin/pip", "uninstall", "--yes", "--disable-pip-version-check", "tubes", env=environment)
    left = [path for path in fresh.rglob("*tubes*") if "pip" not in path.parts]
    assert not left, left


def check_sdist(cmake, scratch):
    """It holds what git keeps, and CMake takes it."""
    run(PYTHON, "-m", "build", "--sdist", "--no-isolation", "--outdir", scratch, ROOT)
    archive, = scratch.glob("tubes-*.tar.gz")
    with tarfile.open(archive) as sources:
        sources.extractall(scratch / "sources")
    top, = (scratch / "sources").iterdir()
    kept = set(run("git", "-C", ROOT, "ls-files", "-z").split("\0")) - {""}
    held = {path.relative_to(top).as_posix() for path in top.rglob("*") if not path.is_dir()}
    assert held - kept == {"PKG-INFO"} and not kept - held, held ^ kept
    run(cmake, "-G", "Ninja", "-S", top, "-B", scratch / "tree", "-DTUBES_BUILD_TESTS=OFF", "-DTUBES_BUILD_BENCH=OFF",
        "-DTUBES_BUILD_EDITOR=OFF")
    assert "tubes_python" in run(cmake, "--build", scratch / "tree", "--target", "help")


def main():
    """Both."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--build", "--cmake"):
        parser.add_argument(name, required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        check_wheel(arguments.build, Path(folder))
        check_sdist(arguments.cmake, Path(folder))


if __name__ == "__main__":
    main()
