#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ordinary programs through tubes: curl, ssh, rsync and psql, on one machine without accounts and over XMPP."""

from __future__ import annotations

import getpass
import hashlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from tube_harness import World, free_port, is_listening, tube_program, wait_until

PAYLOAD = 8 * 1024 * 1024  # bytes of each transferred file


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Programs:
    """The tests; run once a protocol by the classes below."""

    protocol = ""
    world: World
    directory: Path

    @classmethod
    def setUpClass(cls) -> None:
        cls.directory = Path(tempfile.mkdtemp(prefix="tubes-programs-"))
        cls.directory.chmod(0o755)
        cls.world = World(cls.protocol)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.world.close()
        shutil.rmtree(cls.directory, ignore_errors=True)

    def run_program(self, *command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
        """A program as Bob runs it; it has to succeed."""
        test: unittest.TestCase = self  # type: ignore[assignment]
        done = subprocess.run(command, env={**self.world.bob.environment, **environment}, capture_output=True,
                              timeout=60, check=False)
        test.assertEqual(done.returncode, 0, f"{command}: {done.stderr.decode(errors='replace')}")
        return done

    def test_curl_fetches_and_uploads_through_a_tube(self) -> None:
        test: unittest.TestCase = self  # type: ignore[assignment]
        site = self.directory / "site"
        site.mkdir(exist_ok=True)
        content = secrets.token_bytes(PAYLOAD)
        (site / "file").write_bytes(content)
        port = free_port()
        server = self.world.alice.start_program([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "-d",
                                                 str(site), str(port)])
        wait_until(lambda: is_listening(port), "the web server")
        sharing = self.world.share(str(port), "--as", "web")
        listen = free_port()
        connecting = self.world.connect("web", "--listen", str(listen))
        fetched = self.run_program("curl", "-sS", f"http://127.0.0.1:{listen}/file")
        test.assertEqual(sha256(fetched.stdout), sha256(content))
        many = self.run_program("curl", "-sS", "-Z", "--parallel-max", "20",
                                *[f"http://127.0.0.1:{listen}/file?{i}" for i in range(20)])
        test.assertEqual(len(many.stdout), 20 * PAYLOAD)
        for running in (connecting, sharing):
            test.assertEqual(running.interrupt(), 130)
        server.close()

    def start_sshd(self) -> tuple[int, Path]:
        """A private sshd that lets this user in with a fresh key; its port and the client's options file."""
        keys = self.directory / "ssh"
        keys.mkdir(mode=0o700)
        for name in ("host", "client"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(keys / name)], check=True)
        (keys / "authorized").write_text((keys / "client.pub").read_text())
        port = free_port()
        (keys / "sshd_config").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {keys}/host\nAuthorizedKeysFile {keys}/authorized\n"
            f"PidFile {keys}/pid\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n"
            "Subsystem sftp internal-sftp\n")
        os.makedirs("/run/sshd", exist_ok=True)
        self.world.alice.start_program(["/usr/sbin/sshd", "-D", "-e", "-f", str(keys / "sshd_config")])
        wait_until(lambda: is_listening(port), "sshd")
        connect = " ".join([tube_program(), "-q", "connect", "ssh", *self.world.connect_options(), "--stdio"])
        (keys / "client_config").write_text(
            f"Host shared\n  User {getpass.getuser()}\n  IdentityFile {keys}/client\n  StrictHostKeyChecking no\n"
            f"  UserKnownHostsFile {keys}/known\n  ProxyCommand {connect}\n")
        return port, keys / "client_config"

    def test_ssh_and_rsync_run_over_a_proxy_command(self) -> None:
        test: unittest.TestCase = self  # type: ignore[assignment]
        port, config = self.start_sshd()
        sharing = self.world.share(str(port), "--as", "ssh")
        said = self.run_program("ssh", "-F", str(config), "shared", "echo", "through the tube")
        test.assertEqual(said.stdout, b"through the tube\n")

        content = secrets.token_bytes(PAYLOAD)
        source = self.directory / "source"
        source.mkdir()
        (source / "large").write_bytes(content)
        for i in range(50):
            (source / f"small-{i}").write_bytes(secrets.token_bytes(i * 100))
        target = self.directory / "target"
        self.run_program("rsync", "-a", "-e", f"ssh -F {config}", f"{source}/", f"shared:{target}/")
        test.assertEqual(sha256((target / "large").read_bytes()), sha256(content))
        back = self.directory / "back"
        self.run_program("rsync", "-a", "-e", f"ssh -F {config}", f"shared:{target}/", f"{back}/")
        test.assertEqual(sorted(os.listdir(back)), sorted(os.listdir(source)))
        piped = subprocess.run(["ssh", "-F", str(config), "shared", "sha256sum"], input=content, capture_output=True,
                               env=self.world.bob.environment, timeout=60, check=True)
        test.assertEqual(piped.stdout.split()[0].decode(), sha256(content))
        test.assertEqual(sharing.interrupt(), 130)

    def start_postgres(self) -> Path:
        """A private PostgreSQL that listens on a Unix socket only; the socket's path."""
        data = self.directory / "pg"
        data.mkdir(mode=0o700)
        programs = max(Path("/usr/lib/postgresql").glob("*/bin"))
        options: dict[str, object] = {}
        if os.geteuid() == 0:
            shutil.chown(data, "postgres", "postgres")
            options = {"user": "postgres", "group": "postgres", "extra_groups": []}
        subprocess.run([str(programs / "initdb"), "-D", str(data / "d"), "-A", "trust", "-U", "tester", "-N"],
                       check=True, capture_output=True, cwd="/", **options)  # type: ignore[call-overload]
        self.world.alice.start_program([str(programs / "postgres"), "-D", str(data / "d"), "-k", str(data), "-h", ""],
                                       cwd="/", **options)
        path = data / ".s.PGSQL.5432"
        wait_until(path.exists, "PostgreSQL's socket")
        return path

    def test_psql_reaches_a_shared_unix_socket(self) -> None:
        test: unittest.TestCase = self  # type: ignore[assignment]
        path = self.start_postgres()
        sharing = self.world.share("--unix", str(path), "--as", "db")
        listen = self.directory / ".s.PGSQL.5433"
        connecting = self.world.connect("db", "--listen", f"unix:{listen}")
        query = "select count(*), sum(i) from generate_series(1, 200000) i"

        def ready() -> bool:
            probe = subprocess.run(["psql", "-h", str(self.directory), "-p", "5433", "-U", "tester", "postgres", "-c",
                                    "select 1"], capture_output=True, timeout=20, check=False)
            return probe.returncode == 0

        wait_until(ready, "PostgreSQL through the tube")
        done = self.run_program("psql", "-h", str(self.directory), "-p", "5433", "-U", "tester", "-At", "postgres",
                                "-c", query)
        test.assertEqual(done.stdout.strip(), b"200000|20000100000")
        large = self.run_program("psql", "-h", str(self.directory), "-p", "5433", "-U", "tester", "-At", "postgres",
                                 "-c", "select i, md5(i::text) from generate_series(1, 50000) i")
        test.assertEqual(len(large.stdout.splitlines()), 50000)
        test.assertEqual(connecting.interrupt(), 130)
        test.assertFalse(listen.exists(), "the Unix socket is removed at the end")
        test.assertEqual(sharing.interrupt(), 130)


class LocalPrograms(Programs, unittest.TestCase):
    """Between two terminals of one user."""

    protocol = "local"


class XmppPrograms(Programs, unittest.TestCase):
    """Between two people at a private Prosody."""

    protocol = "xmpp"


if __name__ == "__main__":
    unittest.main(verbosity=2)
