"""A failure and what is known of it, for people (text) and for machines (one JSON object)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from fuzz.evidence.triage.events import KINDS, Event
from fuzz.evidence.triage.known import Match, Verdict
from fuzz.evidence.triage.known_outside_corpus import Note, error_name, notes_for, release_of
from fuzz.evidence.triage.which_object import which_object

_PARAMETERS = {
    "zap_shrink_enabled": "vfs.zfs.zap_shrink_enabled",
    "reference_tracking_enable": "vfs.zfs.reference_tracking_enable",
}
"""Module parameters that advice may name, and FreeBSD's sysctl of each."""

_SETTING = re.compile(r"\b([a-z][a-z0-9_]+)=(\d+)")
_REMEMBERED = 4096

_SEND = (
    "the log from the first line of the failure on, whole (`dmesg -T`, `journalctl -k -b`, or the crash"
    " dump's message buffer)",
    "`zfs version` and the kernel's version",
    "if the ZAP can be told (a directory's inode number is its object): `zdb -dddd POOL/DATASET OBJECT`",
)


def how_to_set(advice: str) -> list[str]:
    """For each `parameter=number` of an advice that is known: how to set it, now and at every boot."""
    lines = []
    for name, value in _SETTING.findall(advice):
        sysctl = _PARAMETERS.get(name)
        if sysctl is None:
            continue
        lines.append(f"Linux, now: echo {value} > /sys/module/zfs/parameters/{name}")
        lines.append(f"Linux, at boot: options zfs {name}={value}   in /etc/modprobe.d/zfs.conf")
        lines.append(f"FreeBSD, now: sysctl {sysctl}={value}")
        lines.append(f"FreeBSD, at boot: {sysctl}={value}   in /etc/sysctl.conf")
    return lines


def as_json(event: Event, verdict: Verdict) -> str:
    """One line, keys always the same; what the log does not say is null."""
    assertion = event.assertion
    known = verdict.reproducer
    data = {
        "line": event.line,
        "kind": event.kind,
        "detail": event.detail or None,
        "offset": event.offset,
        "host": event.host or None,
        "caller": event.caller or None,
        "process": event.process or None,
        "pid": event.pid or None,
        "cpu": event.cpu if event.cpu >= 0 else None,
        "place": event.place,
        "source_line": event.source_line or None,
        "macro": (assertion.macro or None) if assertion else None,
        "expression": event.expression or None,
        "values": list(assertion.values) if assertion and assertion.values else None,
        "operator": (assertion.operator or None) if assertion else None,
        "message": event.message or None,
        "extra": (assertion.extra or None) if assertion else None,
        "stack": list(event.stack),
        "signature": str(event.signature),
        "cut": event.cut,
        "mixed": event.mixed,
        "known": verdict.match.value,
        "difference": verdict.difference or None,
        "reproducer": known.folder.as_posix() if known else None,
        "known_place": verdict.place or None,
        "title": (known.title or None) if known else None,
        "releases": list(verdict.releases),
        "issue": (known.issue or None) if known else None,
        "fix": (known.fix or None) if known else None,
        "belief": (known.belief or None) if known else None,
        "meanwhile": (known.meanwhile or None) if known else None,
        "versions": event.versions,
        "retold": event.retold,
        "error": error_name(event) or None,
        "fits": [
            {"reproducer": each.reproducer.folder.as_posix(), "known": each.match.value, "title": each.title}
            for each in (verdict, *verdict.others)
            if each.reproducer is not None
        ],
        "notes": [_note_as_json(note, here) for note, here in notes_for(event)],
        "how": how_to_set(known.meanwhile) if known else [],
    }
    return json.dumps(data, ensure_ascii=True)


def _note_as_json(note: Note, here: bool | None) -> dict[str, object]:
    return {
        "title": note.title,
        "words": note.words or None,
        "issue": note.issue or None,
        "fix": note.fix or None,
        "fixed": list(note.fixed),
        "in_release": here,
        "meanwhile": note.meanwhile or None,
        "harmless": note.harmless,
        "check": note.check,
    }


class TextReport:
    """Failures as paragraphs; one that came before in this log is told in a line."""

    def __init__(self) -> None:
        self._seen: dict[tuple[object, ...], tuple[int, int]] = {}

    def render(self, event: Event, verdict: Verdict) -> str:
        """The text of one failure, with a newline at its end."""
        stack = () if event.what else event.stack
        key = (
            event.kind,
            event.place,
            event.expression,
            stack,
            event.pid if event.what else 0,
            event.message if event.what else "",
            verdict.match,
        )
        first, times = self._seen.get(key, (event.line, 0))
        if len(self._seen) < _REMEMBERED or times:
            self._seen[key] = (first, times + 1)
        if times:
            return f"line {event.line}: the failure of line {first} again ({times + 1} times so far)\n"
        return "\n".join([*_what(event), *_known(event, verdict), *_notes(event, verdict)]) + "\n"


def _what(event: Event) -> Iterator[str]:
    yield f"line {event.line}: ZFS {KINDS[event.what]} in {event.place}{_source(event)}"
    if event.what:
        said = event.detail or (event.message if event.what == "suspended" else "")
        yield f"  kind: {KINDS[event.what]}{', ' + said if said else ''}"
    elif event.expression:
        macro = event.assertion.macro if event.assertion is not None else ""
        told = f"expression: {event.expression}" if event.assertion else f"message: {event.message}"
        yield f"  {told}" + (f"   ({macro})" if macro else "")
    else:
        yield "  expression: lost"
    if event.assertion is not None and event.assertion.values is not None:
        left, right = event.assertion.values
        error = error_name(event)
        yield f"  values: {left} {event.assertion.operator} {right}" + (f"   ({error})" if error else "")
    if event.assertion is not None and event.assertion.extra:
        yield f"  and says: {event.assertion.extra}"
    who = [event.process and f"process {event.process}", event.pid and f"pid {event.pid}"]
    who += [f"cpu {event.cpu}" if event.cpu >= 0 else "", event.host and f"host {event.host}"]
    if any(who):
        yield f"  by: {', '.join(str(part) for part in who if part)}"
    yield f"  stack: {' < '.join(event.stack) or 'none in the log'}"
    yield f"  signature: {event.signature}"
    if event.versions:
        base = "" if "zfs" in event.versions or "freebsd" not in event.versions else _base(event)
        yield f"  versions: {', '.join(f'{name} {text}' for name, text in event.versions.items())}{base}"
    if event.what == "hung-task" and any(frame.function == "spl_panic" for frame in event.frames):
        yield "  note: this thread stopped at a failed assertion; the log tells which at an earlier time"
    if event.retold:
        yield f"  note: the log tells this failure in {event.retold + 1} places"
    if event.cut:
        yield "  note: the log is cut here; a part of this failure is lost"
    if event.mixed:
        yield "  note: several processors printed at once; the stack may hold another failure's functions"


def _source(event: Event) -> str:
    return f" (line {event.source_line} of the source)" if event.source_line else ""


def _known(event: Event, verdict: Verdict) -> Iterator[str]:
    if verdict.reproducer is None or verdict.match is Match.OTHER_EXPRESSION:
        nearby = f" (it has another one in this function: {verdict.title})" if verdict.reproducer else ""
        if any(note.elsewhere for note, _ in notes_for(event)):
            yield "  known: not a failure of the ZAP"
            return
        yield f"  known: no; this is a failure of ZFS that the corpus does not have{nearby}"
        if not any(note.fix or note.harmless for note, _ in notes_for(event)):
            yield from (f"    send: {what}" for what in _SEND)
        return
    if verdict.match is Match.SAME_PLACE:
        yield "  known: perhaps; such damage is what these faults of OpenZFS leave behind:"
        for each in (verdict, *verdict.others):
            if each.reproducer is not None:
                yield f"    {each.title} ({each.reproducer.folder.as_posix()}; {releases_text(each)})"
        return
    if verdict.others and verdict.others[0].match is verdict.match:
        yield "  known: one of these, the log does not tell which"
    yield from _one(event, verdict)
    for each in verdict.others:
        yield from _one(event, each)


def _one(event: Event, verdict: Verdict) -> Iterator[str]:
    known = verdict.reproducer
    if known is None:
        return
    if verdict.match is Match.EXACT:
        yield f"  known: yes, {verdict.title}"
    elif verdict.match is Match.OTHER_STACK:
        way = ", reached in another way" if event.stack else ""
        yield f"  known: perhaps the same failure{way}: {verdict.title}"
    else:
        yield f"  known: perhaps, {verdict.title}"
    if verdict.place != event.place:
        yield f"    there it is: {verdict.place}"
    if verdict.difference:
        yield f"    differs: {verdict.difference}"
    yield f"    reproducer: {known.folder.as_posix()}/program.zap"
    yield f"    releases that have it: {releases_text(verdict)}"
    for name in ("issue", "fix", "belief", "meanwhile"):
        value = getattr(known, name)
        if value:
            yield f"    {name}: {value}"
    yield from (f"      {line}" for line in how_to_set(known.meanwhile))


def _release_name(release: str) -> str:
    """A release as people know it: what is only on master carries the number .99 until it is released."""
    return f"OpenZFS's master, after {release[:-3]}" if release.endswith(".99") else release


_RELEASES = {"2.1": "2.1, 2.2", "2.3": "2.3", "2.4": "2.4", "master": "master (2.5 to be)"}
_BETWEEN = {
    "unfixed": "master before commit 34906f8bbe (2024)",
    "explicit-evict": "a fix that was proposed and not taken",
}


def releases_text(verdict: Verdict) -> str:
    """The releases of a verdict by the names that people know; what was only between them if it is in none.

    The model's 2.3 is 2.3.0 to 2.3.2, its 2.4 also the later ones of 2.3.
    """
    has = verdict.releases
    names = [_RELEASES[name] for name in has if name in _RELEASES]
    if "2.3" in has and "2.4" not in has:
        names[names.index("2.3")] = "2.3.0 to 2.3.2"
    elif "2.4" in has and "2.3" not in has:
        names[names.index("2.4")] = "2.3.3 and later, 2.4"
    names = names or [_BETWEEN[name] for name in has if name in _BETWEEN]
    real = [name.removeprefix("libzpool-") for name in has if name.startswith("libzpool-")]
    return ", ".join(names) + (f"; seen on the real {' and '.join(real)}" if real else "")


def _base(event: Event) -> str:
    """What FreeBSD's base has, where the log names no other."""
    release = release_of(event)
    return f" (its base has OpenZFS {'.'.join(map(str, release))})" if release and release > (0,) else ""


def _notes(event: Event, verdict: Verdict) -> Iterator[str]:
    """What is known elsewhere, and what to do next."""
    for note, here in notes_for(event):
        if verdict.match is Match.EXACT and not note.fix:
            continue
        if note.fix:
            sure = "very likely fixed" if here else "perhaps fixed"
            where = f" in {' and '.join(map(_release_name, note.fixed))}" if note.fixed else ""
            yield f"  {sure}{where}: {note.title}"
            yield f"    {', '.join(text for text in (note.issue, note.fix) if text)}"
        else:
            yield f"  what it means: {note.title}"
        if note.harmless:
            yield "    harmless: nothing needs to be done"
        if note.words:
            yield f"    {note.words}"
        if note.meanwhile:
            yield f"    meanwhile: {note.meanwhile}"
            yield from (f"      {line}" for line in how_to_set(note.meanwhile))
        if note.check:
            what, which = which_object(event.stack)
            yield f"    next: look, without writing, at the object ({what}):"
            yield f"      zapfuzz check --pool DEVICE {which}"
