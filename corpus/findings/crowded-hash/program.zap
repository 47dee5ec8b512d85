# Five names of one 28-bit hash do not fit a leaf of 512 bytes: it is split for ever. They were computed for the
# salt 1, and have one hash under every salt: the difference of two CRCs depends on the names alone. At the default
# leaf size it takes 160 such names.
zap d micro leaf_shift=9 salt=0x123456789abcdef1
touch d "0610>7>70000000000000" inode=1
touch d "1>2?8=1?0000000000000" inode=2
touch d "2<54=5?50000000000000" inode=3
touch d "346;;?0=0000000000000" inode=4
touch d "45524:640000000000000" inode=5
