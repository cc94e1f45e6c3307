# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting in tests that are D-Bus programs themselves: GLib's main loop has to turn meanwhile."""

from __future__ import annotations

from typing import Callable

from gi.repository import GLib

from tube_harness import wait_until


def turn(condition: Callable[[], object], what: str) -> None:
    """Lets signals in until the condition holds."""
    context = GLib.MainContext.default()

    def check() -> object:
        while context.iteration(False):
            pass
        return condition()

    wait_until(check, what)
