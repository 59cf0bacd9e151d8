"""The services of the company, and its tickets."""

import os
from pathlib import Path

SERVICES = {
    "vpn": "The VPN gateway in Berlin is down since 08:10; Hamburg works.",
    "mail": "Mail works.",
    "sso": "Single sign-on works. Passwords expire after 180 days.",
}


def status(service: str) -> str:
    """Returns the state of a service in words."""
    known = ", ".join(SERVICES)
    return SERVICES.get(service.lower(), f"There is no service {service}; there are: {known}.")


def open_ticket(team: str, summary: str) -> str:
    """Appends a ticket to the queue of the teams and returns its number."""
    queue = Path(os.environ.get("TICKET_QUEUE", "tickets.txt"))
    with queue.open("a", encoding="utf-8") as file:
        file.write(f"{team}: {summary}\n")
    return f"Ticket opened for {team}."
