# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes for the tests: two of one user, in a home of their own."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import AsyncIterator, Awaitable, Callable, TypeVar

import pytest
import pytest_asyncio

import tubes

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
sys.path.insert(0, str(ROOT / "tests" / "integration"))

DEADLINE = 30.0
"""Seconds for anything that should happen."""

Result = TypeVar("Result")


async def soon(awaitable: Awaitable[Result]) -> Result:
    """Waits, but not forever."""
    return await asyncio.wait_for(awaitable, DEADLINE)


async def until(condition: Callable[[], Awaitable[object]], what: str) -> None:
    """Waits for a condition that can only be asked for."""
    give_up = asyncio.get_running_loop().time() + DEADLINE
    while not await condition():
        assert asyncio.get_running_loop().time() < give_up, what
        await asyncio.sleep(0.02)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that nobody else has."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("TUBES_HOME", str(folder))
    return folder


@pytest_asyncio.fixture
async def alice(home: Path) -> AsyncIterator[tubes.Node]:
    """The node that shares."""
    async with tubes.Node() as node:
        yield node


@pytest_asyncio.fixture
async def bob(alice: tubes.Node) -> AsyncIterator[tubes.Node]:
    """The node that connects."""
    async with tubes.Node() as node:
        yield node
