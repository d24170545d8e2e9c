"""The page of a check: one row a model, in one file of HTML that needs nothing beside it and runs no script.

What stands in it was written by strangers, too: every text is escaped, and the page forbids itself to load anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from zoo.health.result import Health, Row, State

COLOURS: Mapping[str, Mapping[str, str]] = {
    "light": {
        "page": "#ffffff",
        "text": "#1b2430",
        "quiet": "#566270",
        "line": "#d9dfe6",
        "stripe": "#f5f7f9",
        "passed": "#11632e",
        "passed-back": "#dcf5e3",
        "failed": "#a1122c",
        "failed-back": "#fde7ea",
        "unreachable": "#7a4b00",
        "unreachable-back": "#fcf1d2",
    },
    "dark": {
        "page": "#11161d",
        "text": "#e4eaf1",
        "quiet": "#9aa7b5",
        "line": "#2d3743",
        "stripe": "#171e27",
        "passed": "#82e0a0",
        "passed-back": "#12301d",
        "failed": "#ffa3ae",
        "failed-back": "#3d141b",
        "unreachable": "#f0c768",
        "unreachable-back": "#332708",
    },
}
"""Of text and what lies behind it; each pair that meets has a contrast of 4.5 or more (WCAG 2.2, 1.4.3)."""

_SIGNS: Mapping[State, str] = {"passed": "✓", "failed": "✗", "unsafe": "⚠", "unreachable": "?"}

_NOTHING = "&ndash;"

_LONGEST_SIGNER = 20  # letters

_STYLE = """
*{box-sizing:border-box}
body{margin:0 auto;max-width:88rem;padding:2rem 1.25rem 4rem;background:var(--page);color:var(--text);
font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 .5rem}
p{margin:.25rem 0}
.quiet{color:var(--quiet);font-size:.9rem}
.table{overflow-x:auto;margin-top:1.5rem;border:1px solid var(--line);border-radius:.6rem}
.table:focus-visible{outline:3px solid var(--text);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-size:.92rem}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{padding:.5rem .65rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
tbody tr:last-child>*{border-bottom:0}
tbody tr:nth-child(even)>*{background:var(--stripe)}
thead th{font-size:.8rem;line-height:1.25;color:var(--quiet);vertical-align:bottom;background:var(--page)}
tbody th{font-weight:600;white-space:nowrap}
td.number{font-variant-numeric:tabular-nums;white-space:nowrap}
code{font:.88em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.state{display:inline-block;padding:.05rem .55rem;border-radius:1rem;font-weight:600;white-space:nowrap}
.passed{color:var(--passed);background:var(--passed-back)}
.failed,.unsafe{color:var(--failed);background:var(--failed-back)}
.unreachable{color:var(--unreachable);background:var(--unreachable-back)}
.why{min-width:13rem;overflow-wrap:anywhere}
@media print{body{max-width:none;padding:0}.table{overflow:visible;border:0}}
"""


def write_page(health: Health) -> str:
    """Return the page of a check; models that did not pass stand first."""
    devices = _list_devices(health.rows)
    headings = ["Model", "Registry", *devices, "Largest difference", "Allowed", "Seconds", "Signed by"]
    told = any(row.error for row in health.rows)
    if told:
        headings.append("What is wrong")
    groups = sorted(health.models, key=lambda rows: all(row.state == "passed" for row in rows))
    title = f"{health.passed} of {len(groups)} models passed"
    return "".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="color-scheme" content="light dark">\n',
            f"<title>{title}</title>\n<style>{_write_colours()}{_STYLE}</style>\n</head>\n<body>\n<main>\n",
            f'<h1 id="title">{title}</h1>\n',
            *_describe_check(health),
            '<div class="table" role="region" aria-labelledby="title" tabindex="0">\n<table>\n',
            "<caption>Each model, and how it fared on each device</caption>\n<thead>\n<tr>",
            *(f'<th scope="col">{escape(heading)}</th>' for heading in headings),
            "</tr>\n</thead>\n<tbody>\n",
            *(_write_row(rows, devices, told=told) for rows in groups),
            "</tbody>\n</table>\n</div>\n</main>\n</body>\n</html>\n",
        )
    )


def _list_devices(rows: Iterable[Row]) -> list[str]:
    """Return the devices that models came as far as, in order; there is one column at least for the state."""
    return list(dict.fromkeys(row.device for row in rows if row.device)) or ["State"]


def _describe_check(health: Health) -> Iterable[str]:
    versions = ", ".join(f"{name} {version}" for name, version in health.versions.items())
    moment = escape(health.made)
    yield f'<p class="quiet">Checked <time datetime="{moment}">{moment}</time> with {escape(versions)}.</p>\n'
    yield (
        '<p class="quiet">A model passes that can be fetched, whose files are the published ones, and whose '
        "predictions differ from the stored ones by no more than its card allows, as a share of the largest.</p>\n"
    )
    for device, why in health.devices.absent.items():
        yield f'<p class="quiet">Left out: {escape(device)}, {escape(why)}.</p>\n'


def _write_row(rows: Sequence[Row], devices: Sequence[str], *, told: bool) -> str:
    """Return one model's row; where it did not come as far as a device, its state stands for every one.

    Args:
        rows: Of the model.
        devices: The columns.
        told: Whether there is a column for what is wrong.
    """
    first = rows[0]
    states = {row.device: row.state for row in rows}
    cells = [
        f'<th scope="row">{escape(first.model)}{_write_digest(first.digest)}</th>',
        f"<td>{escape(first.registry) or _NOTHING}</td>",
        *(f"<td>{_write_state(states.get(device) or states.get(''))}</td>" for device in devices),
        _write_numbers([row.largest_difference for row in rows], ".2g"),
        _write_numbers([rows[-1].tolerance], ".2g"),
        _write_numbers([row.seconds for row in rows], ".1f"),
        f"<td>{_write_signer(first.signer) or _NOTHING}</td>",
        f'<td class="why">{_write_errors(rows)}</td>' * told,
    ]
    return f"<tr>{''.join(cells)}</tr>\n"


def _write_digest(digest: str) -> str:
    if not digest:
        return ""
    return f'<br><code class="quiet" title="sha256 of SHA256SUMS: {escape(digest)}">{escape(digest[:12])}</code>'


def _write_signer(signer: str) -> str:
    """Return who signed; a fingerprint is cut short, and whole where the pointer rests on it."""
    if len(signer) <= _LONGEST_SIGNER:
        return escape(signer)
    return f'<span title="{escape(signer)}">{escape(signer[:_LONGEST_SIGNER])}…</span>'


def _write_state(state: State | None) -> str:
    if state is None:
        return _NOTHING
    return f'<span class="state {state}"><span aria-hidden="true">{_SIGNS[state]} </span>{state}</span>'


def _write_numbers(values: Sequence[float | None], form: str) -> str:
    """Return a cell with the largest of the numbers that there are."""
    known = [value for value in values if value is not None]
    return f'<td class="number">{format(max(known), form) if known else _NOTHING}</td>'


def _write_errors(rows: Sequence[Row]) -> str:
    return "<br>".join(escape(f"{row.device}: {row.error}" if row.device else row.error) for row in rows if row.error)


def _write_colours() -> str:
    light, dark = ("".join(f"--{name}:{value};" for name, value in COLOURS[mode].items()) for mode in COLOURS)
    return f":root{{color-scheme:light dark;{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
