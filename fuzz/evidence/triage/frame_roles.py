"""What a function's name says of a frame: ZFS, the reporting of a failure, a fault's handler, a thread's end.

Names only; how a frame is printed is in `stacks`.
"""

from __future__ import annotations

import re

REPORTER = re.compile(
    r"(?:_*dump_(?:stack|backtrace)|show_(?:stack|trace|regs)|unwind_backtrace|spl_(?:dumpstack|panic|assert|debug_)"
    r"|libspl_(?:assert|backtrace|vassert)|v?panic$|panicsys$|v?cmn_err|kdb_|db_(?:trace_|dump|command|script|trap)"
    r"|kassert_|assfail|abort$|_*GI_|raise$|gsignal$|pthread_kill|_*pthread_kill|_*assert(?:_fail|_rtn|_perror|3)?"
    r"(?:_base)?$|crash_setup|__crash_kexec|crash_kexec|machine_kexec|srso_|handle_debugger|zfs_panic_recover"
    r"|spl_vpanic|walk_stackframe|call_trace|v?zfs_panic|doadump|kern_reboot|print_address_description|print_report"
    r"|_*kasan_|_*kcsan_|check_memory_region|_*asan_|_*ubsan_|ubsan_epilogue|handle_overflow|_*fortify_panic"
    r"|_*tsan_|nmi_(?:trigger|cpu)|arch_trigger|rcu_dump|trigger_|sched_show_task|_*warn|report_bug|fm_panic"
    r"|i386_init|_guard_|DebuggerTrapWithState|Debugger|print_addr$|_*wait_on_|gettid$)"
)
"""Functions that report a failure; they stand in front of the one that failed."""

HANDLER = re.compile(
    r"(?:(?:asm_)?(?:exc|sysvec|common_interrupt)_?|(?:asm_|async_)?page_fault|(?:do_)?(?:bad_area|page_fault"
    r"|user_addr|kern_addr|trap|general_protection|invalid_op|divide_error|double_fault|error_trap|mem_abort"
    r"|translation_fault|DataAbort|undefinstr|alignment|program_check|data_access|hash_page|dat_exception|sp_switch"
    r"|protection|asce|secure|el1)(?:_|$|h)|_*bad_area|_*do_kernel_fault|_*die(?:_|$)|_*handle_bug|no_context|oops_"
    r"|error_(?:entry|exit|code)|fixup_bug|handle_(?:bug|page_fault|exception|el1h)|spurious_|calltrap|alltraps|vm_fault"
    r"|_*cmntrap|nmi(?:$|_)|_*nmi_|end_repeat_nmi|watchdog|_*perf_|_*hrtimer|tick_|update_process_times|rcu_sched_clock"
    r"|rcu_(?:check|pending)|(?:smp_)?apic_timer|local_apic|_*irq_|el1h?_|bug_handler|brk_handler|call_break_hook"
    r"|kernel_trap|data_access_common|bad_page_fault|program_check_common|pgm_check|_*do_pgm_|data_(?:exception|abort)"
    r"|undefinedinstr|ret_from_exception|Ki[A-Z]|Ke[A-Z]|native_(?:smp|machine)|stop_machine|sysrq|_*handle_sysrq|kmsg_)"
)
"""What runs between a fault and its report, or on a timer that found the processor hanging."""

_FAULT_OF = (
    ("null-dereference", re.compile(r"_*null_pointer")),
    ("page-fault", re.compile(r"(?:asm_)?(?:exc_|async_)?page_fault|do_page_fault|trap_pfault|KiPageFault")),
    (
        "page-fault",
        re.compile(r"_*bad_area|do_mem_abort|do_translation_fault|data_abort|do_dat_exception|no_context"),
    ),
    ("general-protection-fault", re.compile(r"(?:asm_)?(?:exc_|do_)?general_protection")),
    ("stack-overflow", re.compile(r"(?:asm_)?(?:exc_|do_)?double_fault|handle_stack_overflow")),
    ("divide-error", re.compile(r"(?:asm_)?(?:exc_|do_)?divide_error")),
    ("kernel-bug", re.compile(r"(?:asm_)?(?:exc_|do_)?invalid_op")),
    ("hard-lockup", re.compile(r"watchdog_(?:overflow_callback|hardlockup_check)|watchdog_timer_interrupt")),
    ("soft-lockup", re.compile(r"watchdog_timer_fn")),
)


def fault_of(function: str) -> str:
    """The kind of fault that this function handles, or nothing."""
    return next((kind for kind, form in _FAULT_OF if form.match(function)), "")


BOTTOM = re.compile(
    r"(?:entry_|do_syscall|(?:do_)?el0|invoke_syscall|el0t?_|ret_from_(?:fork|kernel)|(?:k|start_|smpboot_)thread$"
    r"|child_rip|kernel_thread|fork_(?:exit|trampoline)|amd64_syscall|X?fast_syscall|clone3?$|_*clone|_*libc_start"
    r"|thread_start|call_continuation|zk_thread_|system_call|_*x64_sys|_*arm64_sys|ret_fast_syscall|thread_generic_wrapper"
    r"|_*s390x_sys|_*do_sys|ret_from_syscall|syscall_|sys_syscall|_sys_sysenter|svc_handler|do_el0_sync|unix_syscall"
    r"|__ret_from_fork|kernel_thread_starter)"
)
"""The outermost functions of a thread."""

CALLER = re.compile(
    r"(?:VOP_|vn_|vfs_|kern_|sys_|dofile|fo_|null_|taskqueue_|taskq_run|fop_|lookuppnvp|PxeDispatch)"
)
"""Kernels' own functions that call ZFS, in traces that name no modules."""

_OWN = re.compile(
    r"_?(?:f?zap|mzap|mze|dbuf|l2arc|arc|dmu|dnode|zio|zil|zvol|zpl|zfs|zfsdev|zfsctl|spa|dsl|txg|vdev|metaslab|ddt|brt"
    r"|zone_dataset|range_tree|space_map|bpobj|bptree|bplist|zthr|abd|zcp|multilist|rrw|rrm|livelist|uberblock|ztest|zdb|zfetch"
    r"|userquota|dva|sa_(?:build|handle|lookup|bulk|update|add|attr|modify|size|buf|find|idx))_?[a-z]\w*$"
    r"|do_userquota|auxgetinfo$|load_zap|zap_|dump_(?:object|dir|one_dir|zpool)$|trim_map_|(?:add|remove)_reference$"
)
_SHARED = re.compile(
    r"_?(?:sa|refcount|feature|aggsum|zrl|unique|raidz|fletcher_[24]|sha2|gzip|lz4|zstd|nvlist|nvpair|nvs|dds|objset"
    r"|zk|zed|buf_hash|lzc|spl|kmem_cache|icp|chksum|skein|edonr|blake3|lua|luaV|luaD|bqueue|sublivelist)_[a-z]\w*$"
)
"""Prefixes that other software has too."""

_NOT_ZFS = re.compile(r"(?:arc_init_ir|brt_init|dsl_(?:db|tag|port)|rrm_|zed_|ddt_(?:enable|dpms))")


def names_zfs(function: str) -> bool:
    """True if a function without a module is one of OpenZFS's beyond doubt, by its name."""
    return _OWN.match(function) is not None and _NOT_ZFS.match(function) is None


def may_name_zfs(function: str) -> bool:
    """True if a function that stands among OpenZFS's may be one of them, by its name."""
    return names_zfs(function) or _SHARED.match(function) is not None
