"""A picture of the Grafana dashboard, drawn without Grafana.

A real shop lives for some minutes under a real Prometheus. Each panel is drawn at its place from what its own queries
give, so the lines are those that Grafana would draw, and its looks are not.
"""

import argparse
import io
import itertools
import math
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from adapters.metrics_prometheus.dashboard import ROWS, document
from tests.browser.chromium import chromium
from tests.deploy.prometheus_server import Prometheus, Series, prometheus_of
from tests.deploy.watched_shop import WatchedShop, watched_shop

ROOT = Path(__file__).parents[2]

#: Pixels of a unit of Grafana's grid, and of the picture.
COLUMN, LINE, WIDTH = 54, 30, 24 * 54
#: The area of a panel's lines within it: left, right, top, bottom.
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 34, 44
#: Grafana's classic palette.
COLORS = ("#7eb26d", "#eab839", "#6ed0e0", "#ef843c", "#e24d42", "#1f78c1", "#ba43a9", "#705da0", "#508642")
#: A panel's legend has room for so many characters.
LEGEND = 52
#: A line is broken where it has no value for so many seconds.
GAP_SECONDS = 5
#: Round numbers for the levels of a panel.
STEPS = (1, 2, 2.5, 5, 10)
#: In what the values of Grafana's units are shown, the largest first.
UNITS: Mapping[str, Sequence[tuple[float, str]]] = {
    "s": ((86400, " d"), (3600, " h"), (60, " min"), (1, " s"), (1e-3, " ms")),
    "bytes": ((1 << 30, " GiB"), (1 << 20, " MiB"), (1 << 10, " KiB"), (1, " B")),
    "percentunit": ((0.01, " %"),),
    "cps": ((1e3, " Kc/s"), (1, " c/s")),
    "short": ((1e6, " M"), (1e3, " K"), (1, "")),
}


@dataclass(frozen=True)
class Line:
    """A line of a panel in pixels, and its name."""

    legend: str
    color: str
    path: str


@dataclass(frozen=True)
class Panel:
    """A panel or the title of a row, ready to be drawn."""

    title: str
    x: int
    y: int
    width: int
    height: int
    is_row: bool
    lines: Sequence[Line] = ()
    levels: Sequence[tuple[float, str]] = ()
    moments: Sequence[tuple[float, str]] = ()
    more: int = 0


def main() -> None:
    """Let a shop live for some minutes, and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, default=ROOT / "docs" / "images" / "dashboard.png")
    parser.add_argument("--minutes", type=float, default=5)
    options = parser.parse_args()
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        parser.error("there is no prometheus: install it (Debian: apt-get install prometheus)")
    with TemporaryDirectory(prefix="restoreclick-dashboard-") as data_dir:
        folder = Path(data_dir)
        with watched_shop(folder / "shop") as shop:
            shop.deliver()
            shop.bounce_mail()
            shop.dispute()
            with prometheus_of(shop.local_shop, prometheus) as server:
                began = time.time()
                _live(shop, folder, began + options.minutes * 60)
                html = page(document(), server, began, time.time())
    options.file.write_bytes(_photographed(html))


def _live(shop: WatchedShop, folder: Path, until: float) -> None:
    """Let happen what happens, at changing rates."""
    happenings: Iterable[Callable[[], object]] = itertools.cycle(
        [
            shop.deliver,
            shop.fail_first_model,
            lambda: shop.deliver(photos=6),
            lambda: shop.refuse_photo(folder),
            shop.deliver,
            shop.fail_restoration,
            shop.forge_webhook,
            shop.fail_mail,
            lambda: time.sleep(6),
        ]
    )
    for happens in happenings:
        if time.time() > until:
            return
        happens()


def page(dashboard: Mapping[str, Any], prometheus: Prometheus, began: float, ended: float) -> str:
    """The dashboard as HTML, without the last row, which is long."""
    shown = [*_until_row(dashboard["panels"], len(ROWS))]
    panels = [_panel(each, prometheus, began, ended) for each in shown]
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, autoescape=True
    )
    height = max(panel.y + panel.height for panel in panels)
    template = environment.get_template("dashboard.html")
    return template.render(title=dashboard["title"], panels=panels, width=WIDTH, height=height)


def _until_row(panels: Iterable[Mapping[str, Any]], rows: int) -> Iterable[Mapping[str, Any]]:
    for panel in panels:
        rows -= panel["type"] == "row"
        if rows < 0:
            return
        yield panel


def _panel(panel: Mapping[str, Any], prometheus: Prometheus, began: float, ended: float) -> Panel:
    place = panel["gridPos"]
    spot = {
        "title": panel["title"],
        "x": place["x"] * COLUMN,
        "y": place["y"] * LINE,
        "width": place["w"] * COLUMN,
        "height": place["h"] * LINE,
    }
    if panel["type"] == "row":
        return Panel(**spot, is_row=True)
    if panel["type"] != "timeseries":
        raise AssertionError(f"Panels of type {panel['type']} are not drawn yet.")
    found = [
        (series.legend(target["legendFormat"]), series)
        for target in panel["targets"]
        for series in prometheus.ask(target["expr"], began, ended)
    ]
    defaults = panel["fieldConfig"]["defaults"]
    scale = _Scale(spot, [series for _, series in found], (began, ended), defaults)
    names = [name for name, _ in found]
    fitting = _fitting(names)
    return Panel(
        **spot,
        is_row=False,
        lines=[
            Line(name if number < fitting else "", COLORS[number % len(COLORS)], scale.path(series))
            for number, (name, series) in enumerate(found)
        ],
        levels=[(scale.y(level), scale.text(level)) for level in scale.levels],
        moments=[(scale.x(at), f"{datetime.fromtimestamp(at, UTC):%H:%M}") for at in scale.minutes],
        more=max(0, len(names) - fitting),
    )


class _Scale:
    """The pixels of a panel's values and moments."""

    def __init__(
        self,
        spot: Mapping[str, Any],
        series: Sequence[Series],
        period: tuple[float, float],
        defaults: Mapping[str, Any],
    ) -> None:
        values = [value for each in series for _, value in each.points]
        low = min(values, default=0.0) if defaults["min"] is None else float(defaults["min"])
        high = max(values, default=0.0)
        if high <= low:
            high = low + 1
        unit = str(defaults["unit"])
        sizes = UNITS.get(unit, ((1.0, unit.removeprefix("suffix:")),))
        self._size, self._word = next((each for each in sizes if high >= each[0]), sizes[-1])
        step = _step((high - low) / 4 / self._size) * self._size
        self.levels = [
            number * step for number in range(math.floor(low / step), math.ceil(high / step - 1e-9) + 1)
        ]
        self._low, self._high = self.levels[0], self.levels[-1]
        self._began, self._ended = period
        self.minutes = range(math.ceil(self._began / 60) * 60, int(self._ended), 60)
        self._width, self._height = int(spot["width"]), int(spot["height"])

    def text(self, value: float) -> str:
        """A value as Grafana shows it in one of the dashboard's units."""
        return f"{value / self._size:.5g}{self._word}"

    def x(self, at: float) -> float:
        """Where a moment is."""
        share = (at - self._began) / (self._ended - self._began)
        return round(LEFT + share * (self._width - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        """Where a value is."""
        share = (value - self._low) / (self._high - self._low)
        return round(self._height - BOTTOM - share * (self._height - TOP - BOTTOM), 1)

    def path(self, series: Series) -> str:
        """The line of a series."""
        words, before = [], -math.inf
        for at, value in series.points:
            words.append(f"{'M' if at - before > GAP_SECONDS else 'L'}{self.x(at)} {self.y(value)}")
            before = at
        return "".join(words)


def _step(least: float) -> float:
    """The next round number."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in STEPS if step * power >= least * 0.999)


def _fitting(names: Sequence[str]) -> int:
    """How many names the legend has room for."""
    lengths = itertools.accumulate(len(name) + 4 for name in names)
    return max(1, sum(length <= LEGEND for length in lengths))


def _photographed(html: str) -> bytes:
    """The page as a PNG of few colours."""
    with chromium() as browser:
        view = browser.new_page(viewport={"width": WIDTH, "height": 800})
        view.set_content(html)
        taken = Image.open(io.BytesIO(view.screenshot(full_page=True)))
    picture = io.BytesIO()
    taken.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(picture, "PNG", optimize=True)
    return picture.getvalue()


if __name__ == "__main__":
    main()
