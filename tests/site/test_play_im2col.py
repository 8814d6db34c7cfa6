"""docs/play/im2col.md in a browser: its numbers are minicnn's, and mouse, fingers and keys do what they should."""

import numpy as np
import pytest
from playing import middle, numbers, opened, said, touch
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from viewing import PHONE, resize

from minicnn import gradcheck
from minicnn.functional import conv2d_backward, conv2d_forward, dense_backward, dense_forward

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
    assert "dx[2, 2] = 1 + 1 + 1 + 1 + 1 = 5, and 4 more to come." in said(im2col, "pixel")
    im2col.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert marked(im2col, "x", "chosen") == []
    cell(im2col, "columns", 0).send_keys(Keys.END)
    assert marked(im2col, "x", "chosen") == [12]


IN_VIEW = """
const box = document.querySelector("#im2col [data-grid=columns] .im2col-scroll");
const head = box.querySelector("thead").getBoundingClientRect();
const row = box.querySelectorAll("tbody tr")[arguments[0]].getBoundingClientRect();
return head.bottom <= row.top + 1 && row.bottom <= box.getBoundingClientRect().bottom + 1;
"""


def test_the_row_of_the_window_scrolls_into_view_and_the_page_stays(im2col):
    im2col.execute_script(CHOOSE, {"padding": 2})
    before = im2col.execute_script("return scrollY")
    for window in (0, 30, 48, 20):
        go_to(im2col, window)
        assert im2col.execute_script(IN_VIEW, window)
    assert im2col.execute_script("return scrollY") == before


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
