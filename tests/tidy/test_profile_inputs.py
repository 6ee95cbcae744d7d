"""What concerns every input of the profile stage iterates over their list: few modules name one.

A module that names one input may have forgotten the others. If it is right, add it below, with the
reason why it is right for this input alone.
"""

import re
from pathlib import Path

from processor.profile_inputs import ProfileInput
from processor.settings import Settings

ROOT = Path(__file__).parents[2]
PRODUCT = ROOT / "processor"
PAGE = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
NAMES_ONE = {
    "settings.py": "names of topics, for what reads or writes one of them alone",
    "streaming/fetch/faults.py": "faults of a partition are known under its contributions",
    "streaming/fetch/gates.py": "so is the partition itself",
    "streaming/fetch/other_workers.py": "an older worker reads them beside the source",
    "streaming/messages/producers.py": "parts are sent",
    "streaming/moving.py": "sections are numbered in frames alone",
    "streaming/profiles/epochs.py": "epochs stand in frames alone",
    "streaming/profiles/group_commits.py": "watermarks: events and parts alone have arrivals",
    "streaming/profiles/group_lag.py": "the watermark is committed beside the contributions",
    "streaming/profiles/joint_stage.py": "a stage",
    "streaming/profiles/ownership.py": "watermarks",
    "streaming/profiles/positions.py": "the first two have fields of their own",
    "streaming/profiles/profile_stage.py": "a stage",
    "streaming/profiles/profile_table.py": "only frames have counted events",
    "streaming/profiles/watermark_keeper.py": "watermarks",
    "streaming/readiness.py": "a partition of profiles is counted once",
    "streaming/source/backlog.py": "frames wait",
    "streaming/source/source_stage.py": "frames are sent",
    "streaming/worker_urls.py": "a partition of profiles is found once",
}
NAME = re.compile(
    rf"\bProfileInput\.[A-Z]|\b(?:{'|'.join(one.title for one in ProfileInput)})_topic"
)


def test_only_these_modules_name_one_input() -> None:
    found = {
        path.relative_to(PRODUCT).as_posix()
        for path in PRODUCT.rglob("*.py")
        if NAME.search(path.read_text(encoding="utf-8"))
    }
    assert found - NAMES_ONE.keys() == set(), "iterate over ProfileInput, or give a reason above"
    assert NAMES_ONE.keys() - found == set(), "these name none: remove them above"


def test_the_page_names_the_topic_and_the_role_of_each() -> None:
    settings = Settings(_env_file=None)
    (role_row,) = re.findall(r"^\| `processor_partitions` .*$", PAGE, re.MULTILINE)
    for one in ProfileInput:
        assert re.search(rf"^\| `{one.topic(settings)}` ", PAGE, re.MULTILINE), one.title
        assert f"`{one.role}`" in role_row
