# SPDX-License-Identifier: GPL-3.0-or-later
"""The effective configuration: every value and where it comes from (tubes/config.hpp)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Mapping, cast

from tubes import _native
from tubes.types import ConfigValue, ServiceConfig


def _options(profile: str, home: str | os.PathLike[str], settings: Mapping[str, str] | None) -> _native.NodeOptions:
    return (profile, os.fspath(home), True, True, dict(settings or {}), "")


def effective_config(*, profile: str = "", home: str | os.PathLike[str] = "",
                     settings: Mapping[str, str] | None = None) -> tuple[ConfigValue, ...]:
    """Every value as a node opened with these arguments would use it. Creates and changes nothing. InvalidArgument,
    StateCorrupt, StateTooNew."""
    return cast(tuple[ConfigValue, ...], _native.effective_config(_options(profile, home, settings)))


def configured_services(*, profile: str = "", home: str | os.PathLike[str] = "") -> tuple[ServiceConfig, ...]:
    """The [[service]] entries of config.toml: what `tube serve` shares."""
    return cast(tuple[ServiceConfig, ...], _native.configured_services(_options(profile, home, None)))


def runtime_directory(*, profile: str = "", home: str | os.PathLike[str] = "") -> Path:
    """The directory of this profile's sockets, made with mode 0700 where it is missing. NotAvailable if not private."""
    return Path(_native.runtime_directory(_options(profile, home, None)))
