"""docs/play/batchnorm.md in a browser: its numbers are minicnn's, and mouse, fingers and keys do what they should."""

import numpy as np
import pytest
from playing import MINUS, middle, numbers, opened, said, touch
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from viewing import PHONE, resize

from minicnn import gradcheck
from minicnn.functional import (
    batchnorm_backward,
    batchnorm_forward,
    batchnorm_inference_backward,
    batchnorm_inference_forward,
)

M = 6
BATCHNORM = """
const texts = {};
for (const row of document.querySelectorAll("#batchnorm tbody tr"))
    texts[row.dataset.row] = [...row.querySelectorAll("td")].map(cell => cell.textContent);
return texts;
"""
HEIGHTS = """
const panel = document.querySelector("#batchnorm [data-panel=dx] svg");
const heights = kind => [...panel.querySelectorAll(`.${kind}`)].map(mark => Number(mark.getAttribute("cy")));
const axis = Number([...panel.querySelectorAll("text")].at(-1).textContent);
return {dot: heights("dot"), ring: heights("ring"), axis, height: Number(panel.getAttribute("height"))};
"""
COMPUTED = "const now = compute(); return [now.terms.straight, now.terms.mean, now.terms.variance, now.nudged]"
RANDOM_CASES = 60


@pytest.fixture
def batchnorm(site, browser):
    return opened(browser, f"{site}/play/batchnorm.html")


def table(browser):
    """The rows of the table, without their sums."""
    return {row: numbers(texts[:M]) for row, texts in browser.execute_script(BATCHNORM).items()}


def expected_table(x, dy, gamma, eps):
    """What minicnn computes: the terms are the gradients that (9) and (10) send through x, mean and var."""
    column = lambda values: np.asarray(values, dtype=float)[:, None]  # noqa: E731
    x, dy, gamma, beta = column(x), column(dy), np.array([float(gamma)]), np.zeros(1)
    y, cache = batchnorm_forward(x, gamma, beta, eps=eps)
    dx, _, _ = batchnorm_backward(dy, cache)
    given = batchnorm_inference_forward(x, gamma, beta, cache.mean, cache.var, eps=eps)[1]
    straight, _, _, dmean, dvar = batchnorm_inference_backward(dy, given)
    x_hat = (x - cache.mean) * cache.inv_std
    terms = {"straight": straight, "mean": dmean / M + 0 * x, "variance": dvar * 2 * (x - cache.mean) / M}
    rows = {"x": x, "x_hat": x_hat, "y": y, "dy": dy, "dy_x_hat": dy * x_hat, "dx": dx, "nudged": dx}
    return {name: values[:, 0] for name, values in (rows | terms | {"dx_x_hat": dx * x_hat}).items()}


def random_case(seed):
    rng = np.random.default_rng(seed)
    x, dy = rng.uniform(-4, 4, M).round(1), rng.uniform(-2.5, 2.5, M).round(1)
    gamma, eps = rng.uniform(-2, 2).__round__(1), float(rng.choice([1e-5, 1e-3, 0.1, 1, 3]))
    return {"x": x.tolist(), "dy": dy.tolist(), "gamma": gamma, "eps": eps}


def handle(browser, name, m):
    return browser.find_element(By.CSS_SELECTOR, f'#batchnorm [aria-label="{name} {m}"]')


def tick(browser, *names):
    for name in names:
        browser.find_element(By.CSS_SELECTOR, f"#batchnorm input[name={name}]").click()


def assert_shows(browser, case):
    """Two decimals of every number in the table."""
    shown = table(browser)
    for name, values in expected_table(**case).items():
        np.testing.assert_allclose(shown[name], values, rtol=0.005, atol=0.005 + 1e-9, err_msg=name)


@pytest.mark.parametrize("seed", range(RANDOM_CASES))
def test_batchnorm_shows_what_minicnn_computes(batchnorm, seed):
    case = random_case(seed)
    batchnorm.execute_script("setNumbers(arguments[0])", case)
    assert_shows(batchnorm, case)
    expected = expected_table(**case)
    *terms, nudged = batchnorm.execute_script(COMPUTED)
    for name, values in zip(("straight", "mean", "variance"), terms, strict=True):
        np.testing.assert_allclose(values, expected[name], rtol=1e-10, atol=1e-12, err_msg=name)
    np.testing.assert_allclose(sum(map(np.array, terms)), expected["dx"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(nudged, expected["dx"], rtol=1e-6, atol=1e-6)
    drawn = batchnorm.execute_script(HEIGHTS)
    heights = drawn["height"] / 2 - expected["dx"] * (drawn["height"] / 2 - 8) / drawn["axis"]
    np.testing.assert_allclose(drawn["dot"], heights, atol=0.01)
    np.testing.assert_allclose(drawn["ring"], heights, atol=0.01)


START = {"x": [-1.6, -0.4, 0.5, 1.1, 2.6, -0.8], "dy": [0.8, -0.4, 1.2, 0.3, -0.9, 1.4], "gamma": 1, "eps": 1e-5}


def with_number(name, m, value):
    """The numbers at the start with one of them changed."""
    return START | {name: [value if k == m else old for k, old in enumerate(START[name])]}


@pytest.mark.parametrize(
    ("name", "m", "pixels"), [("x", 0, -60), ("x", 2, 23), ("x", 4, -300), ("dy", 1, -31), ("dy", 5, 90)]
)
def test_dragging_with_the_mouse(batchnorm, name, m, pixels):
    grip = handle(batchnorm, name, m)
    middle(batchnorm, grip)
    reach, half = {"x": (4, 170 / 2), "dy": (2.5, 120 / 2)}[name]
    ActionChains(batchnorm).click_and_hold(grip).move_by_offset(0, pixels // 2).move_by_offset(
        0, pixels - pixels // 2
    ).release().perform()
    value = np.clip(START[name][m] - pixels * reach / (half - 8), -reach, reach).round(1)
    got = table(batchnorm)[name][m]
    assert abs(got - value) < 0.11  # the mouse takes whole pixels
    assert_shows(batchnorm, with_number(name, m, got))
    assert float(grip.get_attribute("aria-valuenow")) == got


def test_dragging_with_a_finger_does_not_scroll(site, browser):
    resize(browser, PHONE)
    opened(browser, f"{site}/play/batchnorm.html")
    x, y = middle(browser, handle(browser, "x", 3))
    before = browser.execute_script("return scrollY")
    touch(browser, (x, y + 9), (x, y - 10), (x, y - 20), (x, y - 31))  # 40 pixels up, from below its middle
    scrolled = browser.execute_script("return scrollY") - before
    assert abs(scrolled) <= 1  # Chromium rounds to whole pixels when it likes; a finger that scrolls does so by 25
    assert table(browser)["x"][3] == round(1.1 + 40 * 4 / 77, 1)
    assert_shows(browser, with_number("x", 3, 3.2))


def test_keys_move_a_number(batchnorm):
    grip = handle(batchnorm, "x", 2)
    batchnorm.execute_script("arguments[0].focus()", grip)
    for keys, value in [
        ((Keys.ARROW_UP,) * 3, 0.8),
        ((Keys.PAGE_DOWN, Keys.ARROW_LEFT), -0.3),
        ((Keys.END,), 4),
        ((Keys.HOME,), -4),
    ]:
        ActionChains(batchnorm).send_keys(*keys).perform()
        assert_shows(batchnorm, with_number("x", 2, value))
    ActionChains(batchnorm).send_keys(Keys.TAB, Keys.ARROW_UP).perform()
    assert table(batchnorm)["x"][3] == 1.2
    assert handle(batchnorm, "x", 3).get_attribute("aria-valuetext") == "1.20"


def test_one_x_moves_every_y(batchnorm):
    batchnorm.execute_script("arguments[0].focus()", handle(batchnorm, "x", 2))
    ActionChains(batchnorm).send_keys(Keys.PAGE_UP).perform()
    moved = expected_table(**with_number("x", 2, 1.5))["y"] - expected_table(**START)["y"]
    others = np.delete(moved, 2)
    said_so = f"Its y moved by {moved[2]:.2f}, the others by {others.min():.2f} to {others.max():.2f}"
    assert said_so.replace("-", MINUS) in said(batchnorm, "moved")
    assert len(batchnorm.find_elements(By.CSS_SELECTOR, "[data-panel=y] .ghost")) == M


def wrong_backward(terms):
    """Equation (7) with some of its terms only."""

    def backward(dy, cache):
        x_hat = (cache.x - cache.mean) * cache.inv_std
        all_terms = {"straight": dy, "mean": -dy.mean(0), "variance": -x_hat * (dy * x_hat).mean(0)}
        _, dgamma, dbeta = batchnorm_backward(dy, cache)
        return cache.gamma * cache.inv_std * sum(all_terms[name] for name in terms), dgamma, dbeta

    return backward


@pytest.mark.parametrize("missing", [{"mean"}, {"variance"}, {"mean", "variance"}, {"straight"}])
def test_without_a_term_the_dots_miss_and_the_page_names_the_mistake_as_the_checker_does(batchnorm, missing):
    tick(batchnorm, *missing)
    expected = expected_table(**START)
    left = [name for name in ("straight", "mean", "variance") if name not in missing]
    np.testing.assert_allclose(table(batchnorm)["dx"], sum(expected[name] for name in left), atol=0.005 + 1e-9)
    drawn = batchnorm.execute_script(HEIGHTS)
    assert max(abs(np.subtract(drawn["dot"], drawn["ring"]))) > 5  # pixels
    report = gradcheck.check(
        batchnorm_forward, wrong_backward(left), (np.array(START["x"])[:, None], np.ones(1), np.zeros(1))
    )
    assert [finding.code for finding in report.findings] == [
        batchnorm.find_element(By.CSS_SELECTOR, "[data-says=verdict] code").text
    ]
    tick(batchnorm, *missing)
    assert said(batchnorm, "verdict").startswith("Each dot sits in its ring")


@pytest.mark.parametrize(("button", "missing"), [("alike", "variance"), ("along", "mean")])
def test_a_shift_and_a_stretch_have_no_gradient_and_hide_a_mistake(batchnorm, button, missing):
    batchnorm.find_element(By.CSS_SELECTOR, f"[data-set={button}]").click()
    assert (table(batchnorm)["dx"] == 0).all()
    tick(batchnorm, missing)
    assert said(batchnorm, "verdict").startswith("The dots still sit in their rings")


def test_eps_lets_a_share_of_the_stretch_through(batchnorm):
    batchnorm.find_element(By.CSS_SELECTOR, "[data-set=along]").click()
    batchnorm.find_element(By.CSS_SELECTOR, "input[name=eps]").send_keys(Keys.ARROW_RIGHT * 7)
    x_hat = expected_table(**START)["x_hat"]
    assert batchnorm.find_element(By.CSS_SELECTOR, "output[name=eps]").text == "1"
    assert_shows(batchnorm, START | {"dy": x_hat, "eps": 1.0})
    var = np.var(START["x"])
    np.testing.assert_allclose(table(batchnorm)["dx"], x_hat * var / (var + 1) ** 1.5 / var, atol=0.006)


def test_one_y_gives_every_x_a_gradient(batchnorm):
    batchnorm.find_element(By.CSS_SELECTOR, "[data-set=one]").click()
    assert (table(batchnorm)["dx"] != 0).all()
    batchnorm.find_element(By.CSS_SELECTOR, "[data-set=start]").click()
    assert_shows(batchnorm, START)
