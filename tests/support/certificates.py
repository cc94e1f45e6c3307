#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Throw-away certificates for server fixtures: a private authority and one leaf, good or wrong in a chosen way."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

KINDS = ("good", "expired", "wrong-name", "self-signed", "unknown-authority")
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Certificates:
    """Paths of PEM files. A client that trusts `authority` accepts the leaf only if its kind is good."""

    authority: Path
    certificate: Path
    key: Path


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.strip()}")


def _make_authority(directory: Path, stem: str) -> tuple[Path, Path]:
    certificate, key = directory / f"{stem}.pem", directory / f"{stem}-key.pem"
    _openssl("req", "-x509", *_NEW_KEY, "-keyout", str(key), "-out", str(certificate), "-days", "30",
             "-subj", f"/CN=Tubes test {stem}", "-addext", "basicConstraints=critical,CA:TRUE",
             "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    return certificate, key


def make_certificates(directory: Path, domain: str, addresses: list[str], kind: str = "good") -> Certificates:
    """Writes an authority and a leaf for `domain`, its sub-domains and `addresses` into `directory`."""
    if kind not in KINDS:
        raise ValueError(f"certificate kind {kind!r}; known are {', '.join(KINDS)}")
    directory.mkdir(parents=True, exist_ok=True)
    name = "wrong.example" if kind == "wrong-name" else domain
    names = f"DNS:{name},DNS:*.{name}"
    if kind != "wrong-name":
        names += "".join(f",IP:{address}" for address in addresses)
    authority, authority_key = _make_authority(directory, "authority")
    signer, signer_key = authority, authority_key
    if kind == "unknown-authority":
        signer, signer_key = _make_authority(directory, "stranger")
    certificate, key = directory / "server.pem", directory / "server-key.pem"
    if kind == "self-signed":
        _openssl("req", "-x509", *_NEW_KEY, "-keyout", str(key), "-out", str(certificate), "-days", "30",
                 "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}")
        return Certificates(authority, certificate, key)
    request, extensions = directory / "server.csr", directory / "server.ext"
    extensions.write_text(f"subjectAltName={names}\nbasicConstraints=critical,CA:FALSE\n"
                          "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n")
    _openssl("req", *_NEW_KEY, "-keyout", str(key), "-out", str(request), "-subj", f"/CN={name}")
    _openssl("x509", "-req", "-in", str(request), "-CA", str(signer), "-CAkey", str(signer_key), "-CAcreateserial",
             "-days", "-1" if kind == "expired" else "30", "-extfile", str(extensions), "-out", str(certificate))
    return Certificates(authority, certificate, key)
