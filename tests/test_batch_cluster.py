"""``splatc batch --dask``: every picture is done once and none is lost, even if a worker is."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from splatc import bitstream
from splatc.batch.cluster import ClusterError, run_on_cluster
from splatc.batch.database import NAME
from splatc.batch.job import Job, Outcome
from splatc.cli import main
from splatc.errors import UsageError
from tests.test_batch import FAST, joined, make_pictures, options

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two workers of one thread, as processes of this machine."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as local:
        yield local


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_worker_that_is_killed_half_way_loses_no_picture(cluster: Any, tmp_path: Path) -> None:
    names = [f"{index}.png" for index in range(8)]
    make_pictures(tmp_path, *names, "broken.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    pictures = [tmp_path / name for name in [*names, "broken.png"]]
    journal = joined(tmp_path)
    jobs = [Job(str(each), str(each.with_suffix(".splat2d")), options(), 1, journal=journal) for each in pictures]

    outcomes = []
    for outcome in run_on_cluster(jobs, cluster.scheduler_address):
        assert isinstance(outcome, Outcome)
        outcomes.append(outcome)
        if len(outcomes) == 2:
            os.kill(cluster.workers[0].pid, signal.SIGKILL)

    assert sorted(each.source for each in outcomes) == sorted(job.source for job in jobs)
    assert [each.source for each in outcomes if each.status != "done"] == [str(tmp_path / "broken.png")]
    for job in jobs[:-1]:
        bitstream.decode(Path(job.output).read_bytes())
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(
        [NAME, *names, "broken.png", *(name.replace(".png", ".splat2d") for name in names)]
    )


@pytest.mark.slow
def test_the_command_works_on_a_cluster(cluster: Any, tmp_path: Path) -> None:
    make_pictures(tmp_path, "in/a.png")
    arguments = ["batch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--dask", cluster.scheduler_address]
    result = CliRunner().invoke(main, [*arguments, *FAST])
    assert result.exit_code == 0, result.output
    assert bitstream.read_header((tmp_path / "out" / "a.splat2d").read_bytes()).count == 5


def test_no_scheduler_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("splatc.batch.cluster.TIMEOUT", "0.2s")
    with pytest.raises(ClusterError, match="no Dask scheduler answers at tcp"):
        next(run_on_cluster([Job("a.png", "a.splat2d")], "tcp://127.0.0.1:1"))
    with pytest.raises(UsageError, match="expected tcp://host:8786"):
        next(run_on_cluster([Job("a.png", "a.splat2d")], "nowhere::"))
