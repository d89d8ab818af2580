"""O5LOGON with a verifier of Oracle 11g: how client and server prove to each other that they know the password.

Facts: python-oracledb, src/oracledb/impl/thin/messages/auth.pyx. Only what a loopback test needs.
"""

import hashlib
import os

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

VERIFIER_11G = 0x1B25
VERIFIER_10G = 0x0939
"""What an account of Oracle 10g has, and the thin driver does not know (DPY-3015)."""
_SALT, _SESSION_KEY = 10, 48


class Challenge:
    """One attempt of a client to log in."""

    def __init__(self, password: str) -> None:
        self._password = password.encode()
        self._salt = os.urandom(_SALT)
        self._key = os.urandom(_SESSION_KEY)
        self._hash = hashlib.sha1(self._password + self._salt).digest() + bytes(4)

    def first(self) -> dict[str, str]:
        """Return what the server says when it has heard the name."""
        return {
            "AUTH_SESSKEY": _encrypt(self._hash, self._key).hex().upper(),
            "AUTH_VFR_DATA": self._salt.hex().upper(),
        }

    def second(self, answer: dict[str, bytes]) -> str | None:
        """Check the client's answer; return the server's own proof, None if the password is wrong."""
        theirs = _decrypt(self._hash, _hex(answer.get("AUTH_SESSKEY")))
        if len(theirs) != _SESSION_KEY:
            return None
        mixed = bytes(ours ^ their for ours, their in zip(self._key[16:40], theirs[16:40], strict=True))
        combined = (hashlib.md5(mixed[:16]).digest() + hashlib.md5(mixed[16:]).digest())[:24]
        password = _decrypt(combined, _hex(answer.get("AUTH_PASSWORD")))
        # The client puts 16 random bytes before the password and fills the last block up as PKCS#7 says.
        if len(password) < 32 or password[16 : -password[-1]] != self._password:
            return None
        proof = os.urandom(16) + b"SERVER_TO_CLIENT"
        return _encrypt(combined, proof + bytes((16,)) * 16).hex().upper()


def _hex(text: bytes | None) -> bytes:
    try:
        data = bytes.fromhex((text or b"").decode())
    except ValueError:
        return b""
    return data if len(data) % 16 == 0 else b""


def _encrypt(key: bytes, data: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def _decrypt(key: bytes, data: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).decryptor()
    return decryptor.update(data) + decryptor.finalize()
