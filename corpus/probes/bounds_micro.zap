# A limit of a micro ZAP that is no whole number of sectors: on a real library told by whether it has
# zap_get_micro_max_size(), since ours stands before that and rounds as it does.
zap z micro leaf_shift=9 micro_max_size=1000
add z "0" int=8
add z "1" int=8
add z "2" int=8
add z "3" int=8
add z "4" int=8
add z "5" int=8
add z "6" int=8
add z "7" int=8
