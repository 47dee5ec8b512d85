"""What a fuzzing run came to, for machines."""

from __future__ import annotations

from fuzz.commands.shared.ending import Status
from fuzz.commands.shared.machine_answer import Answer
from fuzz.engines.fuzzing_run import FuzzingRun
from fuzz.judge.signature import Signature
from fuzz.language.syntax import load


def run_status(fuzzing: FuzzingRun) -> Status:
    """How the command ends."""
    if fuzzing.new or fuzzing.lost or fuzzing.open or fuzzing.again:
        return Status.FOUND
    if fuzzing.unwritten:
        return Status.BAD_INPUT
    return Status.KNOWN_ONLY if fuzzing.status.met else Status.NOT_FOUND


def note_failures(answer: Answer, fuzzing: FuzzingRun) -> None:
    """Every failure that was met, where it stands and where it is."""
    open_ = {text: path for path, text in fuzzing.open.items()}
    found = {str(each.signature): each for each in fuzzing.found}
    for text in dict.fromkeys((*fuzzing.status.met, *found, *fuzzing.lost, *open_, *sorted(fuzzing.again))):
        count = fuzzing.status.met.get(text, 1)
        signature = Signature.of(text)
        if text in found and (text not in fuzzing.known or found[text].new):
            each = found[text]
            failure = each.outcome.failure
            answer.failed(
                each.signature,
                text=failure.text if failure else "",
                standing="new",
                count=count,
                program=each.program,
                file=each.folder,
            )
        elif text in fuzzing.known:
            known = fuzzing.known[text][0]
            answer.failed(signature, standing="known", count=count, program=known.program, file=known.folder)
        elif text in fuzzing.earlier:
            file = fuzzing.earlier[text]
            answer.failed(signature, standing="found by an earlier run", count=count, file=file)
        elif text in open_:
            path = open_[text]
            program = load(path) if path.exists() else None
            answer.failed(signature, standing="not minimized", count=count, program=program, file=path)
        else:
            answer.failed(signature, standing="did not come again", count=count)


def details(fuzzing: FuzzingRun) -> dict[str, object]:
    """How much was done, by which engine."""
    config, status = fuzzing.config, fuzzing.status
    return {
        "engine": config.engine,
        "seed": config.seed,
        "jobs": fuzzing.jobs,
        "executions": status.executions,
        "ops": status.ops,
        "limits": status.limits,
        "coverage": status.coverage,
        "inputs": status.inputs,
        "around": status.around,
        "unwritten": fuzzing.unwritten,
    }


def junit_cases(answer: Answer, seconds: float) -> list[tuple[str, str, float, str | None, bool]]:
    """A case for each failure, which is wrong unless the project knows it; one that is fine if there is
    none."""
    of = f"fuzz {answer.release} ({answer.target})"
    if not answer.failures:
        return [(of, "no failure", seconds, None, False)]
    cases = []
    for each in answer.failures:
        pieces = [each["standing"], each["file"], each["text"], each["program"]]
        wrong = None if each["standing"] == "known" else "\n".join(filter(None, pieces))
        cases.append((of, each["signature"], seconds / len(answer.failures), wrong, False))
    return cases
