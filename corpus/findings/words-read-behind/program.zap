# 0x5 has fewer words than 0x5:0x7, so a word is compared that lies behind it in the caller's memory.
zap z fat key=u64 words=2 shorter prehashed leaf_shift=9
add z 0x5:0x7
lookup z 0x5
