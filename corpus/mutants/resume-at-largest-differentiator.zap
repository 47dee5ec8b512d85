zap z fat key=u64 prehashed hash64
add z 0x0
cursor c z from=0xffff000000000000
next c
next c
