# hashes of ten bits: the pointer table ends after eight, and then a full leaf can not be split
zap z fat key=u64 words=2 prehashed leaf_shift=9 hash_bits=10
zap d micro leaf_shift=9 hash_bits=8
add z 0x0:0x1 len=148
add z 0x0:0x2 len=148
add z 0x8000000000000000:0x1 len=200
add z 0x4000000000000000:0x1 len=200
cursor c z
next c
next c
serialize c
sync
reopen
add z 0x0:0x3 len=300
remove z 0x0:0x1
add z 0x0:0x3 len=300
count z
touch d "06;201000000000000000"
touch d "11<3>0000000000000000"
touch d "29;050000000000000000"
touch d "3><1;1000000000000000"
touch d "4783?4000000000000000"
