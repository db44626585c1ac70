"""What a GIL trace says, in words: a headline, where it comes from, one sentence, and what it can't tell."""

from __future__ import annotations

from collections.abc import Sequence

from helpers._common import count
from helpers.gil.trace import GilTrace


def percent(share: float) -> str:
    """`share` (0 to 1) as a reader wants it: 0%, 0.7%, 95%."""
    value = share * 100
    text = f"{value:.1f}" if 0.05 <= value < 9.95 or 99 < value < 99.95 else f"{value:.0f}"
    return text.removesuffix(".0") + "%"


def span(seconds: float) -> str:
    """`seconds` as 5.1 ms, 0.24 ms, 28 µs or 1.50 s."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    ms = seconds * 1e3
    if ms >= 1:
        return f"{ms:.0f} ms" if ms >= 100 else f"{ms:.1f} ms"
    return f"{ms:.2f} ms" if ms >= 0.1 else f"{ms * 1e3:.0f} µs"


def headline(trace: GilTrace) -> str:
    """How much ran at once and how long a hold was."""
    sampled = trace.sampling and trace.gil
    if len(trace.threads) == 1:
        does = "one thread, which has the GIL" if sampled else "one thread alone, running"
        return f"{does} {percent(trace.shares[0])} of the time"
    several = "two" if len(trace.threads) == 2 else "two or more"
    if len(trace.asleep) == len(trace.threads):
        cores = f"using {trace.cpu_over_wall:.2f} of a core"
        return f"{several} asleep at once {percent(trace.overlap)} of the time, {cores}"
    does = "have the GIL" if sampled else "running"
    return f"{several} {does} at once {percent(trace.overlap)} of the time, median hold {span(trace.median_hold)}"


def origin(trace: GilTrace) -> str:
    """The settings and the computer that the trace comes from."""
    gil = "with the GIL" if trace.gil else "without a GIL"
    taken = f", recorded {trace.machine['date']}" if trace.recorded else ""
    interval = f"switch interval {trace.switch_interval * 1e3:g} ms"
    if trace.sampling:
        interval = f"sampled {trace.sampling.rate:,} times a second, {interval}"
    return f"{interval}, Python {trace.machine['python']} {gil}, {count(trace.cores, 'core')}{taken}"


def describe_trace(trace: GilTrace) -> str:
    """The trace in one sentence, as alt text."""
    kinds = list(dict.fromkeys(thread.work for thread in trace.threads))
    threads = count(len(trace.threads), "thread")
    text = f"{threads} of {' and '.join(kinds)} ({origin(trace)}): {headline(trace)}"
    if trace.waits:
        text += f", median wait for the GIL {span(trace.median_wait)}"
    if trace.sampling:
        return f"{text}."
    return f"{text}, {trace.cpu_over_wall:.2f} s of CPU time a second."


def explain(trace: GilTrace) -> str:
    """What the numbers mean, in a sentence or two."""
    if len(trace.threads) == 1:
        return "One thread has nobody to wait for: any gap is the system's."
    if len(trace.asleep) == len(trace.threads):
        return "A sleeping thread has let the GIL go, so the others sleep at the same time."
    if trace.overlap > 0.5:
        why = "this work lets the GIL go" if trace.gil else "there is no GIL"
        return f"Threads ran side by side: {why}. All together used {trace.cpu_over_wall:.2f} cores."
    if not trace.gil or not trace.waits:
        return f"Threads took turns, but not for the GIL: the system gave all of them {trace.cpu_over_wall:.2f} cores."
    waited = f"For each ms that a thread ran, it waited {trace.waited_over_ran:.1f} ms for the GIL"
    return f"{waited}, {span(trace.median_wait)} at a time (median). All together used {trace.cpu_over_wall:.2f} cores."


def noise(*traces: GilTrace) -> str:
    """How far the traces can be trusted: what one thread alone met before the stamps, how often samples came."""
    found = []
    if stamped := [trace for trace in traces if not trace.sampling]:
        found.append(_alone(stamped))
    for rate in dict.fromkeys(trace.sampling.rate for trace in traces if trace.sampling):
        of_it = [trace.sampling for trace in traces if trace.sampling and trace.sampling.rate == rate]
        samples, lost = sum(one.samples for one in of_it), sum(one.lost for one in of_it)
        found.append(
            f"Seen from outside {rate:,} times a second: {samples:,} samples came, {lost:,} were lost."
            f" A hold shorter than {span(1 / rate)} may be missed."
        )
    return " ".join(found)


def _alone(traces: Sequence[GilTrace]) -> str:
    baselines = [thread.baseline for trace in traces for thread in trace.threads]
    pieces, lost, limits = ([getattr(b, name) for b in baselines] for name in ("piece", "lost", "threshold"))
    return (
        f"One thread alone, for comparison: {_range(pieces, span)} a piece, {_range(lost, percent)} of the time in"
        f" gaps that are this computer's noise. A gap counts from {_range(limits, span)}."
    )


def notes(trace: GilTrace) -> list[str]:
    """What a reader must know before trusting the picture; empty on a quiet computer with cores to spare."""
    found: list[str] = []
    lost = max(thread.baseline.lost for thread in trace.threads)
    idle = sum(b - a for a, b in trace.nobody) / 1e9 / trace.seconds
    aside = sum(gap.length for gap in trace.preempted)
    if trace.sampling:
        found += trace.sampling.notes
        if trace.sampling.longest > 5 / trace.sampling.rate:
            longest = span(trace.sampling.longest)
            found.append(f"Up to {longest} passed between two samples: a hold may be off by as much.")
    elif max(lost, idle) > 0.05:
        found.append(
            f"Busy computer: none of these threads ran for {percent(idle)} of the time,"
            f" and one alone lost {percent(lost)}."
        )
    if trace.cores == 1 and len(trace.threads) > 1:
        found.append("One core: the system decides too who runs, so holds also follow its clock tick.")
    if aside > 0.05 * trace.seconds:
        found.append(f"The system set threads aside, {span(aside)} in all: other programs ran, or cores were short.")
    if trace.waits and trace.unsure > len(trace.waits) / 2:
        found.append(
            f"The system may have drawn out {trace.unsure} of {len(trace.waits)} waits: stamps can't tell how far."
        )
    return found


def _range(values: list[float], words: object) -> str:
    low, high = words(min(values)), words(max(values))  # type: ignore[operator]
    return low if low == high else f"{low} to {high}"
