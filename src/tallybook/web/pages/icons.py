"""The icons, as strokes on a 24 by 24 grid. Some follow Lucide; see NOTICE."""

from functools import cache

from markupsafe import Markup

_STROKES = {
    "account": "M16 20v-2a4 4 0 0 0-8 0v2M12 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7",
    "arrow-down": "M12 5v14M6 13l6 6 6-6",
    "bell": "M6 9a6 6 0 0 1 12 0c0 6 2 7 2 7H4s2-1 2-7M10 20h4",
    "bolt": "M13 2 4 14h7l-1 8 9-12h-7z",
    "book": "M4 5a2 2 0 0 1 2-2h13v15H6a2 2 0 0 0-2 2zM4 20a2 2 0 0 0 2 2h13v-4",
    "calendar": "M4 6h16v15H4zM4 10h16M8 3v4M16 3v4",
    "chart": "M3 3v18h18M7 14l4-4 4 3 5-6",
    "check": "m5 12.5 4.5 4.5L19 7.5",
    "chevron": "m9 6 6 6-6 6",
    "clock": "M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18",
    "close": "m6 6 12 12M18 6 6 18",
    "columns": "M4 20V10M10 20V4M16 20v-7M21 20H3",
    "contract": "M6 3h12v18H6zM10 8h4M10 12h4M10 16h2",
    "dash": "M6 12h12",
    "download": "M12 3v12m-5-5 5 5 5-5M4 21h16",
    "equal": "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8.5 10h7M8.5 14h7",
    "eye": "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12"
    "M12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5",
    "key": "M14 10a4 4 0 1 0-3.5 4L12 15.5h2v2h2v2h4v-3z",
    "lock": "M6 11h12v10H6zM8.5 11V7.5a3.5 3.5 0 0 1 7 0V11",
    "mail": "M3 6h18v13H3zM3 7l9 7 9-7",
    "menu": "M4 7h16M4 12h16M4 17h16",
    "meter": "M12 13l4-4M3.5 17a9 9 0 1 1 17 0",
    "moon": "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5",
    "near": "M12 4 2.5 20h19zM12 10v4.5M12 17.2v.01",
    "over": "M12 7.5v5M12 16v.01M8.1 2.5h7.8l5.6 5.6v7.8l-5.6 5.6H8.1l-5.6-5.6V8.1z",
    "pencil": "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
    "plus": "M12 5v14M5 12h14",
    "pulse": "M3 12h4l3-8 4 16 3-8h4",
    "report": "M14 3H6v18h12V7zM14 3v4h4M9 13h6M9 17h6",
    "rising": "m3 17 6-6 4 4 8-8M15 7h6v6",
    "screen": "M3 4h18v12H3zM8 21h8M12 16v5",
    "search": "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M20.5 20.5 16 16",
    "sign-out": "M10 4H4v16h6M15 8l4 4-4 4M19 12H9",
    "sun": "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4"
    "M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4",
    "tally": "M5 4v16M10 4v16M15 4v16M20 4v16M2 15.5 22.5 8",
}


@cache
def icon(name: str) -> Markup:
    """An icon, hidden from screen readers: the word beside it says what it means."""
    return Markup(
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="{}"/></svg>'
    ).format(_STROKES[name])
