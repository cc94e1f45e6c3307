# SPDX-License-Identifier: GPL-3.0-or-later
"""Tubes: a cable between two people's programs, for asyncio.

    async with tubes.Node() as node:
        tube = await node.connect("web", "bob@example.org")
        reader, writer = await tube.open_stream()

Errors are subclasses of tubes.Error with `code` and `advice`. Scripts without an event loop use tubes.blocking. The
package runs the engine in the process and is GPL-3.0-or-later, as tubes::engine is. docs/python.md has the tour."""

from tubes import errors, types
from tubes._native import Endpoint, __version__, check_parameters, is_valid_service_name
from tubes.config import configured_services, effective_config, runtime_directory
from tubes.datagram import DatagramFlow
from tubes.errors import Errc, Error
from tubes.node import Node, Offer, Request
from tubes.room import Room
from tubes.streams import Stream, TubeTransport
from tubes.tube import Events, Listener, Share, Tube
from tubes.types import PathKind, Policy, TubeKind

__all__ = ["DatagramFlow", "Endpoint", "Errc", "Error", "Events", "Listener", "Node", "Offer", "PathKind", "Policy", "Request",
           "Room", "Share", "Stream", "Tube", "TubeKind", "TubeTransport", "__version__", "check_parameters", "configured_services",
           "effective_config", "errors", "is_valid_service_name", "runtime_directory", "types"]
