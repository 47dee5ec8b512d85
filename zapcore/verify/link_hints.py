"""What a wrong link in a leaf most likely was before one bit of it flipped: the end of a chain, or the number
of a chunk to which nothing leads now."""

from __future__ import annotations

from zapcore import layout as L
from zapcore.verify.invariants import Violation

_FIELDS = {
    "lf_next": (L.H_CHUNK_NEXT, L.CHUNK_FREE),
    "la_next": (L.H_CHUNK_NEXT, L.CHUNK_ARRAY),
    "le_next": (L.H_ENTRY_NEXT, L.CHUNK_ENTRY),
    "le_name_chunk": (L.H_NAME_CHUNK, L.CHUNK_ARRAY),
    "le_value_chunk": (L.H_VALUE_CHUNK, L.CHUNK_ARRAY),
}
"""The links in a chunk, by field: which 16-bit word of the chunk it is, and the type of the chunk it leads
to."""


def link_hint(raw: bytes, violation: Violation, unreached: bytes) -> str:
    """Words that say what the wrong link was before, or nothing if no single flipped bit explains it."""
    geo = L.geometry(len(raw).bit_length() - 1)
    h = memoryview(raw).cast("H")
    field = violation.field
    if field == "lh_freelist":
        value, wanted = h[L.H_FREELIST], L.CHUNK_FREE
    elif field == "l_hash" and violation.elements is not None:
        value, wanted = h[geo.h_hash + violation.elements.start], L.CHUNK_ENTRY
    elif field in _FIELDS and violation.chunk >= 0:
        word, wanted = _FIELDS[field]
        value = h[geo.h_chunk + L.H_PER_CHUNK * violation.chunk + word]
    else:
        return ""
    lost = {chunk for chunk, kind in enumerate(unreached) if kind == wanted}
    inner = {
        h[
            geo.h_chunk
            + L.H_PER_CHUNK * chunk
            + (L.H_ENTRY_NEXT if wanted == L.CHUNK_ENTRY else L.H_CHUNK_NEXT)
        ]
        for chunk in lost
    }
    near = [chunk for chunk in lost if (chunk ^ value).bit_count() == 1]
    heads = [chunk for chunk in near if chunk not in inner] or near
    if len(heads) == 1:
        return f"one bit from chunk {heads[0]}, to which nothing leads"
    if not heads and (value ^ L.CHAIN_END).bit_count() == 1:
        return f"one bit from {L.CHAIN_END:#x}, the end of a chain"
    return ""
