"""Whatever an operator can meet by name stands in a page: settings, metrics, errors, reasons."""

import ast
import re
from pathlib import Path

from processor.errors import DeadLetterReason
from processor.metrics import REGISTRY
from processor.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / page for page in ("README.md", "processor/README.md")),
    *sorted((ROOT / "deploy").glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def rows(title: str) -> dict[str, str]:
    """The rows of the tables under headings of this title, by their first cell in backquotes."""
    found: dict[str, str] = {}
    for section in re.split(r"^#+ ", TEXT, flags=re.MULTILINE):
        if section.splitlines()[:1] == [title]:
            found.update(re.findall(r"^\| `([^`]+)` \|(.*)$", section, re.MULTILINE))
    return found


METRICS = {
    metric.name + ("_total" if metric.type == "counter" else "") for metric in REGISTRY.collect()
}
SETTINGS = {f"PROCESSOR_{name.upper()}": field for name, field in Settings.model_fields.items()}


def error_codes() -> dict[str, Path]:
    """Every `code` of a class that is an error, and where it stands."""
    return {
        statement.value.value: path.relative_to(ROOT)
        for path in (ROOT / "processor").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error")
        for statement in node.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        and re.match(r"code\b", ast.unparse(statement))
        and isinstance(statement.value, ast.Constant)
    }


def told(missing: set[str], title: str) -> str:
    return f"write a row for each of these under '{title}' of deploy/README.md: {sorted(missing)}"


def test_every_setting_has_a_row() -> None:
    missing = set(SETTINGS) - set(rows("Settings"))
    assert not missing, told(missing, "Settings")


def test_the_row_of_a_setting_tells_its_default() -> None:
    told_of = rows("Settings")
    wrong = {
        name: str(field.default)
        for name, field in SETTINGS.items()
        if name in told_of and field.default not in ("", None)
        if told_of[name].split("|")[0].strip().lower() != f"`{field.default}`".lower()
    }
    assert not wrong, f"the second cell of the row must be the default: {wrong}"


def test_no_row_is_of_a_setting_that_does_not_exist() -> None:
    unknown = set(re.findall(r"\bPROCESSOR_[A-Z_]*[A-Z]\b", TEXT)) - set(SETTINGS)
    assert not unknown, f"not in processor/settings.py: {sorted(unknown)}"


def test_every_metric_has_a_row() -> None:
    missing = METRICS - set(rows("Metrics"))
    assert not missing, told(missing, "Metrics")


def test_no_row_is_of_a_metric_that_does_not_exist() -> None:
    unknown = set(rows("Metrics")) - METRICS
    assert not unknown, f"not in processor/metrics.py: {sorted(unknown)}"


def test_the_row_of_a_metric_tells_its_labels() -> None:
    wrong = {}
    told_of = rows("Metrics")
    for metric in REGISTRY._collector_to_names:
        (described,) = metric.describe()
        name = described.name + ("_total" if described.type == "counter" else "")
        missing = [
            label for label in metric._labelnames if f"`{label}`" not in told_of.get(name, "")
        ]
        if missing:
            wrong[name] = missing
    assert not wrong, f"write these labels into the rows of the metrics: {wrong}"


def test_every_error_code_has_a_row() -> None:
    codes = error_codes()
    assert "broker" in codes
    missing = set(codes) - set(rows("Errors"))
    assert not missing, told(missing, "Errors")


def test_every_dead_letter_reason_has_a_row() -> None:
    missing = {reason.value for reason in DeadLetterReason} - set(rows("Dead letters"))
    assert not missing, told(missing, "Dead letters")


def test_no_row_is_of_an_error_or_a_reason_that_does_not_exist() -> None:
    assert set(rows("Errors")) <= set(error_codes())
    assert set(rows("Dead letters")) <= {reason.value for reason in DeadLetterReason}


# --- the runbook ----------------------------------------------------------------------------------

RUNBOOK = (ROOT / "deploy" / "RUNBOOK.md").read_text(encoding="utf-8")


def entries(title: str) -> dict[str, str]:
    """The entries of a chapter of the runbook, by their headings."""
    chapter = re.split(r"^## ", RUNBOOK, flags=re.MULTILINE)
    (text,) = [one for one in chapter if one.splitlines()[0] == title]
    headings = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    return {one.splitlines()[0]: one for one in headings}


def test_the_runbook_has_an_entry_for_each_error_code() -> None:
    named = {code for heading in entries("Error codes") for code in re.findall("`(.+?)`", heading)}
    assert named == set(error_codes())


def test_the_runbook_has_an_entry_for_each_alert() -> None:
    deployment = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^\| alert when .*\n((?:\|.*\n)+)", deployment, re.MULTILINE)
    alerts = {row.split("|")[1].strip() for row in table.splitlines()[1:]}
    metrics = {name for alert in alerts for name in re.findall(r"`(processor_\w+)", alert)}
    headings = " ".join(entries("Alerts"))
    assert metrics == set(re.findall(r"`(processor_\w+)", headings))
    assert "restarts" in headings, "the one alert that is about no metric"


def test_each_entry_of_the_runbook_says_what_to_type() -> None:
    silent = [
        heading
        for title in ("Alerts", "Error codes")
        for heading, text in entries(title).items()
        if not re.search(r"\*\*(Type|Why and what to type)|nothing is to be done", text)
    ]
    assert not silent
