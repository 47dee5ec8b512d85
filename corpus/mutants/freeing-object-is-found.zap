zap z micro
add z "a" int=8
destroy z
lookup z "a" int=8 len=1
