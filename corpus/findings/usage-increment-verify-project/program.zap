# The ZAP in which OpenZFS keeps how much each project has cannot be read: the next sync that changes it panics.
zap u micro usage=project
allocate
sync
fail u
# An object of another project. What syncing context then does to the ZAP is a VERIFY.
allocate first=1
sync
