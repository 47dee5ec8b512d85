zap z micro
cursor c z
next c
add z "a" int=8
next c
