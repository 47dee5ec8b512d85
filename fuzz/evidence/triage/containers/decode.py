"""Bytes of a file to bytes of a log: compressed ones are unpacked, UTF-16 and UTF-32 become UTF-8.

What a file is, its first bytes tell. Constant memory: at most `PIECE` bytes come out at once. A compressed
log
that ends early or is damaged is read as far as it goes; `problem` then says so.
"""

from __future__ import annotations

import bz2
import codecs
import lzma
import zlib
from collections.abc import Iterator
from typing import Protocol

from fuzz.corpus.extras import how_to_get

PIECE = 1 << 20
_SNIFF = 4096
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x5d\x00\x00": "xz",
}
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Undecodable(Exception):
    """The log is packed in a way that cannot be read here; the text says what is needed."""


class _Unpacker(Protocol):
    """What bz2, lzma and the two adapters below have in common."""

    @property
    def eof(self) -> bool:
        """True at the end of a stream."""

    @property
    def unused_data(self) -> bytes:
        """What came behind that end."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """More of the packed bytes; at most `max_length` come out, the rest with further calls."""


class _Gzip:
    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max(max_length, 0))


class _Zstd:
    """A frame of zstd. It gives all at once that its input has; but a block, of at least four bytes, has at
    most 128 KiB, so that small pieces of input give bounded output."""

    _STEP = 1 << 8

    def __init__(self) -> None:
        try:
            import zstandard
        except ImportError:
            raise Undecodable(f"zstd: {how_to_get('zstandard')}, or unpack it with zstd -d") from None
        self._inner = zstandard.ZstdDecompressor().decompressobj()
        self._error: type[Exception] = zstandard.ZstdError
        self._waiting = b""

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._inner.unused_data) + self._waiting

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        data, out, at = self._waiting + data, bytearray(), 0
        try:
            while at < len(data) and not self.eof and not len(out) >= max_length >= 0:
                out += self._inner.decompress(data[at : at + self._STEP])
                at += self._STEP
        except self._error as problem:
            raise OSError(str(problem)) from None
        self._waiting = data[at:]
        return bytes(out)


class Decoder:
    """Takes the file's bytes in any pieces and gives the log's."""

    def __init__(self) -> None:
        self._held = b""
        self._kind = ""
        self._unpacker: _Unpacker | None = None
        self._inner: Decoder | None = None
        self._text: codecs.IncrementalDecoder | None = None
        self._wide = ""
        self.problem = ""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The next bytes of the file. Raises Undecodable where a library lacks."""
        if not self._kind:
            self._held += data
            if len(self._held) < 8 and data:
                return
            data, self._held = self._held, b""
            self._sniff(data)
        if self._kind == "plain":
            if data:
                yield data
        elif self._text is not None:
            yield self._text.decode(data).encode("utf-8", "replace")
        else:
            yield from self._unpack(data)

    def close(self) -> Iterator[bytes]:
        """The file ends here."""
        if not self._kind and self._held:
            data, self._held = self._held, b""
            self._kind = "plain"
            yield data
        if self._text is not None:
            rest = self._text.decode(b"", True)
            if rest:
                yield rest.encode("utf-8", "replace")
        if self._inner is not None:
            yield from self._inner.close()
            self.problem = self.problem or self._inner.problem
        if self._unpacker is not None and not self._unpacker.eof and not self.problem:
            self.problem = f"{self._kind} data end early; read as far as they go"

    def _sniff(self, data: bytes) -> None:
        for magic, kind in _MAGIC.items():
            if data.startswith(magic):
                self._kind = kind
                self._unpacker, self._inner = self._new(), Decoder()
                return
        name = next((name for mark, name in _MARKS if data.startswith(mark)), "") or _wide(data[:_SNIFF])
        self._kind = name or "plain"
        if name:
            self._text = codecs.getincrementaldecoder(name)("replace")

    def _new(self) -> _Unpacker:
        if self._kind == "gzip":
            return _Gzip()
        if self._kind == "bzip2":
            return bz2.BZ2Decompressor()
        return _Zstd() if self._kind == "zstd" else lzma.LZMADecompressor()

    def _unpack(self, data: bytes) -> Iterator[bytes]:
        """Streams may follow each other; zeros or other bytes behind the last are no data."""
        assert self._unpacker is not None and self._inner is not None
        while not self.problem:
            if self._unpacker.eof:
                data = self._unpacker.unused_data + data
                if not any(data.startswith(magic[: len(data)]) for magic in _MAGIC) or not data:
                    break
                self._unpacker = self._new()
            try:
                out = self._unpacker.decompress(data, PIECE)
            except (OSError, EOFError, zlib.error, lzma.LZMAError) as problem:
                self.problem = f"{self._kind} data are damaged ({problem}); read as far as they go"
                return
            data = b""
            if out:
                yield from self._inner.feed(out)
            if not out and not self._unpacker.eof:
                break


def _wide(data: bytes) -> str:
    """UTF-16 without a mark: of ASCII text every other byte is zero."""
    if len(data) < 8:
        return ""
    even, odd = data[0::2].count(0), data[1::2].count(0)
    half = len(data) // 2
    if odd > 0.7 * half and even < 0.1 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.7 * half and odd < 0.1 * half else ""
