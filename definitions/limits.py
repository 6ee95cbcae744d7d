"""Bounds of definitions, each with its unit and the reason for the number."""

from datetime import timedelta

# Names of groups, attributes, keys, services and interventions, in characters.
NAME_CHARS_MAX = 128
# Owners that need not be an email address, in characters.
OWNER_CHARS_MAX = 255
# Versions are written into record keys and messages as 32-bit integers.
VERSION_MAX = 2**31 - 1
# Groups that one service reads, or one rule sends with its interventions.
GROUPS_PER_SERVICE_MAX = 100
# Attributes or columns of one group: ten times as many as profiles are measured with.
ATTRIBUTES_PER_GROUP_MAX = 1_000
# Kinds of events that one attribute counts, and criteria in one of its lists.
EVENTS_PER_ATTRIBUTE_MAX = 1_000
CRITERIA_MAX = 1_000
# Values that one criterion compares with: a list of products.
CRITERION_VALUES_MAX = 10_000
# Parts of one branch of a rule, and attribute keys that it targets.
RULE_PARTS_MAX = 1_000
RULE_TARGETS_MAX = 100
# Properties that a calculated property combines.
CALCULATED_PROPERTIES_MAX = 50
# Separator of a concatenation, in characters.
SEPARATOR_CHARS_MAX = 16
# Longer durations are typing errors; ten years of 365 days.
DURATION_MAX = timedelta(days=3650)
# No person writes a rule that is nested deeper than this.
TREE_DEPTH_MAX = 20
# An array index in a property path, in digits.
PATH_INDEX_DIGITS_MAX = 6
# Strings that a definition compares with or falls back to, in characters: as long as a value of
# an event may be.
VALUE_CHARS_MAX = 4_096
# Integers that a definition compares with; values of events have 64 bits.
INTEGER_MAX = 2**63 - 1
# Patterns of like and rlike, in characters: the longest that people write match email addresses.
PATTERN_CHARS_MAX = 1_000
# The size of a compiled pattern, in RE2's steps. A step per byte takes about ten nanoseconds at
# worst, so the worst pattern over the longest value takes less than a second.
PATTERN_STEPS_MAX = 5_000
# Memory that RE2 may use to match one pattern quickly; beyond it, it is slower but still linear.
PATTERN_MEMORY_BYTES = 2 * 1024 * 1024
# The registry record of one definition: the definitions topic keeps Kafka's default message size.
RECORD_BYTES_MAX = 900_000
# A value quoted in a problem, in characters.
QUOTE_CHARS_MAX = 120
# How many problems of one definition suggest names that may have been meant: comparing names takes
# milliseconds each. How many names are compared for one problem, and the longest of these names.
NEAR_PROBLEMS_MAX = 10
NEAR_KNOWN_MAX = 1_000
NEAR_CHARS_MAX = 256
# How many unknown fields of one object are reported, each in a warning.
UNKNOWN_FIELDS_MAX = 10
# Descriptions and prompts of agentic contexts, in characters, as in the product.
DESCRIPTION_CHARS_MAX = 1_024
PROMPT_CHARS_MAX = 3_800
# An agentic context, as in the product: kinds of events, values of each; events and seconds.
EVENT_LOG_SELECTIONS_MAX = 20
EVENT_LOG_PROPERTIES_MAX = 50
EVENT_LOG_EVENTS_MAX = 100
EVENT_LOG_AGE_S_MAX = 3_600
# Values in a list as a default: the result of an attribute has no more.
LIST_VALUES_MAX = 100
