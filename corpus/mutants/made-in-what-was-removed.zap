zap z fat hash64 leaf_shift=9 inode=0x3
zap y fat hash64 leaf_shift=9
mkdir y "a" inode=0x3
rmdir y "a"
mkdir z "a"
