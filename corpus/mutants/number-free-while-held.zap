zap z micro
add z "a" int=8
cursor c z
next c
destroy z
sync
sync
claim z
