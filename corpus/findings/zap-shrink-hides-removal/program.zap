# A removal answers EIO, and the entry is gone.
zap z fat key=u64 prehashed leaf_shift=9
# Two leaves with one entry each, on disk.
add z 0x0 len=148
add z 0x8000000000000000 len=148
remove z 0x8000000000000000
sync
# From here on the block of the second leaf, which is empty, cannot be read.
fail z block=2
# The entry of the first one is removed. zap_shrink() looks whether the two leaves can be joined, and its errno
# becomes that of the removal, which is done.
remove z 0x0
# When the block can be read again the entry has gone nevertheless.
heal z
lookup z 0x0
