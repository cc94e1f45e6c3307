#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""aiortc's data channels, signaled by slixmpp, reach a program that `tube share --webrtc` shares; and what keeps them
out. TUBES_WEBRTC_MEGABYTES: how much is echoed (default 3; aiortc is Python)."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import shutil
import tempfile
import unittest
from pathlib import Path

from foreign_peer import MESSAGE, Account, Page, Refused, send_all
from tube_harness import DOMAIN, Fixture, Person, free_port, is_listening, wait_until

MEGABYTES = int(os.environ.get("TUBES_WEBRTC_MEGABYTES", "3"))
TRUSTED = ("--always", "--trust-first")


class ForeignPeers(unittest.IsolatedAsyncioTestCase):
    """Alice shares an echo service; Bob and Carol have accounts and no Tubes."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.directory = Path(tempfile.mkdtemp(prefix="tubes-webrtc-"))
        accounts = [part for name in ("alice", "bob", "carol") for part in ("--account", f"{name}:pw-{name}")]
        cls.server = Fixture("prosody.py", *accounts)
        cls.alice = Person("alice", cls.directory / "alice")
        cls.alice.environment["TUBES_NETWORK_LOOPBACK"] = "true"
        cls.alice.login(cls.server.description)
        cls.port = free_port()
        cls.alice.start_program(["socat", f"TCP-LISTEN:{cls.port},fork,reuseaddr,bind=127.0.0.1", "EXEC:cat"])
        wait_until(lambda: is_listening(cls.port), "the echo service")

    @classmethod
    def tearDownClass(cls) -> None:
        cls.alice.close()
        cls.server.close()
        shutil.rmtree(cls.directory, ignore_errors=True)

    async def share(self, *options: str) -> None:
        """Alice shares the echo service with Bob until the test is over."""
        sharing = self.alice.start("share", str(self.port), "--as", "echo", "--to", f"bob@{DOMAIN}", *options)
        self.addCleanup(sharing.close)
        await asyncio.to_thread(sharing.wait_for, r"Sharing .* as echo")
        self.sharing = sharing

    async def person(self, name: str) -> tuple[Account, str]:
        """Somebody logged in, and Alice's device as they see it."""
        account = Account(f"{name}@{DOMAIN}", f"pw-{name}", self.server.description)
        await account.log_in()
        self.addAsyncCleanup(account.log_out)
        return account, await account.device_of(f"alice@{DOMAIN}")

    async def page(self, name: str = "bob", service: str = "echo") -> Page:
        """Their page, not connected yet."""
        page = Page(*await self.person(name), service)
        self.addAsyncCleanup(page.close)
        return page

    async def test_megabytes_come_back_as_they_went_over_two_channels(self) -> None:
        await self.share("--webrtc", *TRUSTED)
        page = await self.page()
        await page.open()
        channels = [page.first, page.connection.createDataChannel("second")]
        await page.is_open(channels[1])
        size = MEGABYTES * 1024 * 1024 // 2
        outcomes = await asyncio.gather(*(self.echo(channel, size, seed) for seed, channel in enumerate(channels)))
        self.assertEqual(outcomes, [True, True])
        status = await asyncio.to_thread(self.alice.run, "status")
        self.assertIn("WebRTC", status.stdout)
        # The program goes away with the channel.
        channels[1].close()
        await asyncio.wait_for(self.closed(channels[1]), 10)

    async def closed(self, channel: object) -> None:
        """Until it is."""
        while channel.readyState != "closed":
            await asyncio.sleep(0.02)

    async def echo(self, channel: object, size: int, seed: int) -> bool:
        """Whether what was sent came back with the same SHA-256."""
        source = random.Random(seed)
        chunks = [source.randbytes(MESSAGE) for _ in range(size // MESSAGE)]
        there, back = hashlib.sha256(), hashlib.sha256()
        for chunk in chunks:
            there.update(chunk)
        received = 0
        complete = asyncio.get_running_loop().create_future()

        def on_message(message: bytes) -> None:
            nonlocal received
            back.update(message)
            received += len(message)
            if received >= len(chunks) * MESSAGE and not complete.done():
                complete.set_result(None)

        channel.on("message", on_message)
        await asyncio.gather(send_all(channel, chunks), asyncio.wait_for(complete, 60 + 5 * MEGABYTES))
        return there.digest() == back.digest()

    async def test_nothing_is_there_without_the_flag_for_others_and_by_another_name(self) -> None:
        await self.share(*TRUSTED)
        bob = await self.page()
        with self.assertRaisesRegex(Refused, "^service-unavailable$"):
            await bob.open()
        self.sharing.interrupt()
        await self.share("--webrtc", *TRUSTED)
        for name, service in (("carol", "echo"), ("bob", "other")):
            page = await self.page(name, service)
            with self.assertRaisesRegex(Refused, "^service-unavailable$"):
                await page.open()

    async def test_the_user_is_asked_and_no_address_leaves_before_the_answer(self) -> None:
        await self.share("--webrtc", "--always")
        page = await self.page()
        opening = asyncio.ensure_future(page.open())
        pending = await asyncio.to_thread(wait_until, lambda: self.pending(), "the request")
        self.assertEqual(page.actions, [action for action in page.actions if action == "session-info"])
        answered = await asyncio.to_thread(self.alice.run, "accept", pending)
        self.assertEqual(answered.returncode, 0, answered.stderr)
        await opening
        self.assertEqual(page.actions[:2], ["session-info", "session-accept"])
        self.assertTrue(await self.echo(page.first, 4 * MESSAGE, 3))

    def pending(self) -> str:
        """The id of the request that waits, if one does."""
        import json

        told = self.alice.run("offers", "--json")
        waiting = json.loads(told.stdout) if told.returncode == 0 and told.stdout.strip() else []
        return waiting[0]["id"] if waiting else ""

    async def test_another_certificate_than_the_announced_one_gets_nowhere(self) -> None:
        await self.share("--webrtc", *TRUSTED)
        page = await self.page()
        page.fingerprint = ":".join(["AB"] * 32)
        with self.assertRaises(Refused) as refused:
            await page.open()
        self.assertEqual(str(refused.exception), "security-error")
        self.assertNotEqual(page.first.readyState, "open")

    async def test_sessions_of_one_contact_are_limited(self) -> None:
        await self.share("--webrtc")
        account, alice = await self.person("bob")
        pages = [Page(account, alice, "echo") for _ in range(10)]
        refused = []
        for page in pages:
            self.addAsyncCleanup(page.close)
            try:
                await page._initiate()
            except Refused as error:
                refused.append(str(error))
        self.assertEqual(refused, ["resource-constraint"] * 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
