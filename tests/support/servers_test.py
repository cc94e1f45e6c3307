#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks what the server fixtures promise: logins, TLS versions, SCRAM mechanism, certificates, no left-overs."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import unittest
from pathlib import Path

from fixture_client import SUPPORT, Fixture
from server_process import process_exists

STREAM = ("<stream:stream to='{}' version='1.0' xmlns='jabber:client' "
          "xmlns:stream='http://etherx.jabber.org/streams'>")


def read_until(connection: socket.socket, mark: bytes) -> str:
    """What arrives until `mark` does."""
    received = b""
    while mark not in received:
        part = connection.recv(4096)
        if not part:
            break
        received += part
    return received.decode()


def secure_stream(prosody: Fixture, verify: bool = True) -> tuple[ssl.SSLSocket, str]:
    """A STARTTLS stream to the fixture and the features that it offers inside TLS."""
    facts = prosody.description
    plain = socket.create_connection((facts["address"], facts["ports"]["c2s"]), timeout=10)
    plain.sendall(STREAM.format(facts["domain"]).encode())
    read_until(plain, b"</stream:features>")
    plain.sendall(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    read_until(plain, b"proceed")
    context = ssl.create_default_context(cafile=facts["ca"])
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        secure = context.wrap_socket(plain, server_hostname=facts["domain"])
    except OSError:
        plain.close()
        raise
    secure.sendall(STREAM.format(facts["domain"]).encode())
    return secure, read_until(secure, b"</stream:features>")


def log_in(prosody: Fixture, user: str, password: str) -> bool:
    """Whether the server accepts that password."""
    secure, _features = secure_stream(prosody)
    with secure:
        token = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        secure.sendall(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{token}</auth>".encode())
        return "<success" in read_until(secure, b">")


class ProsodyFixture(unittest.TestCase):
    """prosody.py"""

    def test_logs_in_its_accounts_and_those_registered_later(self) -> None:
        with Fixture("prosody.py", "--account", "alice:secret") as prosody:
            self.assertTrue(log_in(prosody, "alice", "secret"))
            self.assertFalse(log_in(prosody, "alice", "wrong"))
            prosody.command("register carol:later")
            self.assertTrue(log_in(prosody, "carol", "later"))
            prosody.command("restart")
            self.assertTrue(log_in(prosody, "alice", "secret"))

    def test_offers_the_tls_version_and_scram_mechanism_it_was_told(self) -> None:
        for tls, version, password_hash in (("1.3", "TLSv1.3", "SHA-256"), ("1.2", "TLSv1.2", "SHA-1")):
            with Fixture("prosody.py", "--account", "alice:secret", "--tls", tls,
                         "--password-hash", password_hash) as prosody:
                secure, features = secure_stream(prosody)
                with secure:
                    self.assertEqual(secure.version(), version)
                    self.assertIn(f">SCRAM-{password_hash}<", features)

    def test_presents_the_wrong_certificates_it_was_told(self) -> None:
        for kind, reason in (("expired", "expired"), ("wrong-name", "Hostname mismatch"),
                             ("self-signed", "self-signed"), ("unknown-authority", "unable to get local issuer")):
            with self.subTest(kind), Fixture("prosody.py", "--certificate", kind) as prosody:
                with self.assertRaisesRegex(ssl.SSLCertVerificationError, reason):
                    secure_stream(prosody)

    def test_nothing_is_left_after_its_starter_was_killed(self) -> None:
        starter = subprocess.Popen(
            [sys.executable, "-c", "import subprocess, sys; p = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE);"
             "p.wait()", str(SUPPORT / "prosody.py")], stdout=subprocess.PIPE, text=True)
        assert starter.stdout is not None
        with starter, starter.stdout:
            facts = json.loads(starter.stdout.readline())
            os.kill(starter.pid, signal.SIGKILL)
        give_up = time.monotonic() + 10
        while process_exists(facts["pid"]) or Path(facts["directory"]).exists():
            self.assertLess(time.monotonic(), give_up, "the server or its directory outlived the starter")
            time.sleep(0.02)


class EjabberdFixture(unittest.TestCase):
    """ejabberd.py"""

    def test_is_emptied_between_tests_and_leaves_no_process(self) -> None:
        with Fixture("ejabberd.py", "--account", "alice:secret") as ejabberd:
            self.assertTrue(log_in(ejabberd, "alice", "secret"))
            ejabberd.command("reset")
            self.assertFalse(log_in(ejabberd, "alice", "secret"))
            ejabberd.command("register bob:word")
            self.assertTrue(log_in(ejabberd, "bob", "word"))
            pid = ejabberd.description["pid"]
        self.assertFalse(process_exists(pid))


class CoturnFixture(unittest.TestCase):
    """coturn.py"""

    def test_relays_for_a_holder_of_credentials(self) -> None:
        with Fixture("coturn.py") as coturn:
            facts = coturn.description
            login = coturn.command("credentials alice 60")
            done = subprocess.run(["turnutils_uclient", "-y", "-c", "-n", "5", "-p", str(facts["ports"]["turn"]),
                                   "-u", login["username"], "-w", login["password"], facts["address"]],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertIn("Total lost packets 0", done.stdout, done.stdout + done.stderr)

    def test_refuses_wrong_credentials(self) -> None:
        with Fixture("coturn.py") as coturn:
            facts = coturn.description
            done = subprocess.run(["turnutils_uclient", "-y", "-c", "-n", "1", "-p", str(facts["ports"]["turn"]),
                                   "-u", "9999999999:mallory", "-w", "guess", facts["address"]],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
