zap z fat key=u64 prehashed
add z 0x0 len=8192
