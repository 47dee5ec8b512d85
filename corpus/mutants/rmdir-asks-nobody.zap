zap z fat hash64 leaf_shift=9
zap y fat hash64 leaf_shift=9 inode=0x3
add z "a"
rename z y "a" "a"
mkdir z "a" inode=0x3
rmdir z "a"
