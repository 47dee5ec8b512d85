"""The lines of a trace that are neither a head nor a frame: what begins one, ends one, or stands in
between."""

from __future__ import annotations

import re

TRACE = re.compile(
    r"(?:Call [Tt]race|KDB: stack backtrace|[Bb]acktrace.{0,60}|STACK_TEXT|-- panic stack --):? *$"
)
END = re.compile(
    r"</TASK>|---\[ end|KDB: enter|Aborted|child died|Uptime:|syncing file systems|dumping to /dev"
)
NOISE = re.compile(
    r"$|<|Hardware name|Tainted|In memory cgroup|R[IS]P:|Code:|[A-Z][A-Z0-9]{1,2}: |Modules linked|Registers:"
    r"|[r?]\w{1,3}: 0x|time = |Showing stack|SPL:|Sched_clock|\(?[0-9a-f]{8,16}\)?(?: |$)|Workqueue:|Stack:"
    r"|Message from syslogd|pstate:|[xl][r\d]\d?\s*:|sp :|pc :|Solaris|CPU\d*:|  *PID:|\[\.\.\.|Kernel Ext"
    # Between an oops's head and its trace: faults, tables, registers of each processor.
    r"|#PF:|PGD |\*pgd|\[[0-9a-f]{16}\] |Mem abort|  ?ESR|  ?EC =|  ?SET =|  ?EA =|  ?FSC =|Data abort"
    r"|  ?ISV|  ?CM ="
    r"|user pgtable|swapper pgtable|Internal error|Oops|CPU |TSK|Faulting instr|LE PAGE|BE PAGE|NIP|LR"
    r"|REGS|MSR|CFAR"
    r"|GPR|Instruction dump|---\[ cut|-+\[? ?cut here|={10,}|The buggy|flags:|raw:|page:|page dumped|index \d"
    r"|shift exponent|load of|member |Write of|Read of|write to|read to|value changed|Reported by"
    r"|Failing address"
    r"|Fault in|AS:|Krnl|R:\d|User PSW|ra :|gp :|[atsg]\d+ ?:|status:|epc|Last Break|INFO: lockdep|rcu:"
    r"|sending NMI"
    r"|Sending NMI|NMI backtrace|\(detected by|\t?\d+-[.!]|Tainted:|\"echo 0|task:|irq event|hardirqs"
    r"|softirqs|last s"
    r"|fault |instruction p|stack p|frame p|code seg|= DPL|processor e|current proc|trap num"
    r"|r[a-d0-9][xi0-9]?:"
    r"|[a-z]{2,3}: +[0-9a-f]{4,}|%\w+|cr[0-4]:|fs[ab]|addr=|pid=|sched:|#pf|Bad kernel|gs[b]|\w+: #pf|RAX"
    r"|Debugger call"
    r"|lockdown|nt!|Break instr|\w+!\w+:|kd>|mdb|> \$|dump content|--|__|\.\.\.|FS:|DR\d|CR\d|audit: "
)
PROCESS = (
    re.compile(
        r"CPU: (?P<cpu>\d+)(?: UID: \d+)? PID: (?P<pid>\d+) Comm: (?P<name>.+?)"
        r"(?: +Kdump: \w+)?(?: +(?:Not t|T)ainted|$)"
    ),
    re.compile(r"P(?:id|ID): (?P<pid>\d+),? +(?:comm|COMM): (?P<name>\S+)"),
    re.compile(r"PID: (?P<pid>\d+) +TASK: \S+ +CPU: (?P<cpu>\d+) +COMMAND: \"(?P<name>[^\"]+)\""),
    re.compile(r"^COMMAND: \"(?P<name>[^\"]+)\""),
    re.compile(r"^PID: (?P<pid>\d+)$"),
    re.compile(r"TID: \d+ +NAME: (?P<name>\S+)"),
    re.compile(r"Showing stack for process (?P<pid>\d+)"),
    re.compile(r"task:(?P<name>\S+) +state:\S+ +stack: ?\d+ +pid: ?(?P<pid>\d+)"),
    re.compile(r"current process\s+= (?P<pid>\d+) \((?P<name>[^)]+)\)"),
    re.compile(r"[Bb]y task (?P<name>[^\s/]+)/(?P<pid>\d+)"),
    re.compile(r"Process (?P<name>[\w.\-/:]+) \(pid: (?P<pid>\d+)"),
    re.compile(r"CPU: (?P<cpu>\d+) PID: (?P<pid>\d+) at "),
    re.compile(r"cpuid = (?P<cpu>\d+)"),
)
"""Who it was; the first form that a line fits counts."""

OF_PROCESSES = ("PID: ", "pid", "Pid", "COMMAND", "NAME", "process", "state:", "task ", "cpuid")
"""One of these is in each such line."""

HANDLED = re.compile(
    r"--- (?:trap 0x(?!0+\b)[0-9a-f]+|trap (?!0\b)\d+|exception|interrupt)\b(?::? [0-9a-f]{3,4} at "
    r"(?P<function>[A-Za-z_]\w+))?|<Fault|<signal handler called>"
)
"""What stood above ran only because of the failure, which is what follows."""

KEXT = re.compile(r"(?:net\.lundman\.(?:zfs|spl)|org\.openzfsonosx\.zfs|com\.getgreenbytes\.[a-z.]*zfs) ?\(")
"""An extension that a panic of macOS found in its backtrace, whose functions it may not name."""

MDB_STACK = re.compile(r"(?:(?:\[\d+\])?> ?)?(?:\S{1,40} ?)?(?:\$[cC]|::stack)\s*$")
"""What is asked of mdb; the message of the panic may be asked for afterwards."""

DDB_FRAME = re.compile(r"\w+\(\) at \w+\+0x")
LOCKS_ONLY = re.compile(r"lock order reversal|witness_|acquiring duplicate lock")
"""What FreeBSD's WITNESS says of locks, with a trace of each; nothing failed."""

SYSTEM_CALL = re.compile(
    r"--- (?:syscall|trap 0(?:x0)?,|interrupt: (?:0|c00|3000)\b|system call"
    # a process's own page fault, by which it came into the kernel: its addresses are below the kernel's
    r"|trap 0x[0-9a-f]+, rip = 0x0{0,4}[0-9a-f]{1,12},)"
)
"""The end of a thread's stack."""

LAST_OF_TRACE = re.compile(
    r"Allocated by task|Freed by task|The buggy address|Last potentially|Memory state around"
    r"|Last Breaking-Event"
    r"|(?:freed|previously allocated|allocated) by (?:thread|task)|Uninit was|CPU: \d+ PID: \d+ Comm: .*first"
    r"|(?:write|read|write \(marked\)|read \(marked\)|race at unknown origin)[, ].*(?:by (?:task"
    r"|interrupt)|with)"
    r"|value changed|Reported by Kernel"
)
"""Behind these follow traces of other moments, or registers once more. Where no frame has come yet, nothing
ends."""

OTHER_PROCESSOR = re.compile(r"NMI backtrace for cpu|Sending NMI|sending NMI|Task dump for CPU|CPU#\d+ stack")
THREAD = re.compile(r"Thread \d+ \(|\[Switching to")

SECTION = re.compile(
    "|".join(
        form.pattern if "?P<" not in form.pattern else form.pattern.replace("?P<function>", "?:")
        for form in (KEXT, SYSTEM_CALL, HANDLED, LAST_OF_TRACE, OTHER_PROCESSOR, THREAD)
    )
)
"""All of these in one, for the many lines that are none."""
