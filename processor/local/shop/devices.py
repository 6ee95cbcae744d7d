"""Places and devices of visitors: the columns that stay the same for a session."""

from typing import NamedTuple

from processor.local.shop.catalogue import contexts_text, entity_text

_CHROME = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{} {}Safari/537.36"
_SAFARI = "Mozilla/5.0 ({}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{} {}Safari/{}"


class Device(NamedTuple):
    """A browser on a machine, or the phone that an app runs on."""

    columns: dict[str, str]
    derived_contexts: str
    mobile_context: str
    view: tuple[int, int]


class _Machine(NamedTuple):
    useragent: str
    browser: str
    version: str
    system: str
    system_version: str
    maker: str
    model: str
    kind: str  # Desktop or Phone
    screen: tuple[int, int]


_MACHINES = (
    _Machine(
        _CHROME.format("Windows NT 10.0; Win64; x64", "142.0.0.0", ""),
        "Chrome", "142.0.0.0", "Windows", "10", "Microsoft Corporation", "Desktop", "Desktop",
        (1920, 1080),
    ),
    _Machine(
        _CHROME.format("Macintosh; Intel Mac OS X 10_15_7", "141.0.0.0", ""),
        "Chrome", "141.0.0.0", "Mac OS X", "10.15.7", "Apple Inc.", "Apple Macintosh", "Desktop",
        (1728, 1117),
    ),
    _Machine(
        _SAFARI.format("Macintosh; Intel Mac OS X 10_15_7", "18.6", "", "605.1.15"),
        "Safari", "18.6", "Mac OS X", "10.15.7", "Apple Inc.", "Apple Macintosh", "Desktop",
        (1440, 900),
    ),
    _Machine(
        "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        "Firefox", "145.0", "Linux", "", "Other", "Linux Desktop", "Desktop",
        (2560, 1440),
    ),
    _Machine(
        _SAFARI.format(
            "iPhone; CPU iPhone OS 18_6 like Mac OS X", "18.6", "Mobile/15E148 ", "604.1"
        ),
        "Mobile Safari", "18.6", "iOS", "18.6", "Apple Inc.", "Apple iPhone", "Phone",
        (393, 852),
    ),
    _Machine(
        _CHROME.format("Linux; Android 15; Pixel 9", "142.0.0.0", "Mobile "),
        "Chrome Mobile", "142.0.0.0", "Android", "15", "Google", "Google Pixel 9", "Phone",
        (412, 924),
    ),
    _Machine(
        _CHROME.format("Linux; Android 14; SM-S921B", "141.0.0.0", "Mobile "),
        "Chrome Mobile", "141.0.0.0", "Android", "14", "Samsung", "Samsung SM-S921B", "Phone",
        (360, 780),
    ),
)  # fmt: skip

_PLACE_COLUMNS = (
    "geo_country", "geo_region", "geo_city", "geo_zipcode", "geo_latitude", "geo_longitude",
    "geo_region_name", "geo_timezone", "user_ipaddress",
)  # fmt: skip
# In the order of _PLACE_COLUMNS; the address has only its first half.
_PLACES = """
DE|BE|Berlin|10115|52.532|13.3849|Land Berlin|Europe/Berlin|84.130
DE|BY|München|80331|48.1371|11.5761|Bayern|Europe/Berlin|93.104
FR|IDF|Paris|75011|48.8582|2.3387|Île-de-France|Europe/Paris|90.63
NL|NH|Amsterdam|1012|52.3716|4.8883|North Holland|Europe/Amsterdam|77.172
AT|9|Wien|1010|48.2085|16.3721|Wien|Europe/Vienna|80.110
ES|MD|Madrid|28013|40.4163|-3.6934|Madrid|Europe/Madrid|88.27
GB|ENG|London|EC1A|51.5164|-0.093|England|Europe/London|81.2
US|NY|New York|10001|40.7506|-73.9971|New York|America/New_York|72.229
US|CO|Denver|80202|39.7525|-104.9995|Colorado|America/Denver|71.56
US|WA|Seattle|98101|47.6113|-122.3305|Washington|America/Los_Angeles|73.53
"""


def _derived_contexts(machine: _Machine) -> str:
    major = machine.version.partition(".")[0]
    agent = entity_text(
        "nl.basjes/yauaa_context/jsonschema/1-0-4",
        {
            "deviceBrand": machine.maker,
            "deviceName": machine.model,
            "deviceClass": machine.kind,
            "agentClass": "Browser",
            "agentName": machine.browser,
            "agentVersionMajor": major,
        },
    )
    return contexts_text(agent)


def _device(machine: _Machine) -> Device:
    width, height = machine.screen
    mobile = machine.kind == "Phone"
    columns = {
        "useragent": machine.useragent,
        "br_name": machine.browser,
        "br_family": machine.browser.removeprefix("Mobile ").removesuffix(" Mobile"),
        "br_version": machine.version,
        "br_type": "Browser (mobile)" if mobile else "Browser",
        "br_cookies": "1",
        "br_colordepth": "24",
        "os_name": f"{machine.system} {machine.system_version}".strip(),
        "os_family": machine.system,
        "os_manufacturer": machine.maker,
        "dvce_type": "Mobile" if mobile else "Computer",
        "dvce_ismobile": "1" if mobile else "0",
        "dvce_screenwidth": str(width),
        "dvce_screenheight": str(height),
        "doc_charset": "UTF-8",
    }
    context = entity_text(
        "com.snowplowanalytics.snowplow/mobile_context/jsonschema/1-0-3",
        {
            "osType": machine.system.lower(),
            "osVersion": machine.system_version,
            "deviceManufacturer": machine.maker,
            "deviceModel": machine.model,
            "networkType": "wifi",
            "isPortrait": True,
            "resolution": f"{width * 3}x{height * 3}",
            "scale": 3.0,
            "language": "de",
            "batteryLevel": 71,
            "batteryState": "unplugged",
        },
    )
    return Device(columns, _derived_contexts(machine), context, (width, height - 150))


def _place(line: str) -> dict[str, str]:
    columns = dict(zip(_PLACE_COLUMNS, line.split("|"), strict=True))
    return columns | {"os_timezone": columns["geo_timezone"]}


DEVICES = tuple(_device(machine) for machine in _MACHINES)
PHONES = tuple(device for device in DEVICES if device.columns["dvce_ismobile"] == "1")
_ALL_PLACES = [_place(line) for line in _PLACES.split("\n") if line]
AMERICAN_PLACES = tuple(place for place in _ALL_PLACES if place["geo_country"] == "US")
EUROPEAN_PLACES = tuple(place for place in _ALL_PLACES if place["geo_country"] != "US")
