"""Who buys from the sample vendor: accounts in trees, how much each uses, what was agreed."""

from dataclasses import dataclass
from typing import Final, Literal

from tallybook.samples.services import (
    CAPTURE,
    IDENTITY,
    LEADS,
    MESSAGING,
    STORAGE,
    VOICE,
    Service,
)

#: What a line is to show. The allotment is set from the planned use so that it does, whatever the
#: day: `over` and `near` by use so far, `likely` by the forecast, `full` is a stock at its limit.
Aim = Literal["over", "likely", "near", "ok", "low", "full", "none", "unlimited"]


@dataclass(frozen=True, slots=True)
class Customer:
    """An account and what it uses on a working day, in planned units."""

    key: str
    name: str
    uses: tuple[tuple[Service, int], ...]
    parent: str | None = None
    zone: str = "America/Chicago"
    branch: str = "North America"
    csm: str = "Nadia Berg"
    currency: str = "USD"
    began_days_ago: int = 365


@dataclass(frozen=True, slots=True)
class Agreement:
    """A contract: lines of (service, aim, price of a unit beyond the allotment).

    `contacts` is how many active contacts a month are included; None has no such line.
    """

    number: str
    account: str
    lines: tuple[tuple[Service, Aim, str], ...]
    pooled: bool = False
    contacts: int | None = None


NEW_YORK: Final = "America/New_York"
BERLIN: Final = "Europe/Berlin"
KOLKATA: Final = "Asia/Kolkata"
LORD_HOWE: Final = "Australia/Lord_Howe"
YOUNG_DAYS: Final = 2


def _quarry() -> tuple[Customer, ...]:
    """Three levels: a group, its regions, their sites; one site changes region."""
    top = "quarry"
    europe = (BERLIN, "EMEA", "Jonas Weber")
    sites = (("prairie", 1180, 22), ("east", 1420, 26), ("metro", 960, 18), ("lakeside", 610, 9))
    south = (("gulf", 1260, 24), ("desert", 540, 8), ("river", 780, 13))
    return (
        Customer(top, "Quarry Motors Group", ((STORAGE, 42_000),)),
        Customer("quarry-north", "Quarry Motors · North", ((LEADS, 5),), top),
        *(
            Customer(
                f"quarry-{site}",
                f"Quarry Motors · {site.title()}",
                ((MESSAGING, messages), (LEADS, leads)),
                "quarry-north",
                NEW_YORK if site in {"east", "metro"} else "America/Chicago",
            )
            for site, messages, leads in sites
        ),
        Customer("quarry-south", "Quarry Motors · South", ((LEADS, 4),), top),
        *(
            Customer(
                f"quarry-{site}",
                f"Quarry Motors · {site.title()}",
                ((MESSAGING, messages), (LEADS, leads)),
                "quarry-south",
            )
            for site, messages, leads in south
        ),
        Customer("quarry-europe", "Quarry Motors · Europe", ((LEADS, 3),), top, *europe),
        Customer(
            "quarry-berlin",
            "Quarry Motors · Berlin",
            ((MESSAGING, 840), (LEADS, 11)),
            "quarry-europe",
            *europe,
        ),
        Customer(
            "quarry-hamburg",
            "Quarry Motors · Hamburg",
            ((MESSAGING, 450), (LEADS, 6)),
            "quarry-europe",
            *europe,
        ),
    )


def _branches(
    root: Customer, names: tuple[str, ...], uses: tuple[tuple[Service, int], ...]
) -> tuple[Customer, ...]:
    """Make children that use the same services, each at its own share of the first one's use."""
    children = []
    for place, name in enumerate(names):
        share = (100, 74, 61, 47, 38, 29)[place]
        children.append(
            Customer(
                f"{root.key}-{name.split()[0].lower()}",
                f"{root.name.split(' ')[0]} · {name}",
                tuple((service, max(1, daily * share // 100)) for service, daily in uses),
                root.key,
                root.zone,
                root.branch,
                root.csm,
                root.currency,
                root.began_days_ago,
            )
        )
    return (root, *children)


CUSTOMERS: Final = (
    *_quarry(),
    *_branches(
        Customer(
            "lumen",
            "Lumen Bank",
            ((STORAGE, 18_000),),
            zone=NEW_YORK,
            csm="Priya Raman",
        ),
        ("Retail", "Mortgage", "Cards", "Wealth", "Business"),
        ((IDENTITY, 96), (VOICE, 19_50)),
    ),
    *_branches(
        Customer(
            "nordlicht",
            "Nordlicht Versicherung",
            ((STORAGE, 26_000),),
            zone=BERLIN,
            branch="EMEA",
            csm="Jonas Weber",
            currency="EUR",
        ),
        ("Kfz", "Leben", "Hausrat", "Reise", "Rechtsschutz"),
        ((CAPTURE, 260), (MESSAGING, 420)),
    ),
    *_branches(
        Customer(
            "sahyadri",
            "Sahyadri Telecom",
            (),
            zone=KOLKATA,
            branch="APAC",
            csm="Mei Tanaka",
        ),
        ("Mumbai", "Pune", "Nagpur", "Goa"),
        ((IDENTITY, 128), (MESSAGING, 520)),
    ),
    *_branches(
        Customer(
            "coral",
            "Coral Sea Travel",
            (),
            zone=LORD_HOWE,
            branch="APAC",
            csm="Mei Tanaka",
        ),
        ("Lagoon", "Reef", "Summit"),
        ((LEADS, 16), (CAPTURE, 96)),
    ),
    Customer(
        "fernbank",
        "Fernbank Clinics",
        ((IDENTITY, 64), (CAPTURE, 120)),
        zone=NEW_YORK,
        csm="Priya Raman",
        began_days_ago=YOUNG_DAYS,
    ),
    Customer("pier9", "Pier 9 Logistics", ((CAPTURE, 84), (LEADS, 6))),
    Customer("hazel", "Hazel & Oak", ((STORAGE, 8_000), (CAPTURE, 72)), csm="Priya Raman"),
    Customer("tern", "Tern Analytics", ((VOICE, 14_25), (LEADS, 9)), zone=NEW_YORK),
    Customer(
        "brightwater",
        "Brightwater Energie",
        ((MESSAGING, 380), (VOICE, 11_75)),
        zone=BERLIN,
        branch="EMEA",
        csm="Jonas Weber",
        currency="EUR",
    ),
)

#: A site that moved to another parent so many days ago, at its own midnight.
MOVED: Final = ("quarry-lakeside", "quarry-south", 75)

AGREEMENTS: Final = (
    Agreement(
        "C-1001",
        "quarry",
        ((MESSAGING, "over", "0.012"), (LEADS, "ok", "0.45"), (STORAGE, "ok", "0.002")),
        pooled=True,
    ),
    Agreement("C-1011", "lumen-retail", ((IDENTITY, "likely", "0.85"), (VOICE, "ok", "0.06"))),
    Agreement("C-1012", "lumen-mortgage", ((IDENTITY, "ok", "0.85"), (VOICE, "ok", "0.06"))),
    Agreement("C-1013", "lumen-cards", ((IDENTITY, "near", "0.85"), (VOICE, "ok", "0.06"))),
    Agreement("C-1014", "lumen-wealth", ((IDENTITY, "low", "0.85"), (VOICE, "ok", "0.06"))),
    Agreement("C-1015", "lumen-business", ((IDENTITY, "ok", "0.85"), (VOICE, "ok", "0.06"))),
    Agreement("C-1010", "lumen", ((STORAGE, "ok", "0.003"),)),
    Agreement(
        "C-1020",
        "nordlicht",
        ((CAPTURE, "likely", "0.035"), (MESSAGING, "ok", "0.009"), (STORAGE, "unlimited", "0")),
        pooled=True,
    ),
    Agreement(
        "C-1030",
        "sahyadri",
        ((IDENTITY, "ok", "0.4125"), (MESSAGING, "near", "0.0045")),
        pooled=True,
        contacts=900,
    ),
    Agreement("C-1040", "coral", ((LEADS, "over", "0.6"), (CAPTURE, "low", "0.05")), pooled=True),
    Agreement("C-1050", "fernbank", ((IDENTITY, "ok", "0.95"), (CAPTURE, "ok", "0.04"))),
    Agreement("C-1060", "pier9", ((CAPTURE, "low", "0.05"), (LEADS, "low", "0.7"))),
    Agreement("C-1070", "hazel", ((STORAGE, "full", "0.004"), (CAPTURE, "ok", "0.045"))),
    Agreement("C-1080", "tern", ((VOICE, "none", "0.0725"), (LEADS, "none", "0.5"))),
    Agreement(
        "C-1090",
        "brightwater",
        ((MESSAGING, "likely", "0.011"), (VOICE, "ok", "0.055")),
        contacts=250,
    ),
)
