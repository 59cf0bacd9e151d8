"""What the analysts may look up: prices and the news of a small set of markets."""

from __future__ import annotations

from typing import TypedDict


class Price(TypedDict):
    market: str
    last: float
    week_ago: float


PRICES: dict[str, tuple[float, float]] = {
    "copper": (9120.0, 8950.0),
    "cocoa": (7480.0, 8310.0),
    "wheat": (231.5, 229.0),
}

NEWS = {
    "copper": "A strike at a Chilean mine enters its second week.",
    "cocoa": "Rain in Ivory Coast improves the outlook for the main crop.",
    "wheat": "Exports from the Black Sea run as in the years before.",
}


def get_price(market: str) -> Price:
    """Returns the last price and the one a week ago."""
    last, week_ago = PRICES[market]
    return {"market": market, "last": last, "week_ago": week_ago}


def get_news(market: str) -> str:
    """Returns the headline of the week."""
    return NEWS[market]
