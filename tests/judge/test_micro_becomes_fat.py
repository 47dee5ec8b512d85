"""The oracle lets a micro ZAP be fat where an add that is refused has made it so."""

from __future__ import annotations

from fuzz.execution.execute import run
from fuzz.language.syntax import parse
from fuzz.targets.model.target import ModelTarget

PROGRAM = """zap z micro leaf_shift=9
add z "747<=66245997065:60000" int=8
add z "820:75840:433706<71000" int=8
add z "83<3783568;79793?50000" int=8
add z "83<3783568;79793?50000" int=8
lookup z "820:75840:433706<71000" int=2 len=4097
"""


def test_an_add_of_a_name_that_is_there_can_make_it_fat() -> None:
    """Three names of one hash: the library and the model answer E2BIG, as only a fat ZAP does."""
    for release in ("2.1", "2.3", "2.4"):
        assert run(parse(PROGRAM), ModelTarget(release)).fine
