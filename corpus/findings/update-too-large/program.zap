# An entry's new value does not fit any leaf of 512 bytes (20 chunks of 18): the leaf is split for ever.
zap z fat key=u64 prehashed leaf_shift=9
add z 0x0
update z 0x0 len=400
