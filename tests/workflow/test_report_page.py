"""The report of a finished study, opened from disk in a browser."""

import os
import re
import shutil
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from ventral.__main__ import main

QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
MOST_BYTES = 20_000_000


@pytest.fixture(scope="module")
def browser():
    """Chromium with an empty profile."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        reason = "no Chromium to open the report in: install the package chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(study) -> Path:
    return study / "results" / "report.html"


@pytest.fixture
def open_page(browser, report):
    """`open_page(**settings)`: the report, which must have asked no network and complained of nothing in the end."""
    faults, pages = [], []

    def opened(**settings):
        page = browser.new_page(**settings)
        address = report.as_uri()
        page.on("request", lambda request: request.url.startswith((address, "data:")) or faults.append(request.url))
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(address)
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()
    assert faults == []


def column(page, index):
    return page.locator("section[aria-labelledby=scores] tbody tr:visible").evaluate_all(
        "(rows, index) => rows.map((row) => row.cells[index].textContent)", index
    )


def test_tables_are_sorted_by_click_and_by_key(open_page):
    page = open_page()
    header = page.locator("section[aria-labelledby=scores] th").filter(has_text=re.compile("^r$"))
    names = page.locator("section[aria-labelledby=scores] th").all_inner_texts()
    index = names.index("r")
    as_written = column(page, index)
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "descending"
    numbers = [float(cell.split()[0]) for cell in column(page, index)]
    assert numbers == sorted(numbers, reverse=True) and len(numbers) == len(as_written)
    header.get_by_role("button").press("Enter")
    assert header.get_attribute("aria-sort") == "ascending"
    assert [float(cell.split()[0]) for cell in column(page, index)] == sorted(numbers)
    header.get_by_role("button").press("Space")
    assert header.get_attribute("aria-sort") is None and column(page, index) == as_written


def test_rows_are_chosen_by_region(open_page):
    page = open_page()
    everything = column(page, 1)
    page.locator("section[aria-labelledby=scores]").get_by_label("region").select_option("V4")
    assert set(column(page, 1)) == {"V4"} and {"IT", "V4"} == set(everything)
    told = page.locator("section[aria-labelledby=scores] output").inner_text()
    assert told == f"{everything.count('V4')} of {len(everything)} rows"


def test_without_scripts_all_is_there(open_page):
    page = open_page(java_script_enabled=False)
    assert page.locator("section[aria-labelledby=scores] tbody tr").count() > 4
    assert not page.locator(".filters").first.is_visible() and page.locator("th button").count() == 0


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_it_fits_the_screen_and_everybody_can_read_it(open_page, width, scheme):
    page = open_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    found = Axe().run(page).response["violations"]
    assert [fault["id"] for fault in found if fault["impact"] in ("serious", "critical")] == []


def test_links_lead_to_files_and_places(report):
    text = report.read_text()
    assert len(text) < MOST_BYTES and text.count("<figure") == len(list((report.parent / "figures").glob("*.png")))
    for link in set(re.findall(r'href="([^"]+)"', text)):
        assert f'id="{link[1:]}"' in text if link.startswith("#") else (report.parent / link).is_file(), link


def test_stages_are_those_that_snakemake_finds(report, snakemake, study):
    done = snakemake(study, "--rulegraph", "--configfile", "config/small.yaml")
    labels = dict(re.findall(r'(\d+)\[label = "(\w+)"', done.stdout))
    edges = {(labels[a], labels[b]) for a, b in re.findall(r"(\d+) -> (\d+)", done.stdout)}
    expected = {edge for edge in edges if not set(edge) & {"all", "write_report"}}
    listed = re.findall(
        r"<dt>(\w+)</dt>\s*<dd>.*?(?:After ([\w, ]+)\.)?</dd>", report.read_text().split("<details>")[1]
    )
    assert {(one, rule) for rule, before in listed for one in before.split(", ") if one} == expected


def test_page_of_a_folder_that_came_from_elsewhere(report, tmp_path, capsys):
    folder = Path(shutil.copytree(report.parent, tmp_path / "theirs"))
    shutil.rmtree(folder / "activations")
    (folder / "figures" / "reproduction.png").unlink()
    assert main(["report", str(folder)]) == 0
    written = Path(capsys.readouterr().out.strip()).read_text()
    assert written.count("<figure") == report.read_text().count("<figure") - 1
    assert 'id="stages"' not in written
    answer = re.compile(r'<section aria-labelledby="answer">.*?</section>', re.DOTALL)
    assert answer.findall(written) == answer.findall(report.read_text())
    (folder / "tables" / "provenance.json").unlink()
    assert main(["report", str(folder)]) == 1
    assert "tables/provenance.json: not there" in capsys.readouterr().err
