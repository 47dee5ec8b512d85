zap d micro
mkdir d "a"
full errno=122
rmdir d "a"
