zap d micro
touch d "a"
full errno=122
unlink d "a"
