"""What a page is to become: waited for, since a page answers a moment later than it is asked."""

from typing import Any


def expect(thing: Any) -> Any:
    """Return Playwright's assertions about a locator or a page; without Playwright no test gets so far."""
    from playwright.sync_api import expect as expect_that

    return expect_that(thing)
