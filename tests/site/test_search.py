"""The search box finds what a learner would ask for."""

from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait


def found(browser, site, words):
    """Return the titles and addresses that a search for `words` lists, best first."""
    browser.get(f"{site}/search.html?q={words.replace(' ', '+')}")
    done = "return document.querySelector('#search-results .search-summary')?.textContent.includes('found')"
    WebDriverWait(browser, 20).until(lambda b: b.execute_script(done))
    WebDriverWait(browser, 20).until(lambda b: b.find_elements(By.CSS_SELECTOR, "#search-results li a"))
    return [link.get_attribute("href") for link in browser.find_elements(By.CSS_SELECTOR, "#search-results li a")]


def test_batchnorm_backward(site, browser):
    assert any("batchnorm.html" in address for address in found(browser, site, "batchnorm backward")[:5])
