# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes wheels and source distributions of what CMake builds and installs. Spec: PEP 517, PEP 427.

A wheel holds the package and our two shared libraries; the libraries below them (libnice, gloox, OpenSSL, ...) are
Debian's. Settings (`pip wheel --config-settings=name=value`): build-dir=PATH takes a build tree as it is instead of building one."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from wheel.wheelfile import WheelFile

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = ("-DCMAKE_BUILD_TYPE=Release", "-DTUBES_BUILD_TESTS=OFF", "-DTUBES_BUILD_BENCH=OFF", "-DTUBES_BUILD_EDITOR=OFF",
           f"-DPython_EXECUTABLE={sys.executable}")
TARGETS = ("tubes_python", "tubes_client", "tubes_engine_shared")
Settings = dict[str, Any] | None


def _run(*command: str | Path) -> None:
    subprocess.run([str(word) for word in command], check=True)


def _build() -> Path:
    """A build tree with the package in it, kept for the next time."""
    folder = ROOT / "build" / "wheel"
    _run("cmake", "-G", "Ninja", "-S", ROOT, "-B", folder, *OPTIONS)
    _run("cmake", "--build", folder, "--target", *TARGETS)
    return folder


def _tag() -> str:
    """Python, its binary interface and the platform: of this interpreter alone, as the module is."""
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    return f"{python}-{python}-{re.sub(r'[-.]', '_', sysconfig.get_platform())}"


def build_wheel(wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None) -> str:
    """PEP 517; the name of the wheel."""
    given = (config_settings or {}).get("build-dir")
    tree = Path(os.path.abspath(given)) if given else _build()
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder)
        for component in ("python", "libtubes"):
            _run("cmake", "--install", tree, "--prefix", stage, "--component", component, "--strip")
        metadata = next(stage.rglob("tubes-*.dist-info"))
        name = f"{metadata.name.removesuffix('.dist-info')}-{_tag()}.whl"
        with WheelFile(Path(wheel_directory, name), "w") as wheel:
            for path in sorted((metadata.parent / "tubes").rglob("*")):
                wheel.write(path, path.relative_to(metadata.parent).as_posix())
            for library in sorted(stage.rglob("libtubes-*.so.?")):
                wheel.write(library, f"tubes/{library.name}")
            wheel.write(metadata / "METADATA", f"{metadata.name}/METADATA")
            wheel.writestr(f"{metadata.name}/WHEEL", "Wheel-Version: 1.0\nGenerator: tubes\nRoot-Is-Purelib: false\n"
                                                     f"Tag: {_tag()}\n")
    return name


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    """PEP 517; the name of the archive, which holds every file that git keeps."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        raise RuntimeError("a source distribution is made of a git checkout")
    version = re.search(r"project\(tubes VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))
    assert version is not None
    name = f"tubes-{version[1]}"
    information = f"Metadata-Version: 2.1\nName: tubes\nVersion: {version[1]}\nRequires-Python: >=3.11\n".encode()
    with tarfile.open(Path(sdist_directory, f"{name}.tar.gz"), "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for path in filter(None, listed.stdout.decode().split("\0")):
            archive.add(ROOT / path, f"{name}/{path}", recursive=False)
        entry = tarfile.TarInfo(f"{name}/PKG-INFO")
        entry.size = len(information)
        archive.addfile(entry, io.BytesIO(information))
    return f"{name}.tar.gz"
