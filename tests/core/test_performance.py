"""Performances: what is written comes back, known layouts are known, bad files are named."""

import csv
import re
from codecs import BOM_UTF16_BE
from dataclasses import replace

import numpy as np
import pytest

from ml.errors import PerformanceUnreadable
from ml.geometry.rotations import (
    angles_from_rotations,
    rotation_from_vector,
    rotations_from_angles,
)
from ml.head.arkit import EXPRESSION_NAMES
from ml.performance import performance as performances
from ml.performance import read, table
from ml.performance.columns import Layout
from ml.performance.performance import Performance, resampled
from ml.performance.read import Units, read_performance
from ml.performance.timecode import parts_of, seconds_of, timecode
from ml.performance.write import write_performance

TURNS = ("HeadYaw", "HeadPitch", "HeadRoll")
TURNS += tuple(f"{side}Eye{way}" for side in ("Left", "Right") for way in ("Yaw", "Pitch", "Roll"))


def capitals(name):
    return name[0].upper() + name[1:]


def performed(frames=150, rate=60.0, start=50_632.5):
    """Two and a half seconds of everything at once."""
    generator = np.random.default_rng(3)
    return Performance(
        times=np.arange(frames) / rate,
        values=generator.uniform(0, 1, (frames, 52)),
        head=generator.uniform(-1, 1, (frames, 3)),
        eyes=generator.uniform(-0.5, 0.5, (frames, 2, 3)),
        rate=rate,
        start=start,
    )


def live_link(path, rows, names=EXPRESSION_NAMES, turns=TURNS):
    """A table as Live Link Face writes it; rows: by timecode, what is not 0 in it by column."""
    columns = [*(capitals(name) for name in names), *turns]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Timecode", "BlendShapeCount", *columns])
        for code, given in rows.items():
            writer.writerow([code, 61, *(given.get(column, 0) for column in columns)])
    return path


def largest(one, other):
    return float(np.abs(one - other).max())


@pytest.mark.parametrize("layout", Layout)
def test_what_is_written_comes_back(tmp_path, layout):
    before = performed()
    write_performance(before, tmp_path / "take.csv", layout)
    after = read_performance(tmp_path / "take.csv")
    assert largest(after.values, before.values) < 1e-8
    assert largest(after.head, before.head) < 1e-8
    assert largest(after.eyes, before.eyes) < 1e-8
    assert largest(after.times, before.times) < 1e-8
    assert (after.rate, after.lost) == (60.0, 0)
    assert after.start == pytest.approx(before.start, abs=1e-4)


@pytest.mark.parametrize("layout", Layout)
def test_a_face_nearly_at_rest_keeps_its_scale(tmp_path, layout):
    before = performed()
    quiet = Performance(before.times, before.values * 0.003, None, None, 60.0)
    write_performance(quiet, tmp_path / "take.csv", layout)
    after = read_performance(tmp_path / "take.csv")
    assert largest(after.values, quiet.values) < 1e-8
    assert largest(after.head, 0) == largest(after.eyes, 0) == 0


def test_live_link_faces_angles_have_its_signs_and_unit(tmp_path):
    said = {"HeadYaw": 0.1, "HeadPitch": 0.2, "HeadRoll": 0.3}
    said |= {"LeftEyeYaw": 0.4, "LeftEyePitch": 0.5, "RightEyeYaw": 0.6, "RightEyePitch": 0.7}
    path = live_link(tmp_path / "a.csv", {"01:00:00:00.000": said, "01:00:00:01.000": said})
    found = read_performance(path)
    assert found.head[0] == pytest.approx([-0.2, -0.1, -0.3])
    assert found.eyes[0] == pytest.approx(np.array([[0.5, 0.4, 0], [0.7, 0.6, 0]]))
    degrees = {name: angle * 180 / np.pi for name, angle in said.items()}
    path = live_link(tmp_path / "b.csv", {"01:00:00:00.000": degrees, "01:00:00:01.000": degrees})
    assert largest(read_performance(path).head, found.head) < 1e-9  # more than a whole turn else
    turned = read_performance(path, Units(degrees=False)).head[0]
    assert turned == pytest.approx(
        [-degrees[name] for name in ("HeadPitch", "HeadYaw", "HeadRoll")]
    )


def test_a_line_of_ifacialmocaps_stream(tmp_path):
    """The face of the vendor's own sample looks down, and with its left eye inward: right."""
    with_letters = [
        re.sub("(Left|Right)$", lambda side: f"_{side[1][0]}", name)
        if name not in ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
        else name
        for name in EXPRESSION_NAMES
    ]
    for number, mark in enumerate("-&"):
        entries = "|".join(f"{name}{mark}{n}" for n, name in enumerate(with_letters))
        turns = "=head#-21.5,-6,-6.6,-0.03,-0.1,-0.66|rightEye#6,2.4,0.3|leftEye#6,-1.7,-0.2|"
        line = f"{entries}|{turns}"
        path = tmp_path / f"{number}.txt"
        path.write_text(f"{line}\n{line}\n")
        found = read_performance(path)
        assert found.values[1] == pytest.approx(np.arange(52) / 100)
        assert np.degrees(found.head[0]) == pytest.approx([-21.5, -6, -6.6])
        assert np.degrees(found.eyes[1]) == pytest.approx(
            np.array([[6, -1.7, -0.2], [6, 2.4, 0.3]])
        )
        assert found.times == pytest.approx([0, 1 / 60])


def plain(path, header, rows, delimiter=","):
    path.write_text("\n".join(delimiter.join(map(str, row)) for row in [header, *rows]) + "\n")
    return path


def test_a_peers_table_of_milliseconds_and_per_cent(tmp_path):
    """As Rokoko Studio counts, with columns in another order and some of its own."""
    names = [name for name in reversed(EXPRESSION_NAMES) if name != "tongueOut"]
    rows = [[n, *(range(51)), n * 33, "seen"] for n in range(4)]
    found = read_performance(
        plain(tmp_path / "a.csv", ["frame", *names, "timestamp", "note"], rows)
    )
    assert found.values[0, EXPRESSION_NAMES.index(names[7])] == pytest.approx(0.07)
    assert found.values[0, EXPRESSION_NAMES.index("tongueOut")] == 0
    assert found.times == pytest.approx([0, 0.033, 0.066, 0.099])
    assert (found.head, found.eyes, found.start) == (None, None, None)
    assert read_performance(tmp_path / "a.csv", Units(full=50)).values.max() == pytest.approx(1)


def test_semicolons_decimal_commas_marks_and_line_ends_of_spreadsheets(tmp_path):
    path = plain(
        tmp_path / "a.csv", ["frame", *EXPRESSION_NAMES], [[n, *["0,25"] * 52] for n in (5, 6)], ";"
    )
    text = path.read_text()
    for encoding, mark in (("utf-8-sig", b""), ("utf-16", b""), ("utf-16-be", BOM_UTF16_BE)):
        path.write_bytes(mark + text.replace("\n", "\r\n").encode(encoding))
        found = read_performance(path, Units(rate=25))
        assert found.values == pytest.approx(np.full((2, 52), 0.25))
        assert (found.rate, list(found.times)) == (25, [0, 0.04])


def test_rows_without_a_face_are_left_out(tmp_path):
    rows = {f"01:00:0{n // 30}:{n % 30:02d}.000": {"JawOpen": n / 100} for n in range(45)}
    path = live_link(tmp_path / "a.csv", rows)
    lines = path.read_text().splitlines()
    lines[3] = f"{lines[3].split(',')[0]},0"
    lines[4] = f"{lines[4].split(',')[0]},0" + "," * 61
    path.write_text("\n".join([*lines, ""]))
    found = read_performance(path)
    assert (found.lost, len(found.times), found.rate) == (2, 43, 30)
    jaw = resampled(found, 60).values[:, EXPRESSION_NAMES.index("jawOpen")]
    assert jaw == pytest.approx(np.arange(89) / 200)  # the gap, too


@pytest.mark.parametrize(
    ("first", "last", "rate", "seconds"),
    [
        ("00:00:00:00", "00:00:01:00", 60, 1),
        ("10:00:59:59.500", "10:01:00:00.500", 60, 1 / 60),
        ("23:59:59:24", "00:00:00:00", 25, 0.04),
        ("00:00:59;29", "00:01:00;02", 30000 / 1001, 1001 / 30000),
        ("00:09:59;29", "00:10:00;00", 30000 / 1001, 1001 / 30000),
    ],
)
def test_timecodes(first, last, rate, seconds):
    found = seconds_of([parts_of(first), parts_of(last)], rate)
    assert found[1] - found[0] == pytest.approx(seconds)


@pytest.mark.parametrize("rate", [30000 / 1001, 60000 / 1001])
def test_dropped_frames_are_counted_back_and_forth(rate):
    nominal = round(rate)
    seen = set()
    for frame in [*range(0, 40 * 60 * nominal, 7), 24 * 3600 * nominal * 999 // 1000 - 1]:
        code = timecode(frame / rate, rate, drops=True)
        assert seconds_of([parts_of(code)], rate)[0] * rate == pytest.approx(frame, abs=1e-6)
        seen.add(code)
    # SMPTE 12M: each minute but every tenth begins with the second number, or the fourth.
    left_out = rf":\d[1-9]:00;0[0-{nominal // 15 - 1}]\."
    assert not [code for code in seen if re.search(left_out, code)]
    assert timecode(3600.0, 25.0, drops=True) == "01:00:00:00.000"


@pytest.mark.parametrize("drops", [False, True])
@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("frames", [1, 20, 100])
@pytest.mark.parametrize("rate", [24000 / 1001, 30000 / 1001, 60000 / 1001, 24, 25, 12])
def test_times_survive_at_every_rate(tmp_path, rate, frames, layout, drops):
    before = replace(performed(frames, float(rate), 36_000.0), drops=drops)
    write_performance(before, tmp_path / "a.csv", layout)
    found = read_performance(tmp_path / "a.csv")
    np.testing.assert_allclose(found.times, before.times, atol=2e-5)
    assert found.start == pytest.approx(before.start, abs=1e-3 if frames > 1 else 40)
    assert frames == 1 or found.rate == pytest.approx(rate, rel=1e-6)


def test_a_timecode_is_written_as_it_was_read():
    for rate, code in ((60, "14:03:52:28.207"), (24, "00:00:00:23.000"), (25, "23:59:59:24.999")):
        assert timecode(float(seconds_of([parts_of(code)], rate)[0]), rate) == code
    assert timecode(1 - 1e-9, 24) == "00:00:01:00.000"
    assert parts_of("1.5") is None


@pytest.mark.parametrize("rate", [24, 25, 30, 50, 60])
def test_the_rate_shows_where_a_second_passes(tmp_path, rate):
    before = performed(rate + 2, float(rate), 7.0)
    write_performance(before, tmp_path / "a.csv", Layout.LIVE_LINK)
    found = read_performance(tmp_path / "a.csv")
    assert (found.rate, found.start) == (rate, 7.0)
    assert largest(found.times, before.times) < 1e-9


def test_resampling_interpolates_and_takes_the_short_way_round():
    times, values = np.array([0.0, 0.5, 1.0]), np.zeros((3, 52))
    values[:, 4] = (0, 1, 0)
    head = np.array([[0, 3.0, 0], [0, -3.0, 0], [0, -3.0, 0]])
    found = resampled(Performance(times, values, head, None, 2.0, start=10.0), 8.0)
    assert found.values[:, 4] == pytest.approx([0, 0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25, 0])
    assert found.head[2, 1] == pytest.approx(np.pi)
    assert (found.start, found.rate, found.eyes) == (10.0, 8.0, None)
    with pytest.raises(PerformanceUnreadable, match="lasts 10 hours"):
        resampled(Performance(times * 36_000, values, None, None, 2.0), 60.0)


def seconds_of_day(number):
    return f"09:59:{59 + number / 25:06.3f}" if number < 25 else f"10:00:{number / 25 - 1:06.3f}"


@pytest.mark.parametrize(
    ("name", "time"),
    [
        ("time_s", lambda number: f"{number / 25:.3f}"),
        ("Time [ms]", lambda number: f"{number * 40}"),
        ("Frame number", str),
        ("time", seconds_of_day),
        ("timestamp", lambda number: f"2024-05-01T{seconds_of_day(number)}Z"),
    ],
)
def test_times_are_known_by_other_names_and_notations(tmp_path, name, time):
    values = performed(60).values
    path = tmp_path / "a.csv"
    lines = [",".join([name, *(f"blendShapes.{one}" for one in EXPRESSION_NAMES)])]
    lines += [",".join([time(k), *map(str, row)]) for k, row in enumerate(values.tolist())]
    path.write_text("\n".join(lines))
    found = read_performance(path, Units(rate=25.0 if name == "Frame number" else None))
    assert found.rate == 25.0
    np.testing.assert_allclose(found.times, np.arange(60) / 25, atol=1e-6)
    np.testing.assert_array_equal(found.values, values)


@pytest.mark.parametrize("rate", [60.0, 60000 / 1001])
def test_rounded_times_tell_slow_rates_from_whole_ones(tmp_path, rate):
    rows = [f"{k / rate:.3f}" + ",0.25" * 52 for k in range(240) if not 100 < k < 130]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([",".join(["timestamp", *EXPRESSION_NAMES]), *rows]))
    assert read_performance(path).rate == pytest.approx(rate, rel=1e-9)


@pytest.mark.parametrize("before", ["sep=;", "# Studio 1.2\n\n// take 7"])
@pytest.mark.parametrize("nothing", ["", "NaN", "null"])
def test_spreadsheets_with_lines_before_and_rows_of_nothing(tmp_path, before, nothing):
    values = performed(40).values
    rows = [[f"{100 * value:.9f}%".replace(".", ",") for value in row] for row in values.tolist()]
    rows[7] = [nothing] * 52
    lines = [before, ";".join(EXPRESSION_NAMES), *map(";".join, rows)]
    (tmp_path / "a.csv").write_text("\r\n".join(lines), encoding="utf-16")
    found = read_performance(tmp_path / "a.csv")
    assert found.lost == (nothing != "")  # a row of blanks is no row
    assert largest(found.values, np.delete(values, 7, 0)) < 1e-9


def changed(path, old, new, count=1):
    path.write_text(path.read_text().replace(old, new, count))


def no_file(path):
    path.unlink()


def cut_column(path):
    lines = [line.split(",") for line in path.read_text().splitlines()]
    at = lines[0].index("MouthFunnel")
    path.write_text("\n".join(",".join(line[:at] + line[at + 1 :]) for line in lines))


BROKEN = {
    "no file": (no_file, r"There is no file .*take\.csv\. Choose"),
    "empty": (lambda path: path.write_text(""), r"take\.csv is empty\. Choose"),
    "blank": (lambda path: path.write_text("\n \n"), r"take\.csv is empty\. Choose"),
    "header alone": (
        lambda path: path.write_text(path.read_text().splitlines()[0]),
        r"take\.csv has no row with a face",
    ),
    "a word": (
        lambda path: changed(path, "0.111", "loud"),
        r"Row 3 of .*take\.csv, column JawOpen, says 'loud' and not a number\. Correct",
    ),
    "nan": (lambda path: changed(path, "0.111", "nan"), r"Row 3 .* says 'nan' and not a number"),
    "another number": (lambda path: changed(path, "0.111", "1_0"), r"Row 3 .* says '1_0' and"),
    "infinite": (lambda path: changed(path, "0.111", "-1e999"), r"Row 3 .* '-1e999' and not"),
    "no cell": (lambda path: changed(path, "0.111", ""), r"Row 3 .* column JawOpen, is empty"),
    "huge": (lambda path: changed(path, "0.111", "1e30"), r"Row 3 .*(1e\+30|1e30|jawOpen)"),
    "decimal comma": (
        lambda path: changed(path, "0.111", "0,111"),
        r"Row 3 of .*take\.csv has 64 cells, but there are 63 columns\. Numbers need a decimal",
    ),
    "short row": (
        lambda path: path.write_text(path.read_text()[:-40]),
        r"Row 4 of .*take\.csv, column \w+, (is empty|says)",
    ),
    "no timecode": (lambda path: changed(path, "00:02", "later"), r"Row 4 .* has no timecode such"),
    "backward": (lambda path: changed(path, "00:02", "00:00"), r"The time in row 4 of .*take"),
    "another table": (
        lambda path: path.write_text("name,age\nAda,36\n"),
        r"take\.csv lacks columns .*: browDownLeft, .* and 47 more\. Record",
    ),
    "a column less": (cut_column, r"take\.csv lacks columns .*: mouthFunnel\. "),
    "a column twice": (
        lambda path: changed(path, "MouthFunnel", "JawOpen"),
        r"take\.csv has two columns JawOpen \(row 1\)\. Delete",
    ),
    "another delimiter": (
        lambda path: path.write_text(path.read_text().replace(",", "^")),
        r"take\.csv lacks columns .* separated by commas",
    ),
    "a picture": (
        lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
        r"take\.csv is not a (text file|table)",
    ),
    "zeros": (lambda path: path.write_bytes(bytes(5000)), r"take\.csv is not a table"),
    "one long line": (lambda path: path.write_text("a," * 50_000), r"take\.csv is not a table"),
    "many columns": (lambda path: path.write_text("a," * 2000), r"2,001 columns"),
    "open quotes": (lambda path: path.write_text('"a,b\n1,2\n'), r"take\.csv is not a CSV file"),
}


@pytest.fixture
def take(tmp_path):
    rows = {f"01:00:00:0{n}.000": {"JawOpen": f"0.11{n}"} for n in range(3)}
    return live_link(tmp_path / "take.csv", rows)


@pytest.mark.parametrize("name", BROKEN)
def test_a_bad_file_is_named_with_row_and_remedy(take, name):
    assert len(read_performance(take).times) == 3
    spoil, words = BROKEN[name]
    spoil(take)
    with pytest.raises(PerformanceUnreadable, match=words) as caught:
        read_performance(take)
    assert caught.value.hint


def test_sizes_are_bounded(take, monkeypatch):
    monkeypatch.setattr(read, "MOST_FRAMES", 2)
    with pytest.raises(PerformanceUnreadable, match=r"take\.csv has more than 2 rows"):
        read_performance(take)
    monkeypatch.setattr(table, "LARGEST_BYTES", 1 << 20)
    with take.open("a") as file:
        file.write("\n" * (1 << 20))
    with pytest.raises(PerformanceUnreadable, match=r"take\.csv has 1 MB; at most 1 are read"):
        read_performance(take)
    assert performances.MOST_FRAMES >= 10 * 3600 * 24


def test_a_bad_entry_of_the_stream_is_named(tmp_path):
    line = "|".join(f"{name}-1" for name in EXPRESSION_NAMES) + "|=head#1,2,3,4,5,6|"
    path = tmp_path / "a.txt"
    path.write_text(f"{line}\n{line}jawOpen?|\n")
    with pytest.raises(PerformanceUnreadable, match=r"Row 2 of .*a\.txt has the entry 'jawOpen\?'"):
        read_performance(path)
    path.write_text(f"{line}\n{line}extra-1|\n")
    with pytest.raises(PerformanceUnreadable, match=r"Row 2 of .*a\.txt has other entries"):
        read_performance(path)


def test_angles_and_rotations():
    """Pitch, yaw and roll about the left, the upright and the forward axis, roll first."""
    angles = np.random.default_rng(0).uniform(-1.5, 1.5, (50, 3))
    rotations = rotations_from_angles(angles)
    for (x, y, z), rotation in zip(angles, rotations, strict=True):
        axes = np.eye(3)
        wanted = rotation_from_vector(y * axes[1]) @ rotation_from_vector(x * axes[0])
        assert largest(wanted @ rotation_from_vector(z * axes[2]), rotation) < 1e-12
    assert largest(angles_from_rotations(rotations), angles) < 1e-9
