"""A real ZFS kernel module as a target: a virtual machine in which a plain user makes and removes files.

`locate` says what `make kernel` has left where; `build_module` compiles; `initramfs` and `agent/` are what
the guest is made of; `qemu` runs one, `guest` boots, saves and resets it; `console` reads what its kernel
printed; `target` runs programs. Nothing here ever touches a pool or a device of the machine.
"""
