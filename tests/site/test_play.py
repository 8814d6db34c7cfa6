"""The two pages that move: their numbers are minicnn's, and mouse, fingers and keys do what they should."""

import numpy as np
import pytest
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from viewing import BUILT, PHONE, console_errors, resize

from minicnn import gradcheck
from minicnn.functional import (
    batchnorm_backward,
    batchnorm_forward,
    batchnorm_inference_backward,
    batchnorm_inference_forward,
    conv2d_backward,
    conv2d_forward,
    dense_backward,
    dense_forward,
)

SIZE = 5  # pixels a side of the image
SETTINGS = [(k, s, p, d) for k in (1, 2, 3) for s in (1, 2, 3) for p in (0, 1, 2) for d in (1, 2)]  # all 54

CHOOSE = """
for (const [name, value] of Object.entries(arguments[0]))
    document.querySelector(`#im2col [name=${name}][value="${value}"]`).click();
"""
GRIDS = """
const grids = {};
for (const table of document.querySelectorAll("#im2col table")) {
    const cells = (row, tag) => [...row.querySelectorAll(tag)].map(cell => cell.textContent);
    grids[table.getAttribute("aria-label")] = [...table.tBodies[0].rows].map(row => cells(row, "td"));
    if (table.tHead.rows.length) grids.w = cells(table.tHead.rows[1], "th").slice(1);
}
return grids;
"""
MARKED = """
return [...document.querySelectorAll(`#im2col [aria-label=${arguments[0]}] td`)].flatMap(
    (td, k) => td.classList.contains(arguments[1]) ? [k] : [])
"""


MINUS = "\u2212"


def numbers(texts):
    """The numbers that a page shows."""
    return np.array(np.char.replace(np.array(texts), MINUS, "-"), dtype=float)


def opened(browser, address):
    """Open a page; from here on it scrolls at once, as the theme does not."""
    browser.get(address)
    browser.execute_script("document.documentElement.style.scrollBehavior = 'auto'")
    return browser


def said(browser, which):
    return browser.find_element(By.CSS_SELECTOR, f"[data-says={which}]").text


def touch(browser, *points):
    """Put a finger down on the first point, (x, y) of the window in pixels, move it over the others and lift it."""
    for k, (x, y) in enumerate(points):
        event = {"type": "touchMove" if k else "touchStart", "touchPoints": [{"x": x, "y": y}]}
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", event)
    browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def middle(browser, element):
    """Scroll an element to the middle of the window and return its centre there, (x, y) in pixels."""
    script = "arguments[0].scrollIntoView({block: 'center'}); return arguments[0].getBoundingClientRect().toJSON()"
    box = browser.execute_script(script, element)
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


# ---- im2col ----


@pytest.fixture
def im2col(site, browser):
    return opened(browser, f"{site}/play/im2col.html")


def grids(browser):
    return {name: numbers(texts) for name, texts in browser.execute_script(GRIDS).items()}


def go_to(browser, window):
    slider = browser.find_element(By.CSS_SELECTOR, "#im2col input[type=range]")
    browser.execute_script(
        "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))", slider, window
    )


def cell(browser, name, k):
    return browser.find_elements(By.CSS_SELECTOR, f"#im2col [aria-label={name}] td")[k]


def marked(browser, name, kind):
    """Which cells of a grid, counted row after row, are `kind`: lit, collects, chosen, wrong."""
    return browser.execute_script(MARKED, name, kind)


def expected_grids(shown, kernel, stride, padding, dilation, window):
    """What minicnn makes of the x, w and dy that a page shows; dx is that of the windows up to `window`."""
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    inside = slice(padding, padding + SIZE)
    x, w, dy = shown["x"][None, inside, inside, None], shown["w"], shown["dy"]
    y, cache = conv2d_forward(x, w.reshape(kernel, kernel, 1, 1), **options)
    one_filter_a_place = np.eye(kernel**2).reshape(kernel, kernel, 1, -1)
    columns = conv2d_forward(x, one_filter_a_place, **options)[0].reshape(-1, kernel**2)
    dcolumns, _, _ = dense_backward(dy.reshape(-1, 1), dense_forward(columns, w[:, None])[1])
    dy_so_far = np.where(np.arange(dy.size) <= window, dy.ravel(), 0).reshape(y.shape)
    dx, _, _ = conv2d_backward(dy_so_far, cache)
    return {"y": y[0, :, :, 0], "columns": columns, "dcolumns": dcolumns, "dx": dx[0, :, :, 0]}


@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation"), SETTINGS)
def test_im2col_shows_what_minicnn_computes(im2col, kernel, stride, padding, dilation):
    options = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    im2col.execute_script(CHOOSE, options | {"numbers": "random"})
    windows = grids(im2col)["dy"].size
    for window in {windows - 1, windows // 3}:
        go_to(im2col, window)
        shown = grids(im2col)
        inside = slice(padding, padding + SIZE)
        dx = shown.pop("dx")[inside, inside]
        expected = expected_grids(shown, **options, window=window)
        np.testing.assert_array_equal(dx, expected.pop("dx"))
        for name, values in expected.items():
            np.testing.assert_array_equal(shown[name], values, err_msg=name)


def test_simple_numbers_count_pixels_and_windows(im2col):
    go_to(im2col, 8)
    shown = grids(im2col)
    np.testing.assert_array_equal(shown["x"].ravel(), np.arange(1, 26))
    np.testing.assert_array_equal(shown["dx"], np.outer([1, 2, 3, 2, 1], [1, 2, 3, 2, 1]))


def test_patch_row_output_and_gradient_light_up_together(im2col):
    im2col.find_element(By.CSS_SELECTOR, "[data-do=next]").click()
    patch = [1, 2, 3, 6, 7, 8, 11, 12, 13]
    assert marked(im2col, "x", "lit") == marked(im2col, "dx", "collects") == patch
    assert marked(im2col, "columns", "lit") == marked(im2col, "dcolumns", "lit") == list(range(9, 18))
    assert marked(im2col, "y", "lit") == marked(im2col, "dy", "lit") == [1]
    assert "y[0, 1] = 72" in said(im2col, "window")


def test_play_goes_to_the_last_window_and_stops(im2col):
    im2col.execute_script(CHOOSE, {"stride": 2})
    button = im2col.find_element(By.CSS_SELECTOR, "[data-do=play]")
    button.click()
    assert button.text == "Pause"
    ended = "const [button, done] = arguments; setInterval(() => button.textContent === 'Play' && done(), 50)"
    im2col.execute_async_script(ended, button)
    assert marked(im2col, "y", "lit") == [3]


def test_keys_step_through_windows_and_pixels(im2col):
    im2col.find_element(By.CSS_SELECTOR, "#im2col input[type=range]").send_keys(Keys.ARROW_RIGHT * 4)
    assert marked(im2col, "y", "lit") == [4]
    cell(im2col, "x", 0).send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert im2col.switch_to.active_element.accessible_name == "x [2, 2]: 13"
    shown = grids(im2col)
    assert marked(im2col, "x", "chosen") == marked(im2col, "dx", "chosen") == [12]
    assert marked(im2col, "columns", "chosen") == list(np.flatnonzero(shown["columns"] == 13))
    assert "dx[2, 2] = 1 + 1 + 1 + 1 + 1 = 5, and 4 copies to come." in said(im2col, "pixel")
    im2col.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert marked(im2col, "x", "chosen") == []
    cell(im2col, "columns", 0).send_keys(Keys.END)
    assert marked(im2col, "x", "chosen") == [12]


def test_pointing_shows_and_leaving_shows_what_was_before(im2col):
    ActionChains(im2col).move_to_element(cell(im2col, "y", 7)).perform()
    assert marked(im2col, "columns", "lit") == list(range(63, 72))
    ActionChains(im2col).move_to_element(cell(im2col, "columns", 13)).perform()  # row 1, place (1, 1): x[1, 2]
    assert marked(im2col, "x", "chosen") == [7]
    assert marked(im2col, "y", "lit") == [1]
    ActionChains(im2col).move_to_element(im2col.find_element(By.TAG_NAME, "h1")).perform()
    assert marked(im2col, "y", "lit") == [0]
    assert marked(im2col, "x", "chosen") == []


def test_a_tap_takes_a_pixel_and_a_second_one_lets_it_go(site, browser):
    resize(browser, PHONE)
    opened(browser, f"{site}/play/im2col.html")
    point = middle(browser, cell(browser, "dx", 24))
    touch(browser, point)
    assert marked(browser, "x", "chosen") == [24]
    touch(browser, point)
    assert marked(browser, "x", "chosen") == []


def test_pixels_under_no_window_are_named(im2col):
    im2col.execute_script(CHOOSE, {"kernel": 2, "stride": 2})
    assert said(im2col, "pixel").startswith("9 pixels of x lie under no window")
    cell(im2col, "x", 24).click()
    assert said(im2col, "pixel") == "Pixel [4, 4] lies under no window: nothing is copied, and dx[4, 4] = 0."


def test_gradient_on_the_padding_is_dropped(im2col):
    im2col.execute_script(CHOOSE, {"padding": 1})
    cell(im2col, "x", 1).click()
    assert said(im2col, "pixel").endswith("It is no pixel of x: what comes back to it is dropped.")


def test_overwriting_keeps_the_last_number_only(im2col):
    im2col.find_element(By.NAME, "overwrite").click()
    go_to(im2col, 8)
    wrong = marked(im2col, "dx", "wrong")
    assert wrong == [k for k in range(25) if k not in (0, 4, 20, 24)]  # a corner lies under one window
    assert (grids(im2col)["dx"] == 1).all()
    im2col.execute_script(CHOOSE, {"kernel": 2, "stride": 2})
    go_to(im2col, 3)
    assert marked(im2col, "dx", "wrong") == []


def test_the_checker_calls_it_overwritten():
    """As the page says."""

    def overwriting_backward(dy, cache):
        dx, w = np.zeros_like(cache.x), cache.w[:, :, 0, 0]
        for i, j in np.ndindex(dy.shape[1:3]):
            dx[0, i : i + 3, j : j + 3, 0] = dy[0, i, j, 0] * w
        return dx, *conv2d_backward(dy, cache)[1:]

    rng = np.random.default_rng(0)
    arguments = rng.normal(size=(1, SIZE, SIZE, 1)), rng.normal(size=(3, 3, 1, 1)), rng.normal(size=1)
    report = gradcheck.check(conv2d_forward, overwriting_backward, arguments)
    assert [finding.code for finding in report.findings] == ["overwritten"]


# ---- batch norm ----

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
    assert browser.execute_script("return scrollY") == before
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


# ---- both ----

COLOURS = """
document.body.dataset.theme = arguments[0];
const style = getComputedStyle(document.querySelector(".play"));
const paint = document.createElement("canvas").getContext("2d");
return ["--blue", "--orange", "--green", "--ink", "--faint", "--paper"].map(name => {
    paint.fillStyle = style.getPropertyValue(name);
    paint.fillRect(0, 0, 1, 1);
    return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3);
});
"""


def luminance(rgb):
    """Relative luminance as WCAG 2 defines it."""
    share = np.array(rgb) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("page", ["im2col", "batchnorm"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_can_be_read(site, browser, page, theme):
    browser.get(f"{site}/play/{page}.html")
    *colours, paper = map(luminance, browser.execute_script(COLOURS, theme))
    for colour in colours:
        assert (max(colour, paper) + 0.05) / (min(colour, paper) + 0.05) >= 4.5  # WCAG's level AA


@pytest.mark.parametrize("page", ["im2col", "batchnorm"])
def test_the_page_needs_no_server(browser, page):
    browser.get((BUILT / "play" / f"{page}.html").as_uri())
    assert browser.find_elements(By.CSS_SELECTOR, f"#{page} tbody td")
    assert console_errors(browser) == []


@pytest.mark.parametrize("page", ["im2col", "batchnorm"])
def test_everything_to_touch_has_a_name(site, browser, page):
    browser.get(f"{site}/play/{page}.html")
    for element in browser.find_elements(By.CSS_SELECTOR, f"#{page} :is(button, input, [tabindex='0'], table)"):
        assert element.accessible_name, element.get_attribute("outerHTML")
