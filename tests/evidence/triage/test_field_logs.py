"""Logs as people posted them: assertions, oopses, lockups, stalls, traps of each system, read to what
failed where.

The logs in `data/triage/field` have the text of public reports (a comment at `EXPECTED` names each);
people, hosts
and addresses are invented, and frames that a report left out are made up in the usual form.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evidence.triage.triage_logs import events_of
from tests.support.paths import DATA

FIELD = DATA / "triage" / "field"
LOGS = sorted(FIELD.glob("*.log"))

# log: for each failure in it kind, place, expression, and how its stack begins
EXPECTED: dict[str, list[tuple[str, str, str, str]]] = {
    # openzfs issue 18572, which `check` is advertised with
    "02-softlockup-18572": [
        (
            "soft-lockup",
            "?:zap_leaf_lookup",
            "",
            "zap_leaf_lookup fzap_lookup zap_lookup_impl zap_lookup_norm",
        ),
        ("soft-lockup", "?:zap_leaf_lookup", "", "zap_leaf_lookup fzap_lookup zap_lookup_impl"),
    ],
    # openzfs issue 16278
    "04-ubsan-module-16278": [
        (
            "ubsan",
            "zap_micro.c:zap_update",
            "array-index-out-of-bounds",
            "zap_update feature_sync space_map_alloc",
        )
    ],
    # openzfs issue 16934
    "10-pagefault-leaflookup-16934": [
        (
            "page-fault",
            "?:zap_leaf_lookup",
            "",
            "zap_leaf_lookup fzap_length zap_length_uint64 ddt_zap_lookup",
        )
    ],
    # openzfs issue 17529
    "14-freebsd-nofault-17529": [
        (
            "page-fault",
            "?:zap_entry_read_name",
            "",
            "zap_entry_read_name fzap_cursor_retrieve zap_cursor_retrieve zfs_freebsd_readdir",
        )
    ],
    # openzfs issue 10583
    "15-freebsd-trap12-10583": [
        ("page-fault", "?:dmu_buf_will_dirty", "", "dmu_buf_will_dirty zap_lockdir_impl zap_update")
    ],
    # openzfs issue 13144: told by the console and by syslog
    "23-doubled-lines-13144": [
        (
            "assertion",
            "dnode.c:dnode_allocate",
            "bcmp(dn->dn_phys, &dnode_phys_zero, sizeof (dnode_phys_t)) == 0",
            "dnode_allocate dmu_object_alloc_impl dmu_object_alloc_dnsize",
        )
    ],
    # openzfs issue 6123: pasted from a web page
    "25-html-entities-6123": [
        (
            "assertion",
            "arc.c:arc_buf_type",
            "hdr->b_type == type",
            "arc_buf_type arc_evict_state arc_adjust_impl",
        )
    ],
    # illumos issue 14003: mdb
    "28-illumos-arc-14003": [
        (
            "assertion",
            "arc.c:arc_buf_destroy",
            "remove_reference(hdr, ((void *)0), tag) == 0",
            "arc_buf_destroy dbuf_issue_final_prefetch_done arc_read_done zio_done",
        )
    ],
    # openzfs issue 2283
    "29-ztest-2283": [("assertion", "dbuf.c:?", "refcount_count(&db->db_holds) == db->db_dirtycnt", "")],
    # openzfs issue 13134
    "33-kasan-13134": [("kasan", "?:auxgetinfo", "stack-out-of-bounds", "auxgetinfo lua_getinfo")],
    # a FreeBSD panic of 2014 as kgdb shows it
    "38-freebsd-solaris-zapupdate-kgdb": [
        (
            "assertion",
            "dsl_scan.c:dsl_scan_sync_state",
            'zap_update(scn->scn_dp->dp_meta_objset, 1, "scan", sizeof (uint64_t), (sizeof (dsl_scan_phys_t)'
            " / sizeof (uint64_t)), &scn->scn_phys, tx) == 0",
            "dsl_scan_sync_state dsl_scan_sync spa_sync",
        )
    ],
    # openzfs issue 5346, FreeBSD of 2017
    "40-zeroed-leaf-5346": [
        (
            "assertion",
            "zap.c:zap_get_leaf_byblk",
            "zap_leaf_phys(l)->l_hdr.lh_block_type == ZBT_LEAF",
            "zap_get_leaf_byblk zap_deref_leaf fzap_cursor_retrieve zap_cursor_retrieve zfs_freebsd_readdir",
        )
    ],
    # illumos issue 6585
    "47-illumos-panic-cpu-6585": [
        (
            "assertion",
            "zfeature.c:feature_do_action",
            "feature_get_refcount(spa, feature, &refcount) != 48",
            "feature_do_action spa_feature_incr dmu_object_zapify",
        )
    ],
    # openzfs issue 805
    "50-null-dbuf-find-805": [
        ("null-dereference", "?:dbuf_find", "", "dbuf_find __dbuf_hold_impl dbuf_hold_impl dbuf_hold")
    ],
    # openzfs issues 1176 and 4114
    "51-rcu-stall-1176": [
        ("rcu-stall", "?:zap_get_leaf_byblk", "rcu_sched", "zap_get_leaf_byblk zap_deref_leaf")
    ],
    # openzfs pull request 17602
    "55-undirty-usage-shrink-17602": [
        (
            "assertion",
            "dbuf.c:dbuf_undirty",
            "db->db_objset == dmu_objset_pool(db->db_objset)->dp_meta_objset"
            " || txg != spa_syncing_txg(dmu_objset_spa(db->db_objset))",
            "dbuf_undirty dbuf_free_range dnode_free_range dmu_free_range zap_shrink fzap_remove",
        )
    ],
    # openzfs pull request 16888
    "56-microzap-full-16888": [
        ("panic", "?:mzap_addent", "out of entries!", "mzap_addent zap_add_impl zap_add")
    ],
    # FreeBSD's prefix since 2.3.7 and 2.4.2
    "64-freebsd-24-existent": [
        (
            "panic",
            "?:zfs_range_tree_add_impl",
            "zfs: adding segment (offset=N size=N) overlapping with existing one (offset=N size=N)",
            "zfs_range_tree_add_impl metaslab_free_concrete spa_sync",
        )
    ],
    # the finding crowded-hash where a micro ZAP becomes fat
    "65-crowded-mzap-upgrade": [
        (
            "assertion",
            "zap_micro.c:mzap_upgrade",
            "fzap_add_cd(zn, 8, 1, &mze->mze_value, mze->mze_cd, tag, tx) == 0",
            "mzap_upgrade zap_lockdir_impl zap_lockdir_by_dnode",
        )
    ],
    # openzfs on Windows, issue 378
    "70-windows-378": [
        (
            "assertion",
            "?:zfs_refcount_destroy_many",
            "rc->rc_count == number",
            "zfs_refcount_destroy_many zfs_refcount_destroy arc_state_fini",
        )
    ],
    # the finding zap-cursor-on-table as 2.4 prints it
    "73-leafmagic-on-2.4-debug": [
        (
            "assertion",
            "zap_leaf.c:zap_leaf_lookup_closest",
            "zap_leaf_phys(l)->l_hdr.lh_magic == ZAP_LEAF_MAGIC",
            "zap_leaf_lookup_closest fzap_cursor_retrieve zap_cursor_retrieve zfs_readdir",
        )
    ],
    # openzfs issue 6522, by two processes one after the other
    "74-two-alike-adjacent-6522": [
        ("assertion", "dbuf.c:dbuf_create", "dn->dn_type != DMU_OT_NONE", "dbuf_create dbuf_create_bonus"),
        ("assertion", "dbuf.c:dbuf_create", "dn->dn_type != DMU_OT_NONE", "dbuf_create dbuf_create_bonus"),
    ],
    # FreeBSD's savecore(8)
    "76-freebsd-savecore": [
        ("assertion", "?:?", "NULL == dmu_buf_set_user(l->l_dbuf, &l->l_dbu)", ""),
    ],
}


def test_every_log_has_an_expectation() -> None:
    """A log without an answer would prove nothing."""
    assert {path.stem for path in LOGS} == set(EXPECTED)


@pytest.mark.parametrize("step", [1 << 20, 53])
@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_what_failed_where(path: Path, step: int) -> None:
    """Kind, place, expression and stack; and as many failures as there were, in whatever pieces the log
    comes."""
    events = events_of(path.read_bytes(), step)
    expected = EXPECTED[path.stem]
    assert [(event.kind, event.place, event.expression) for event in events] == [
        each[:3] for each in expected
    ]
    for event, (*_, stack) in zip(events, expected, strict=True):
        names = tuple(stack.split())
        assert event.stack[: len(names)] == names
        assert bool(event.stack) == bool(names)
