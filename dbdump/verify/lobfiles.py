"""Facts about values that lie in files of their own, read once each."""

import binascii
import hashlib
import threading
from dataclasses import dataclass

from dbdump.errors import ImageError
from dbdump.image import LOBS, Image

_BLOCK = 1 << 20
_REMEMBERED = 100_000
"""Facts that are kept for values that several rows have; a few tens of megabytes."""


@dataclass(frozen=True, slots=True)
class LobFacts:
    """Bytes and characters of a value, and the MD5 of its text (see `dbdump.verify.canon`)."""

    size: int
    characters: int
    text_md5: str


class LobFiles:
    """The files below ``lobs/`` of an image.

    Parameters
    ----------
    image
        Whose files they are.
    """

    def __init__(self, image: Image) -> None:
        self._image = image
        self._known: dict[tuple[str, bool], LobFacts] = {}
        self._lock = threading.Lock()

    def size(self, sha256: str) -> int:
        """Return the bytes of a value; raises ImageError if it is not there."""
        path = self._image.lob_path(sha256)
        if not path.is_file():
            raise ImageError(
                f"{LOBS}/{sha256[:2]}/{sha256}: it is missing, and rows point to it; restore it from a copy"
            )
        return path.stat().st_size

    def facts(self, sha256: str, *, text: bool) -> LobFacts:
        """Read a value.

        Parameters
        ----------
        sha256
            Its name.
        text
            Whether its column is text, not bytes.

        Raises
        ------
        ImageError
            The file is missing, or its content is not what its name says.
        """
        with self._lock:
            known = self._known.get((sha256, text))
        if known is not None:
            return known
        facts = self._read(sha256, text)
        with self._lock:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[sha256, text] = facts
        return facts

    def _read(self, sha256: str, text: bool) -> LobFacts:
        self.size(sha256)
        name, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        size = characters = 0
        with self._image.lob_path(sha256).open("rb", buffering=0) as stream:
            while block := stream.read(_BLOCK):
                name.update(block)
                size += len(block)
                # Every byte of UTF-8 but 10xxxxxx begins a character.
                characters += len(block.translate(None, _CONTINUATION)) if text else 0
                md5.update(block if text else binascii.hexlify(block))
        if name.hexdigest() != sha256:
            place = f"{LOBS}/{sha256[:2]}/{sha256}"
            raise ImageError(f"{place}: its content is not what its name says: it was changed; restore it from a copy")
        return LobFacts(size, characters, md5.hexdigest())


_CONTINUATION = bytes(range(0x80, 0xC0))
