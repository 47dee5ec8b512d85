zap z fat hash64 leaf_shift=9 inode=0x2
zap y fat hash64 leaf_shift=9 inode=0x3
zap x fat hash64 leaf_shift=9 inode=0x4
mkdir z "A" inode=0x4
mkdir x "a" inode=0x2
rename z y "A" "A"
mkdir z "A" inode=0x3
exchange y y "A" "A"
