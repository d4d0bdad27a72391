"""Making a cache entry: killed, interrupted, out of room, and two processes at once."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from hpo.data.building import SetWriter
from hpo.errors import StorageError
from tests.hpo.data.building_process import start, wait_until
from tests.hpo.data.helpers import load, write_pictures, write_truncated


def parts(cache: Path) -> list[Path]:
    return list((cache / "sets").glob("*.part"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Grey, then unreadable, then coloured: all that a journal has to remember."""
    write_pictures(tmp_path / "photos", 30)
    for index in range(10):
        path = tmp_path / "photos" / f"{index:03}.png"
        with Image.open(path) as image:
            image.convert("L").save(path)
    write_truncated(tmp_path / "photos" / "003.png")
    write_truncated(tmp_path / "photos" / "015.png")
    return tmp_path / "photos"


def test_a_killed_process_is_taken_up_where_it_was(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpo.data.file_index.SETTLED_SECONDS", 0.0)
    cache, log = tmp_path / "cache", tmp_path / "log"
    # Killed while all were grey, once one was coloured, and after the second unreadable file.
    for die_at, done in ((30 + 5, 5), (7, 12), (8, 20)):
        process = start(photos, cache, log, die_at=die_at)
        process.join(timeout=120)
        assert process.exitcode == -signal.SIGKILL
        assert log.read_text().splitlines()[-1] == f"{done} of 30"
        assert len(parts(cache)) == 1
    calls: list[Any] = []
    data = load(
        photos,
        cache_dir=cache,
        cache_gib=1.0,
        max_unreadable_share=0.5,
        progress=lambda *call: calls.append(call),
    )
    assert calls == [(n, 30) for n in range(21, 31)]
    plain = load(photos, max_unreadable_share=0.5)
    assert torch.equal(data.tensor(), plain.tensor())
    assert (data.fingerprint, data.skipped) == (plain.fingerprint, plain.skipped)
    assert parts(cache) == []


def test_an_interruption_keeps_what_is_done(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hpo.data.file_index.SETTLED_SECONDS", 0.0)
    monkeypatch.setattr("hpo.data.building.SAVE_EVERY_SECONDS", 0.0)
    options = {"cache_dir": tmp_path / "cache", "cache_gib": 1.0, "max_unreadable_share": 0.5}
    calls: list[Any] = []

    def interrupt(done: int, total: int) -> None:
        calls.append(done)
        if len(calls) == 30 + 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(photos, progress=interrupt, **options)
    calls.clear()
    load(photos, progress=interrupt, **options)
    assert calls[0] == 8


def test_a_second_process_waits_and_then_reads(photos: Path, tmp_path: Path) -> None:
    cache, go = tmp_path / "cache", tmp_path / "go"
    logs = tmp_path / "first", tmp_path / "second"
    first = start(photos, cache, logs[0], die_at=30 + 10, wait_for=go)
    wait_until("30 of 30\n1 of 30", logs[0])
    second = start(photos, cache, logs[1])
    wait_until("waiting for it", logs[1])
    go.touch()
    for process in (first, second):
        process.join(timeout=120)
        assert process.exitcode == 0
    one, two = (log.read_text().splitlines() for log in logs)
    assert one[-1] == two[-1]
    assert len(one[-1]) == 64
    note = next(index for index, line in enumerate(two) if "waiting for it" in line)
    assert set(two[note + 1 : -1]) <= {"0 of 30"}, "it decoded what the first had decoded"


def test_a_journal_that_promises_more_than_there_is_starts_anew(tmp_path: Path) -> None:
    pixels = load("digits", image_size=8, max_images=6).tensor().numpy()
    folder = tmp_path / "set.part"
    with SetWriter(folder, 8) as writer:
        for image in pixels:
            writer.add(image)
        writer.leave_out("broken")
        writer.save()
    with SetWriter(folder, 8) as writer:
        assert (writer.n_done, writer.n_kept, writer.unreadable) == (7, 6, [(6, "broken")])
    with (folder / "journal.jsonl").open("a") as journal:
        journal.write('{"n_done": 9, "chan')  # cut short by a kill
    with SetWriter(folder, 8) as writer:
        assert writer.n_done == 7
        writer.add(pixels[0])
        writer.save()
        writer.add(pixels[1])  # written, not saved: no longer there for the next
    with SetWriter(folder, 8) as writer:
        assert writer.n_done == 8
        assert (folder / "pixels-1.u8").stat().st_size == 7 * 64
    os.truncate(folder / "pixels-1.u8", 100)
    with SetWriter(folder, 8) as writer:
        assert (writer.n_done, writer.unreadable, writer.shape) == (0, [], (0, 1, 8, 8))


def test_what_cannot_be_written_is_an_error_that_names_the_options(
    photos: Path, tmp_path: Path
) -> None:
    cache, log = tmp_path / "cache", tmp_path / "log"
    load(photos, cache_dir=cache, cache_gib=1.0, image_size=4, max_unreadable_share=0.5)
    process = start(photos, cache, log, file_limit=20_000)
    process.join(timeout=120)
    error = log.read_text().splitlines()[-1]
    assert error.startswith("StorageError: The image cache in")
    assert "File too large" in error
    for option in ("--cache-dir", "--cache-gib", "--image-size", "--max-images"):
        assert option in error
    left = [path for path in (cache / "sets").iterdir() if path.is_dir()]
    assert len(left) == 1, "something half-written was left"


def test_a_disk_without_room_is_refused_before_decoding(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    usage = type("Usage", (), {"free": 20_000})
    monkeypatch.setattr("hpo.data.eviction.shutil.disk_usage", lambda folder: usage)
    with pytest.raises(StorageError) as caught:
        load(
            photos,
            cache_dir=tmp_path / "cache",
            cache_gib=1.0,
            progress=lambda *call: calls.append(call),
        )
    for option in ("--cache-dir", "--cache-gib", "--image-size", "--max-images"):
        assert option in str(caught.value)
    assert len(calls) == 30
