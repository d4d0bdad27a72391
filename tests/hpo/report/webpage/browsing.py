"""Pages opened in a browser that must stay quiet, and what tests ask of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DESKTOP = {"width": 1280, "height": 900}


@contextmanager
def opened(browser: Any, file: Path, **options: Any) -> Iterator[Any]:
    """Open a file without a network; fail when the console said or the page asked for anything."""
    said: list[str] = []
    context = browser.new_context(**{"offline": True, "viewport": DESKTOP, **options})
    page = context.new_page()
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("request", lambda request: said.append(request.url))
    page.goto(file.as_uri())
    yield page
    context.close()
    asked = [text for text in said if not text.startswith(("data:", "blob:"))]
    assert asked == [file.as_uri()]


def draw(page: Any, name: str) -> Any:
    plot = page.locator(f'[data-plot="{name}"]')
    plot.scroll_into_view_if_needed()
    page.wait_for_function("node => node.classList.contains('drawn')", arg=plot.element_handle())
    return plot


def numbers(page: Any) -> list[int]:
    """Trials in the table as they are shown, from the top."""
    script = "rows => rows.filter(row => !row.hidden).map(row => Number(row.dataset.number))"
    found: list[int] = page.locator("#trials-table tbody tr").evaluate_all(script)
    return found


def column(page: Any, heading: str) -> list[float]:
    script = """(name) => {
      const table = document.getElementById("trials-table");
      const heads = [...table.tHead.rows[0].cells];
      const place = heads.findIndex((cell) => cell.innerText.trim() === name);
      return [...table.tBodies[0].rows].filter((row) => !row.hidden)
        .map((row) => row.cells[place].dataset.key).filter((key) => key !== undefined).map(Number);
    }"""
    found: list[float] = page.evaluate(script, heading)
    return found


def is_dark(page: Any) -> bool:
    colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(int(part) for part in colour.strip("rgb()").split(",")) < 3 * 128


def low_contrast(page: Any) -> list[str]:
    """Texts whose contrast with what lies behind them is below 4.5 (WCAG AA)."""
    script = """() => {
      const sheet = document.createElement("canvas");
      const canvas = sheet.getContext("2d", { willReadFrequently: true });
      const rgba = (text) => {
        canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
      };
      const behind = (node) => {
        for (let each = node; each; each = each.parentElement) {
          const colour = rgba(getComputedStyle(each).backgroundColor);
          if (colour[3] === 255) return colour;
        }
        return [255, 255, 255, 255];
      };
      const light = (colour) => {
        const [r, g, b] = colour.slice(0, 3).map((part) => {
          const share = part / 255;
          return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const low = new Set();
      for (const node of document.querySelectorAll("main *, header *, footer *")) {
        const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
        const unread = node.closest("svg, noscript, style, .trust-shade");
        if (!own || unread || !node.offsetParent) continue;
        const [a, b] = [light(rgba(getComputedStyle(node).color)), light(behind(node))];
        if ((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5) {
          low.add(`${node.tagName}.${node.className}: ${node.textContent.trim().slice(0, 40)}`);
        }
      }
      return [...low];
    }"""
    found: list[str] = page.evaluate(script)
    return found
