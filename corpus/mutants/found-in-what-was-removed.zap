zap z fat hash64 leaf_shift=9 inode=0x2
zap y fat hash64 leaf_shift=9
mkdir y "a" inode=0x2
rmdir y "a"
add y "a"
rename y z "a" "a"
