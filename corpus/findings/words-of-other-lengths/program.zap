# 0x5 and 0x5:0x7 are two keys of one hash. The second one is not there, and is found.
zap z fat key=u64 words=2 shorter prehashed leaf_shift=9
add z 0x5
lookup z 0x5:0x7
