"""What a file is that is no ZAP's blocks, as far as its first bytes tell, and what to do instead."""

from __future__ import annotations

import re
from array import array

from fuzz.evidence.check.compressed import METHODS, is_zstd
from zapcore import layout as L
from zapcore.verify.block_kind import kind_of

LOOKED_AT = L.MAX_MICRO
"""Bytes of the beginning of a file."""
BLOCKS = "give the object's blocks, or --pool IMAGE --dataset POOL/NAME --object N"
RAW = "zdb -R POOL VDEV:OFFSET:LSIZE/PSIZE:dr"
"""How zdb writes a block as bytes, decompressed."""

MAGICS = (
    (0, b"\x7fELF", "a program or library (ELF)"),
    (0, b"\x1f\x8b", "a gzip file: decompress it first"),
    (0, b"\xfd7zXZ\0", "an xz file: decompress it first"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd file: decompress it first"),
    (0, b"BZh", "a bzip2 file: decompress it first"),
    (0, b"PK\3\4", "a zip file: unpack it first"),
    (257, b"ustar", "a tar file: unpack it first"),
    (0, b"QFI\xfb", "a qcow2 image: turn it into a raw one, and give that to --pool"),
    (8, b"\xac\xcb\xba\xf5\2\0\0\0", "a stream of `zfs send`: receive it, and look at the pool with --pool"),
    (8, b"\0\0\0\2\xf5\xba\xcb\xac", "a stream of `zfs send`: receive it, and look at the pool with --pool"),
    (0x4008, b"\x11\x7a\x0c\xb1\x7a\xda\x10\x02", "a pool's device or image: say --pool with it"),
    (0x4000, b"\1\1\0\0", "a pool's device or image: say --pool with it"),
    (0x1FFD8, b"\x11\x7a\x0c\xb1\x7a\xda\x10\x02", "a pool's device or image: say --pool with it"),
)
"""Offset, bytes, what has them there. The pool's are of its label: the nvlist's head, zec_magic."""

NOT_POOLS = (
    *((at, magic, what) for at, magic, what in MAGICS if "--pool with it" not in what),
    (512, b"EFI PART", "a disk with a partition table: give the partition that has the pool"),
    (0, b"LUKS\xba\xbe", "an encrypted device (LUKS): open it, and give what is inside"),
    (0, b"KDMV", "a VMDK image: turn it into a raw one"),
    (0, b"vhdxfile", "a VHDX image: turn it into a raw one"),
    (0x40, b"\x7f\x10\xda\xbe", "a VDI image: turn it into a raw one"),
    (0x218, b"LVM2 001", "a volume of LVM: give the logical volume"),
    (0x438, b"\x53\xef", "an ext file system"),
    (0, b"XFSB", "an XFS file system"),
    (0x10040, b"_BHRfS_M", "a Btrfs file system"),
    (510, b"\x55\xaa", "a disk with a boot sector: give the partition that has the pool"),
)
"""Of what is given as a pool's device and has no label of a pool."""
_LABEL = (0x4000, 0x4000 + 4)

_ZDB = re.compile(
    rb"^\s*Object\s+lvl\s+iblk\s+dblk|^Dataset \S+ \[|Fat ZAP stats:|microzap: \d+ bytes"
    rb"|^\t\t.+ = \d+ \(type: |^\s*zt_(?:blk|shift): \d",
    re.M,
)
_HEX_DUMP = re.compile(rb"^[0-9a-f]{6,8}:? +(?:[0-9a-f]{2,4} ){8}", re.M)
_DNODE_TYPES = range(1, 0x100)


def looks_like(data: bytes, size: int) -> str:
    """One line on the file whose first bytes these are, `size` in all: what it looks like, what to do."""
    for at, magic, what in MAGICS:
        if data[at : at + len(magic)] == magic:
            return f"{what}; no blocks of a ZAP"
    if not any(data):
        more = "" if size <= len(data) else f", at least in its first {len(data)} bytes"
        return f"all zero{more}: a hole, or a block that was freed; {BLOCKS}"
    compressed = _compressed(data)
    if compressed:
        return compressed
    text = _text(data)
    if text:
        return text
    return _binary(data)


def no_pool(data: bytes) -> str:
    """What begins with these bytes, if that is told and is no pool's device; else nothing."""
    if data[slice(*_LABEL)] == b"\1\1\0\0":
        return ""
    for at, magic, what in NOT_POOLS:
        if data[at : at + len(magic)] == magic:
            return what
    if data and not any(data):
        return f"all zero, at least in its first {len(data)} bytes"
    return "text" if _text(data) else ""


def _compressed(data: bytes) -> str:
    for name, method in METHODS.items():
        kind = kind_of(method(data), 2)
        if kind != "unknown":
            what = {"fat": "a fat ZAP's header", "micro": "a micro ZAP"}.get(kind, "a leaf")
            return f"{what}, still compressed by {name}: read it with `{RAW}`, whose d decompresses"
    if is_zstd(data):
        return f"a block that is still compressed by zstd: read it with `{RAW}`, whose d decompresses"
    return ""


def _text(data: bytes) -> str:
    head = data[:65536]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return f"UTF-16 text, not blocks; {BLOCKS}"
    if b"\0" in head or sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head) * 50 > len(head):
        return ""
    if _ZDB.search(head):
        return (
            f"text of zdb, not blocks: `zapfuzz import-zdb` makes a program of its names; to judge, {BLOCKS}"
        )
    if _HEX_DUMP.search(head):
        return (
            f"a hex dump, not blocks: `xxd -r` turns it into bytes; or read with `{RAW}`, whose r gives bytes"
        )
    return f"text, not blocks; {BLOCKS}"


def _binary(data: bytes) -> str:
    block = data[: 1 << 17]
    if len(block) >= 512 and _is_dnodes(block):
        return f"dnodes, not the blocks that one of them leads to; {BLOCKS}"
    if len(block) >= 128 and _is_indirect(block):
        return f"block pointers (an indirect block), not what they lead to; {BLOCKS}"
    words = array("Q", block[: len(block) // 8 * 8])
    if words and 0 < max(words) < 1 << 32 and 0 not in words:
        return f"perhaps a block of a ZAP's pointer table, not the object's first block; {BLOCKS}"
    return (
        f"begins with {data[:8].hex(' ')}, and a ZAP with its type {L.ZBT_HEADER:#x} or {L.ZBT_MICRO:#x}"
        f"; if it was read by `zdb -R`, was it of a compressed block ({RAW})? Else {BLOCKS}"
    )


def _is_dnodes(block: bytes) -> bool:
    """Whether the first 512 bytes are a dnode: type, indirect block shift, levels, block pointers, and bytes
    that are zero (dnode_phys_t)."""
    kind, indirect, levels, pointers = block[:4]
    return (
        kind in _DNODE_TYPES
        and indirect in range(12, 22)
        and 0 < levels < 9
        and 1 <= pointers <= 3
        and not any(block[13:16])
    )


def _is_indirect(block: bytes) -> bool:
    """Whether these are block pointers of 128 bytes: in each that is not empty blk_prop names a level, a type
    and a checksum that exist, and the words that are kept free are zero."""
    there = 0
    for at in range(0, min(len(block), 4096) - 127, 128):
        pointer = block[at : at + 128]
        if not any(pointer):
            continue
        prop = int.from_bytes(pointer[48:56], "little")
        if any(pointer[56:72]) or prop >> 56 & 0x1F > 8 or not 0 < prop >> 40 & 0xFF < 20:
            return False
        there += 1
    return there > 0
