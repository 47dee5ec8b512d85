zap d micro
touch d "a"
getdents d
