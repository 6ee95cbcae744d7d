"""The visitor's place in the store: columns and entities that stay for a page or a screen."""

from random import Random

from processor.local.shop.catalogue import ECOMMERCE, Page, contexts_text
from processor.local.shop.sources import Source
from processor.local.shop.visitors import Visitor, uuid_text

_SNOWPLOW = "com.snowplowanalytics.snowplow"
_MOBILE = "com.snowplowanalytics.mobile"
_NO_PAGE = "\t" * 22  # page_url to mkt_campaign
_NO_CAMPAIGN = "\t" * 4  # mkt_medium to mkt_campaign


class WebPages:
    """Pages of a site. `columns` are page_url to mkt_campaign."""

    def __init__(self, visitor: Visitor, source: Source, random: Random) -> None:
        self._visitor = visitor
        self._source = source
        self._random = random
        self._page: Page | None = None
        self._entities = ""
        self.columns = ""

    def open(self, page: Page) -> str:
        """Go to a page, from the one before or from outside; a page view has no data to return."""
        before, self._page = self._page, page
        source = self._source
        if before is None:
            query = source.query
            url = f"{page.url}?{query}" if query else page.url
            came_from, campaign = source.referrer_columns, source.campaign_columns
            referrer = source.referrer
        else:
            url, query, referrer = page.url, "", before.url
            came_from, campaign = f"{before.location}\t\t\tinternal\t\t", _NO_CAMPAIGN
        self.columns = (
            f"{url}\t{page.title}\t{referrer}\t{page.location}\t{query}\t\t{came_from}\t{campaign}"
        )
        locale = self._visitor.store.locale
        self._entities = (
            f'{{"schema":"iglu:{_SNOWPLOW}/web_page/jsonschema/1-0-0",'
            f'"data":{{"id":"{uuid_text(self._random)}"}}}},'
            f'{{"schema":"iglu:{ECOMMERCE}/page/jsonschema/1-0-0","data":{{'
            f'"type":"{page.kind}","language":"{locale[:2]}","locale":"{locale}"}}}}'
        )
        return ""

    def contexts(self, more: str) -> str:
        """The column contexts of the next event; `more` are its own entities."""
        return contexts_text(f"{self._entities}{_user_entity(self._visitor, more)}{more}")


class AppScreens:
    """Screens of an app. An entity holds the session and counts its events."""

    columns = _NO_PAGE

    def __init__(self, visitor: Visitor, session_id: str, random: Random) -> None:
        self._visitor = visitor
        self._session_id = session_id
        self._random = random
        self._install_id = visitor.network_userid
        self._screen = ""
        self._events = 0

    def open(self, page: Page) -> str:
        """Go to a screen; returns the data of its screen view."""
        self._screen = (
            f'{{"id":"{uuid_text(self._random)}","name":"{page.title}","type":"{page.kind}"}}'
        )
        return self._screen

    def contexts(self, more: str) -> str:
        """The column contexts of the next event; `more` are its own entities."""
        self._events += 1
        visitor = self._visitor
        return contexts_text(
            f'{{"schema":"iglu:{_SNOWPLOW}/client_session/jsonschema/1-0-2","data":{{'
            f'"userId":"{self._install_id}","sessionId":"{self._session_id}",'
            f'"sessionIndex":{visitor.visits},"eventIndex":{self._events},'
            f'"storageMechanism":"LOCAL_STORAGE"}}}},'
            f'{{"schema":"iglu:{_MOBILE}/screen/jsonschema/1-0-0","data":{self._screen}}},'
            f"{visitor.device.mobile_context}{_user_entity(visitor, more)}{more}"
        )


def _user_entity(visitor: Visitor, more: str) -> str:
    """The shop's own user, attached where something is done with products or the cart."""
    if not visitor.logged_in or not more:
        return ""
    return (
        f',{{"schema":"iglu:{ECOMMERCE}/user/jsonschema/1-0-0","data":{{'
        f'"id":"{visitor.account}","is_guest":false}}}}'
    )
