zap z fat key=u64 prehashed hash64 leaf_shift=9 indirect_shift=9
add z 0xbd109e0807bf29b5 len=180
t1: add z 0xbe109e0807bf29b5 len=180 fill=0x2
t1: destroy z
sync
