zap z micro
add z "a" int=8
seek z hole=1
