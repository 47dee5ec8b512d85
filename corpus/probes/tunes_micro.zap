# A micro ZAP whose first block is full, and may not grow.
zap z micro leaf_shift=9 micro_max_size=512
add z "0" int=8
add z "1" int=8
add z "2" int=8
add z "3" int=8
add z "4" int=8
add z "5" int=8
add z "6" int=8
add z "7" int=8
