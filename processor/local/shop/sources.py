"""Where a visit comes from: the referrer and the campaign of its first page."""

from typing import NamedTuple


class Source(NamedTuple):
    """Columns of a landing page, ready as text."""

    referrer: str  # page_referrer
    referrer_columns: str  # refr_urlscheme to refr_term
    campaign_columns: str  # mkt_medium to mkt_campaign
    query: str  # page_urlquery


def _referrer(host: str, path: str, medium: str, name: str) -> tuple[str, str]:
    columns = f"https\t{host}\t443\t{path}\t\t\t{medium}\t{name}\t"
    return f"https://{host}{path}", columns


def _campaign(medium: str, source: str, content: str, campaign: str) -> tuple[str, str]:
    query = f"utm_medium={medium}&utm_source={source}&utm_content={content}&utm_campaign={campaign}"
    return f"{medium}\t{source}\t\t{content}\t{campaign}", query


_NO_REFERRER = ("", "\t" * 8)
_NO_CAMPAIGN = ("\t" * 4, "")


def _source(referrer: tuple[str, str], campaign: tuple[str, str]) -> Source:
    return Source(*referrer, *campaign)


# An entry that appears more often is more likely.
SOURCES = (
    _source(_NO_REFERRER, _NO_CAMPAIGN),
    _source(_NO_REFERRER, _NO_CAMPAIGN),
    _source(_NO_REFERRER, _NO_CAMPAIGN),
    _source(_referrer("www.google.com", "/", "search", "Google"), _NO_CAMPAIGN),
    _source(_referrer("www.google.com", "/", "search", "Google"), _NO_CAMPAIGN),
    _source(_referrer("duckduckgo.com", "/", "search", "DuckDuckGo"), _NO_CAMPAIGN),
    _source(
        _referrer("www.google.com", "/", "search", "Google"),
        _campaign("cpc", "google", "trail-shoes", "autumn_trails"),
    ),
    _source(
        _referrer("l.instagram.com", "/", "social", "Instagram"),
        _campaign("paid_social", "instagram", "story-3", "winter_layers"),
    ),
    _source(_NO_REFERRER, _campaign("email", "newsletter", "hero", "weekly_48")),
)
