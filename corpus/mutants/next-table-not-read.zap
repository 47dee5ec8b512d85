zap z fat key=u64 prehashed leaf_shift=9
add z 0xe50a905a7975a7d6 len=189
add z 0xe5864a72e7a2ab88 len=189
add z 0x6f4e5c1210bda3 len=168
sync
fail z many=64 block=22
add z 0x2000000000000000 len=168
