zap d micro
add d "a" int=8 len=2
dirlook d "a"
