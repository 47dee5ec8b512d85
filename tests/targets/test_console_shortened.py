"""What of a guest's console is shown: from the first line of trouble on, and only what a reader looks for."""

from __future__ import annotations

from fuzz.targets.kernel.console import KEPT_LINES, failure_of, shortened

LOCKUP = b"""\
[    2.1] ZFS: Loaded module v2.3.2-2~bpo12+2, ZFS pool version 5000, ZFS filesystem version 5
[   40.0] watchdog: BUG: soft lockup - CPU#0 stuck for 7s! [init:92]
[   40.0] Modules linked in: zfs(POE) spl(OE)
[   40.0] CPU: 0 PID: 92 Comm: init Tainted: P OE 6.1.0-50-cloud-amd64 #1 Debian 6.1.176-1
[   40.0] RIP: 0010:zap_leaf_lookup+0x6b/0x130 [zfs]
[   40.0] Code: 01 00 00 00 d3 e2 83 ea 01 48 21 d0
[   40.0] RSP: 0018:ffffc9000070f600 EFLAGS: 00000287
[   40.0] Call Trace:
[   40.0]  <TASK>
[   40.0]  fzap_lookup+0xd4/0x1f0 [zfs]
[   40.0]  ? spl_kmem_alloc+0xc0/0x100 [spl]
[   40.0]  zap_lookup+0xa4/0x110 [zfs]
[   40.0]  </TASK>
[   40.0] Kernel panic - not syncing: softlockup: hung tasks
"""


def test_console_is_kept_short() -> None:
    """Head, place and stack; no registers, no code, nothing from before."""
    assert shortened(LOCKUP).splitlines() == [
        "watchdog: BUG: soft lockup - CPU#0 stuck for 7s! [init:92]",
        "RIP: 0010:zap_leaf_lookup+0x6b/0x130 [zfs]",
        "Call Trace:",
        " fzap_lookup+0xd4/0x1f0 [zfs]",
        " zap_lookup+0xa4/0x110 [zfs]",
        "Kernel panic - not syncing: softlockup: hung tasks",
    ]
    assert len(shortened(LOCKUP * 40).splitlines()) == KEPT_LINES


def test_soft_lockup_has_the_signature_that_triage_gives_it() -> None:
    """Its place is the function that spins, not the watchdog."""
    failure = failure_of(LOCKUP, "touch", 7)
    assert failure.signature.kind == "soft-lockup" and failure.signature.place == "?:zap_leaf_lookup"
    assert failure.op == 7
