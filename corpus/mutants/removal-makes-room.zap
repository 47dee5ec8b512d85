zap z micro
add z "0" int=8
add z "1" int=8
add z "2" int=8
add z "3" int=8
add z "4" int=8
add z "5" int=8
add z "6" int=8
remove z "1"
