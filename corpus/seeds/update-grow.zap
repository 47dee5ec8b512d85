# Values grow and shrink in place: each update frees the old chunks and takes new ones, until the leaf
# (18 chunks of 24 bytes, 21 of them for a value) is full and splits.
zap z fat key=u64 prehashed leaf_shift=9
add z 0x0 len=0
add z 0x8000000000000000
update z 0x0 len=21 fill=0x1
update z 0x0 len=22 fill=0x2
update z 0x8000000000000000 len=180
update z 0x0 len=100 fill=0x3
# here both no longer fit in one leaf
update z 0x0 len=190 fill=0x4
txg
update z 0x0 len=21
update z 0x8000000000000000 int=8 fill=0x5
length z 0x8000000000000000
lookup z 0x0 len=20
lookup z 0x8000000000000000 int=8 len=1
sync
