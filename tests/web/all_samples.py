"""The sample values of every page, by name."""

from tests.web import (
    alert_samples,
    case_samples,
    contract_samples,
    page_samples,
    self_check_samples,
    subscription_samples,
    volume_samples,
)

PAGES = {
    **volume_samples.PAGES,
    **page_samples.PAGES,
    **contract_samples.PAGES,
    **case_samples.PAGES,
    **subscription_samples.PAGES,
    **self_check_samples.PAGES,
    **alert_samples.PAGES,
}
#: What a browser looks at: of the contracts' pages those that hold the most.
LOOKED = {
    **volume_samples.PAGES,
    **page_samples.PAGES,
    **case_samples.PAGES,
    **subscription_samples.PAGES,
    **self_check_samples.PAGES,
    **alert_samples.PAGES,
    **{n: PAGES[n] for n in contract_samples.RICHEST},
}
