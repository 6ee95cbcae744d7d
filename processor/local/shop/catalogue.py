"""The products and pages of the shop, prepared as the text of columns and JSON."""

from typing import NamedTuple

import orjson

ECOMMERCE = "com.snowplowanalytics.snowplow.ecommerce"

# Category, its products, and the lowest price in cents.
_ASSORTMENT = (
    ("shoes/running", ("Trail Runner", "Road Racer", "Daily Trainer", "Track Spike"), 6_990),
    ("shoes/hiking", ("Ridge Boot", "Valley Shoe", "Alpine Boot", "Creek Sandal"), 8_950),
    ("clothing/jackets", ("Rain Shell", "Down Jacket", "Wind Breaker", "Softshell"), 7_995),
    ("clothing/shirts", ("Merino Tee", "Sun Shirt", "Base Layer", "Flannel Shirt"), 2_990),
    ("equipment/tents", ("Solo Tent", "Family Dome", "Tarp", "Bivouac Sack"), 11_900),
    ("equipment/backpacks", ("Day Pack", "Trek Pack 45", "Duffel", "Running Vest"), 4_999),
    ("electronics/watches", ("GPS Watch", "Altimeter", "Heart Rate Strap", "Solar Watch"), 12_950),
    ("nutrition/bars", ("Oat Bar", "Nut Bar", "Energy Gel", "Café Protein Bar"), 199),
)
_BRANDS = ("Nordhang", "Peakline", "Oryx", "Velo & Co", "Tramontane")
_SIZES = ("S", "M", "L", "XL", "42", "one size")
_VARIANTS = ("black", "pine green", "signal red", "sand")
_STOCK = ("in stock", "in stock", "in stock", "low stock")
_VERSIONS_PER_ITEM = 3


class Product(NamedTuple):
    """A product in one currency; `head` is the part of its entity that is equal in all events."""

    product_id: str
    name: str
    category: str
    price_cents: int
    head: str

    def entity(self, *, quantity: int = 0, position: int = 0) -> str:
        """The JSON of the entity; 0 leaves a number out."""
        tail = f',"quantity":{quantity}' if quantity else ""
        if position:
            tail += f',"position":{position}'
        return f"{self.head}{tail}}}}}"


class Page(NamedTuple):
    """A page of a web shop or a screen of an app, with the columns that describe it."""

    kind: str
    path: str
    title: str
    url: str
    location: str  # page_urlscheme, page_urlhost, page_urlport, page_urlpath
    height: int
    product: Product | None


class Store(NamedTuple):
    """One of the shop's applications: a site or an app, its currency, its pages."""

    app_id: str
    platform: str
    host: str
    currency: str
    locale: str
    home: Page
    search: Page
    cart: Page
    checkout: Page
    thanks: Page
    categories: tuple[Page, ...]
    products: tuple[Page, ...]


def json_text(value: object) -> str:
    """Compact JSON, as Enrich writes it."""
    return orjson.dumps(value).decode()


def entity_text(schema: str, data: object) -> str:
    """A self-describing JSON; `schema` is without `iglu:`."""
    return json_text({"schema": f"iglu:{schema}", "data": data})


def contexts_text(entities: str) -> str:
    """A contexts column around entities that are joined by commas."""
    schema = "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0"
    return f'{{"schema":"{schema}","data":[{entities}]}}'


def decimal_text(cents: int) -> str:
    """An amount of cents as a JSON number in the currency's unit."""
    return repr(cents / 100)


def _products(currency: str) -> list[Product]:
    products: list[Product] = []
    for category, names, least_cents in _ASSORTMENT:
        for place, item in enumerate(names):
            for version in range(_VERSIONS_PER_ITEM):
                number = len(products)
                price = least_cents * (4 + place * 3 + version) // 4
                name = f"{_BRANDS[number % len(_BRANDS)]} {item} {version + 1}"
                product_id = f"SKU-{10_000 + number * 37}"
                data = {
                    "id": product_id,
                    "name": name,
                    "category": category,
                    "price": price / 100,
                    "list_price": price * (11 if version else 10) // 10 / 100,
                    "size": _SIZES[number % len(_SIZES)],
                    "variant": _VARIANTS[number % len(_VARIANTS)],
                    "brand": _BRANDS[number % len(_BRANDS)],
                    "inventory_status": _STOCK[number % len(_STOCK)],
                    "currency": currency,
                }
                text = entity_text(f"{ECOMMERCE}/product/jsonschema/1-0-0", data)
                head = text.removesuffix("}}")
                products.append(Product(product_id, name, category, price, head))
    return products


def _page(host: str, kind: str, path: str, title: str, product: Product | None = None) -> Page:
    height = 1_400 + len(title) * 53 % 3_000
    location = f"https\t{host}\t443\t{path}"
    return Page(kind, path, title, f"https://{host}{path}", location, height, product)


def make_store(app_id: str, platform: str, host: str, currency: str, locale: str) -> Store:
    """Create a store: its pages and their products."""
    name = "Northpath Outdoor"
    categories = [
        _page(host, "category", f"/{path}", f"{path.rpartition('/')[2].title()} | {name}")
        for path, _, _ in _ASSORTMENT
    ]
    products = [
        _page(
            host,
            "product",
            f"/{product.category}/{product.name.lower().replace(' & ', '-').replace(' ', '-')}",
            f"{product.name} | {name}",
            product,
        )
        for product in _products(currency)
    ]
    return Store(
        app_id=app_id,
        platform=platform,
        host=host,
        currency=currency,
        locale=locale,
        home=_page(host, "homepage", "/", f"{name}: gear that lasts"),
        search=_page(host, "search", "/search", f"Search | {name}"),
        cart=_page(host, "cart", "/cart", f"Your cart | {name}"),
        checkout=_page(host, "checkout", "/checkout", f"Checkout | {name}"),
        thanks=_page(host, "confirmation", "/checkout/thanks", f"Thank you | {name}"),
        categories=tuple(categories),
        products=tuple(products),
    )


STORES = (
    make_store("shop-eu", "web", "www.northpath.example", "EUR", "de-DE"),
    make_store("shop-us", "web", "us.northpath.example", "USD", "en-US"),
    make_store("shop-app", "mob", "app.northpath.example", "EUR", "de-DE"),
)
