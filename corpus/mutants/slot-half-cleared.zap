zap z micro
add z "a" int=8 fill=1
add z "b" int=8
remove z "a"
