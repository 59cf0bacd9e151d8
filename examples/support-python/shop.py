"""The shop's side of the support desk: orders, the policy, refunds."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent

POLICY = {
    "returns": "Delivered goods can be returned within 30 days for the full price.",
    "warranty": "Lights that fail within two years are replaced, not refunded.",
    "shipping": "Parcels take two to four working days.",
}


class ShopError(Exception):
    """A request that the shop can't fulfil; its text is for the model."""


@dataclass(frozen=True)
class Order:
    id: str
    item: str
    price_cents: int
    status: str
    days_since_delivery: int | None


def find_order(order_id: str) -> dict[str, object]:
    """Returns what is known of an order."""
    return asdict(_order(order_id))


def read_policy(topic: str) -> dict[str, object]:
    """Returns what the shop promises about a topic."""
    if topic not in POLICY:
        raise ShopError(f"there is no policy about {topic}; topics: {', '.join(POLICY)}")
    return {"topic": topic, "text": POLICY[topic]}


def refund(order_id: str, amount_cents: int) -> dict[str, object]:
    """Pays money back: one line in the ledger, which the bank reads every hour."""
    order = _order(order_id)
    if not 0 < amount_cents <= order.price_cents:
        raise ShopError(f"order {order.id} cost {order.price_cents} cents, not {amount_cents}")
    entry = {"order": order.id, "amount_cents": amount_cents}
    ledger = Path(os.environ.get("SHOP_LEDGER", HERE / "ledger.jsonl"))
    with ledger.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")
    return {"status": "paid", **entry}


def _order(order_id: str) -> Order:
    for row in json.loads((HERE / "orders.json").read_text(encoding="utf-8")):
        if row["id"] == order_id.strip().upper():
            return Order(**row)
    raise ShopError(f"there is no order {order_id}")
