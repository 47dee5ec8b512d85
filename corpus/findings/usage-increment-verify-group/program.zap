# The ZAP in which OpenZFS keeps how much each group has cannot be read: the next sync that changes it panics.
zap u micro usage=group
allocate
sync
fail u
# An object of another group. What syncing context then does to the ZAP is a VERIFY.
allocate first=1
sync
