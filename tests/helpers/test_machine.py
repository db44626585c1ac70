"""What this computer is, asked in ways that have a known answer."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from helpers import machine


def test_usable_cpus_are_some_of_the_reported_ones():
    assert 1 <= machine.usable_cpus() <= os.cpu_count()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity to set")
def test_affinity_counts():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert machine.usable_cpus() == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize(
    ("files", "cpus"),
    [
        ({"cpu.max": "150000 100000"}, 1.5),
        ({"cpu.max": "max 100000"}, None),
        ({"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2.0),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ({}, None),
    ],
)
def test_a_containers_quota_is_read(tmp_path, files, cpus):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert machine.quota(tmp_path) == cpus


def test_a_quota_rounds_up_to_whole_cpus(monkeypatch):
    monkeypatch.setattr(machine, "quota", lambda: 0.5)
    assert machine.usable_cpus() == 1


def test_default_workers_are_the_pools_own():
    with ThreadPoolExecutor() as pool:
        assert machine.default_workers() == pool._max_workers


def test_the_description_says_what_is_true_here():
    here = machine.describe()
    assert here.python == sys.version.split()[0]
    assert f"GIL             {'on' if machine.gil_enabled() else 'off'}" in repr(here)
    assert here.jupyterlab[0].isdigit()


def test_gaps_lie_inside_the_time_and_are_as_long_as_asked():
    found = machine.gaps(0.02, longer_than=1e-6)
    assert found, "at 1 µs the loop itself must show"
    assert all(when >= 0 and length > 1e-6 for when, length in found)


def test_bad_arguments_are_named():
    with pytest.raises(TypeError, match="seconds must be a number of seconds"):
        machine.gaps("0.1")
    with pytest.raises(ValueError, match="longer_than"):
        machine.gaps(0.1, longer_than=0)
