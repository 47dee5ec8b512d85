zap z fat key=u64 prehashed hash64 leaf_shift=9
cursor c z
next c
destroy z
txg
t1: add z 0x7000000000000000 len=60
sync
create z
