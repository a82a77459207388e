"""The HTML of a report: one page that needs nothing else and asks nothing of the network."""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from ganlens.checkpoints import versions
from ganlens.data import remarks
from ganlens.panels import FigurePanel, Panel
from ganlens.probes.base import Probe
from ganlens.replay import signed
from ganlens.report import draw
from ganlens.report.about import networks_in_words, provenance_panel
from ganlens.report.curve import curve_panels, read_metrics
from ganlens.report.findings import Finding, describe_data, strict
from ganlens.report.gallery import gallery
from ganlens.report.headline import headline
from ganlens.report.reproduce import again, purpose

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject


def page(
    title: str,
    made: str,
    subject: "Subject",
    data: "ImageSet | None",
    findings: Sequence[Finding],
    source: str,
) -> Iterator[str]:
    """Yield the page piece by piece.

    Args:
        title: heading of the page.
        made: when, as text.
        subject: the loaded model.
        data: the images it was compared with, or None.
        findings: what ``run_probes`` returned.
        source: path or name of the checkpoint, for the commands.
    """
    panels = [_panels(finding, subject, data) for finding in findings]
    known = subject.provenance
    records = read_metrics(known.get("path"))
    curve = curve_panels(records, known.get("step"), family=known.get("family"))
    with_charts = bool(curve) or any(isinstance(p, FigurePanel) for group in panels for p in group)
    scripts = [_plotly()] if with_charts else []
    scripts.append(_resource("page.js"))
    yield _head(title, scripts)
    yield _header(title, made, subject, data)
    yield _contents(findings, bool(curve))
    yield "<main>"
    yield _about(subject)
    if curve:
        yield _section("training", "Training", "How it got here.", "".join(map(draw.panel, curve)))
    yield _glance(findings)
    for finding, group in zip(findings, panels, strict=True):
        yield _probe_section(finding, group, again(finding, source, data, subject))
    yield _provenance(subject, data)
    code = "".join(f"<script>{script}</script>" for script in scripts)
    yield f"</main></div>{code}</body></html>"


def _panels(finding: Finding, subject: "Subject", data: "ImageSet | None") -> list[Panel]:
    if finding.result is None:
        return []
    panels = finding.result.panels() if finding.panels is None else finding.panels
    return signed(panels, finding.name, finding.probe, subject, data)


def _resource(name: str) -> str:
    return resources.files("ganlens.report").joinpath(name).read_text(encoding="utf-8")


def _plotly() -> str:
    from plotly.offline import get_plotlyjs  # 4 MB: read only when there is a figure

    return get_plotlyjs().replace("</script", "<\\/script")


def _head(title: str, scripts: Sequence[str]) -> str:
    # The policy lets no request leave the page, and runs no script but the ones hashed here: should
    # a name from a file ever escape its quotes, it still could not act.
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    policy = (
        f"default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src {hashes}; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{draw.text(policy)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{draw.text(title)}</title><style>{_resource('style.css')}</style></head><body>"
        '<div class="page">'
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _header(title: str, made: str, subject: "Subject", data: "ImageSet | None") -> str:
    against = (
        f"probed against {len(data):,} images of <code>{draw.text(data.spec)}</code>{_how(data)}"
        if data is not None
        else "probed without data"
    )
    short = str(subject.provenance.get("hash", ""))[:12]
    return (
        f"<header><h1>{draw.text(title)}</h1>"
        f"<p class='lead'>A model with {draw.text(networks_in_words(subject))}, {against}.</p>"
        f"<p class='facts'>Checkpoint <code>{draw.text(short)}</code> · {draw.text(made)} · "
        "the same numbers are in <code>findings.json</code> and <code>arrays.npz</code> beside "
        f"this page.</p>{_remarks(data)}</header>"
    )


def _how(data: "ImageSet") -> str:
    prepared = data.preparation
    return f" ({draw.text(prepared)})" if prepared else ""


def _remarks(data: "ImageSet | None") -> str:
    """List what was concluded about the data and left out: every number below rests on it."""
    said = remarks(data, prepared=False) if data is not None else []
    if not said:
        return ""
    items = "".join(f"<li>{draw.text(one)}</li>" for one in said)
    return f"<div class='facts'>About the data:<ul>{items}</ul></div>"


def _contents(findings: Sequence[Finding], curve: bool) -> str:
    items = [("about", "This checkpoint", False)] + (
        [("training", "Training", False)] if curve else []
    )
    items += [("glance", "At a glance", False)] if findings else []
    items += [(f"probe-{f.name}", f.probe.title or f.name, f.result is None) for f in findings]
    items.append(("provenance", "Provenance", False))
    rows = "".join(
        f'<li><a href="#{draw.text(key)}"{" class=absent" if absent else ""}>{draw.text(name)}'
        f"{' (left out)' if absent else ''}</a></li>"
        for key, name, absent in items
    )
    return f'<nav aria-label="Contents"><h2>Contents</h2><ol>{rows}</ol></nav>'


def _section(key: str, title: str, lead: str, body: str) -> str:
    return (
        f'<section id="{draw.text(key)}"><h2>{draw.text(title)}</h2>'
        f"<p class='lead'>{draw.prose(lead)}</p>{body}</section>"
    )


def _about(subject: "Subject") -> str:
    facts = {str(name): value for name, value in provenance_panel(subject).rows}
    panels, reasons = gallery(subject)
    body, question = draw.pairs(facts), "Where it comes from; it draws nothing by itself."
    if panels or reasons:
        question = "What it draws, and where it comes from."
        notes = (f"<p class='absent-note'>Not shown: {draw.prose(why)}</p>" for why in reasons)
        heading = "<h3 class='gap'>Where it comes from</h3>"
        body = "".join([*map(draw.panel, panels), *notes, heading, body])
    return _section("about", "This checkpoint", question, body)


def _glance(findings: Sequence[Finding]) -> str:
    """List what each probe found in a line, with a link to its evidence."""
    rows = "".join(
        f'<tr><td><a href="#probe-{draw.text(f.name)}">{draw.text(f.probe.title or f.name)}</a>'
        f"</td><td>{draw.text(headline(f))}</td></tr>"
        for f in findings
    )
    table = f'<table class="glance"><tbody>{rows}</tbody></table>'
    body = f'<div class="scroll" tabindex="0">{table}</div>'
    lead = "What each probe found, in half a line; its name leads to the evidence."
    return _section("glance", "At a glance", lead, body) if findings else ""


def _probe_section(finding: Finding, panels: Sequence[Panel], line: str) -> str:
    lead = purpose(finding.probe)
    if finding.result is None:
        body = f"<p class='absent-note'>Left out: {draw.prose(finding.reason)}</p>"
    else:
        numbers = draw.pairs(strict(finding.result.summary()))
        body = (
            f"{''.join(map(draw.panel, panels))}"
            f"<details><summary>All numbers, and what makes them comparable</summary>{numbers}"
            "</details>"
        )
    values = finding.probe.settings()
    settings = (
        f"<details><summary>Settings</summary>{draw.pairs(values)}</details>" if values else ""
    )
    return _section(
        f"probe-{finding.name}",
        finding.probe.title or finding.name,
        lead,
        f"{_reading(finding.probe)}{body}{settings}"
        f"<p class='facts'>To get this again (it took {finding.seconds:.1f} s):</p>"
        f"<pre><code>{draw.text(line)}</code></pre>",
    )


def _reading(probe: Probe) -> str:
    """Tell a newcomer how to read a probe, and where to read more."""
    if not probe.reading:
        return ""
    papers = ", ".join(
        f'<a href="{draw.text(where)}" rel="noreferrer">{draw.text(name)}</a>'
        for name, where in probe.papers
    )
    more = f" More: {papers}." if papers else ""
    return f"<p class='facts'><strong>How to read it:</strong> {draw.text(probe.reading)}{more}</p>"


def _provenance(subject: "Subject", data: "ImageSet | None") -> str:
    blocks: list[tuple[str, dict[str, Any]]] = [
        ("Checkpoint", strict({k: v for k, v in subject.provenance.items() if k != "path"})),
        ("Data", describe_data(data) or {"data": "none"}),
        ("Libraries of this report", versions()),
    ]
    body = "".join(f"<h3 class='gap'>{name}</h3>{draw.pairs(content)}" for name, content in blocks)
    return _section(
        "provenance",
        "Provenance",
        "What these numbers depend on, so that they can be compared.",
        body,
    )
