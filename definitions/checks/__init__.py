"""What definitions must satisfy beyond the form of their fields.

`passes` defines what is checked when; `durations` is shared. Each of the other modules checks what
the module with the same name in `definitions` defines.
"""

from definitions.checks.comparisons import never_met
from definitions.checks.passes import check_form, check_meaning, check_names

__all__ = ["check_form", "check_meaning", "check_names", "never_met"]
