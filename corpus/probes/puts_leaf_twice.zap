# A leaf whose split needs a block that cannot be read.
zap z fat key=u64 prehashed leaf_shift=9
add z 0x0 len=148
add z 0x100000000000000 len=148
add z 0x4000000000000000 len=148
sync
fail z block=20
add z 0x5000000000000000 len=148
