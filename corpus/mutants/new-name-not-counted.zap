zap z micro leaf_shift=9 norm=100
add z "AB5" int=8
add z "Ab5" int=8
increment z "aB5"
touch z "215;3:=1>3<41>1?;61000"
