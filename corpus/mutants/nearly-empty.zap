zap z fat hash64 leaf_shift=9
zap y fat hash64 leaf_shift=9 inode=0x4
add y "a"
mkdir z "a" inode=0x4
mkdir z "b"
rename z z "b" "a"
