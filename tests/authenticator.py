"""A device that keeps passkeys, as WebAuthn Level 3 §6 describes one; each of its steps can be done wrong."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor

PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


def text(raw: bytes) -> str:
    """Bytes as WebAuthn's JSON has them: base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass
class Device:
    """A device with one passkey for one site. `origin` is the page that it believes to speak to."""

    host: str
    origin: str
    flags: int = PRESENT | VERIFIED
    counter: int = 0
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: os.urandom(32))
    handle: bytes | None = None

    def make(self, options: Mapping[str, Any], **wrong: Any) -> dict[str, Any]:
        """The answer to `navigator.credentials.create`."""
        self.handle = base64.urlsafe_b64decode(options["user"]["id"] + "==")
        numbers = self.key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
        public = cbor.encode({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public
        data = self._data(self.flags | ATTESTED) + attested
        client = self._client(options, **{"type": "webauthn.create", **wrong})
        statement = {"fmt": "none", "attStmt": {}, "authData": data}
        response = {"attestationObject": text(cbor.encode(statement)), "clientDataJSON": text(client)}
        return {"id": text(self.id), "rawId": text(self.id), "type": "public-key", "response": response}

    def show(self, options: Mapping[str, Any], **wrong: Any) -> dict[str, Any]:
        """The answer to `navigator.credentials.get`."""
        data = self._data(self.flags)
        client = self._client(options, **{"type": "webauthn.get", **wrong})
        signed = data + hashlib.sha256(client).digest()
        signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        response = {
            "authenticatorData": text(data),
            "clientDataJSON": text(client),
            "signature": text(signature),
            **({} if self.handle is None else {"userHandle": text(self.handle)}),
        }
        return {"id": text(self.id), "rawId": text(self.id), "type": "public-key", "response": response}

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")

    def _client(self, options: Mapping[str, Any], **facts: Any) -> bytes:
        said = {"challenge": options["challenge"], "origin": self.origin, "crossOrigin": False, **facts}
        return json.dumps(said).encode()
