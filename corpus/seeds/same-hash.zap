# Two words a key, the first is the hash: entries with one hash are told apart by their differentiators,
# and the lowest free one is used again.
zap z fat key=u64 words=2 prehashed hash64 leaf_shift=9
add z 0x8000000000000000:0x0
add z 0x8000000000000000:0x1
add z 0x8000000000000000:0x2
remove z 0x8000000000000000:0x1
add z 0x8000000000000000:0x3
add z 0x8000000000000000:0x0
cursor c z
next c
next c
next c
next c
remove z 0x8000000000000000:0x0
lookup z 0x8000000000000000:0x2
