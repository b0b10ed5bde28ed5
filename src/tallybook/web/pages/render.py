"""The template environment: strict, escaping, with our formats, charts, icons and assets.

The templates expect these addresses: `/static/…`; forms that POST to `/sign-in` (email,
password, next), `/sign-out`, `/theme` (theme, back; sets the cookie `theme`) and
`/sample/remove`. All else is an address in a view value.
"""

from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from tallybook.web.charts import bar, spark
from tallybook.web.pages import actions
from tallybook.web.pages import format as words
from tallybook.web.pages.figure import figure
from tallybook.web.pages.icons import icon

_FILTERS = {
    "number": words.number,
    "column": words.column,
    "estimate": words.estimate,
    "short": words.short,
    "percent": words.percent,
    "change": words.change,
    "money": words.money,
    "price": words.price,
    "day": words.day,
    "long_day": words.long_day,
    "through": words.through,
    "clock": words.clock,
    "instant": words.instant,
    "moment": words.moment,
    "about": words.about,
    "expected": words.expected,
    "place": words.place,
    "bucket": words.bucket,
}


@cache
def environment() -> Environment:
    """The one environment; an unknown name in a template is an error, never an empty string."""
    made = Environment(
        loader=PackageLoader("tallybook.web.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(_FILTERS)
    made.globals.update(
        asset=asset,
        bar=bar.draw,
        exports=actions.exports,
        figure=figure,
        icon=icon,
        plural=words.plural,
        span=words.span,
        spark=spark.draw,
    )
    return made


@cache
def asset(name: str) -> str:
    """The address of a static file, with its content's mark, so that it may be kept for ever."""
    content = files("tallybook.web").joinpath("static", name).read_bytes()
    return f"/static/{name}?v={sha256(content).hexdigest()[:12]}"


def page(template: str, view: object) -> str:
    """A whole page, or a fragment of one, from its view value, known as `page` inside."""
    return environment().get_template(template).render(page=view)
