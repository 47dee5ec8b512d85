zap z fat hash64 leaf_shift=9 norm=2 inode=0x2
zap y fat hash64 leaf_shift=9 norm=2 inode=0x3
add y "b"
mkdir y "A" inode=0x3
mkdir z "b" inode=0x2
exchange z y "b" "b"
whiteout y z "A" "b"
