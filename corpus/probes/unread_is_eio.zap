# A transaction of which a block has a wrong checksum.
zap z fat key=u64 prehashed leaf_shift=9
add z 0x0
sync
fail z block=0 errno=52
add z 0x1
