"""Lip-sync files: Rhubarb's three formats and TextGrids; what is wrong is named with its line."""

import json
from itertools import pairwise

import pytest

from ml.errors import HeadError
from ml.speech import read
from ml.speech.read import read_speech

TSV = "0.00\tX\n0.10\tA\n0.25\tD\n0.60\tB\n0.80\tX\n1.00\tX\n"
CUES = [(0.0, 0.1, "X"), (0.1, 0.25, "A"), (0.25, 0.6, "D"), (0.6, 0.8, "B"), (0.8, 1.0, "X")]
SAID = ["silence", "p", "aa", "s", "silence"]


def as_json():
    cues = [dict(zip(("start", "end", "value"), cue, strict=True)) for cue in CUES]
    return json.dumps({"metadata": {"soundFile": "a.wav", "duration": 1.0}, "mouthCues": cues})


def as_xml():
    lines = "".join(f'<mouthCue start="{a}" end="{b}">{v}</mouthCue>\n' for a, b, v in CUES)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<rhubarbResult><metadata><soundFile>a.wav'
        f"</soundFile></metadata><mouthCues>\n{lines}</mouthCues></rhubarbResult>\n"
    )


def textgrid(tiers, short=False):
    """A TextGrid of interval tiers, name and (start, end, label) each."""
    end = max(rows[-1][1] for _, rows in tiers)
    head = f'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = {end}\n'
    text = head + f"tiers? <exists>\nsize = {len(tiers)}\nitem []:\n"
    for number, (name, rows) in enumerate(tiers, start=1):
        text += f'    item [{number}]:\n        class = "IntervalTier"\n        name = "{name}"\n'
        text += f"        xmin = 0\n        xmax = {end}\n        intervals: size = {len(rows)}\n"
        for count, (start, stop, label) in enumerate(rows, start=1):
            text += f"        intervals [{count}]:\n            xmin = {start}\n"
            text += f'            xmax = {stop}\n            text = "{label}"\n'
    if not short:
        return text
    kept = [line.split("=")[-1].strip() for line in text.splitlines() if "=" in line]
    kept = [f"File type = {kept[0]}", f"Object class = {kept[1]}", "", *kept[2:]]
    return "\n".join([*kept[:5], "<exists>", *kept[5:]]) + "\n"


PHONES = [(0.0, 0.1, ""), (0.1, 0.2, "B"), (0.2, 0.45, "AY1"), (0.45, 0.6, "spn")]
WORDS = [(0.0, 0.1, ""), (0.1, 0.45, 'say ""buy""'), (0.45, 0.6, "")]


@pytest.mark.parametrize(
    ("name", "text"), [("a.tsv", TSV), ("a.JSON", as_json()), ("a.xml", as_xml()), ("a.txt", TSV)]
)
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_rhubarbs_formats_say_the_same(tmp_path, name, text, ending):
    path = tmp_path / name
    path.write_bytes(text.replace("\n", ending).encode())
    cues = read_speech(path).cues
    assert [cue.sound for cue in cues] == SAID
    assert [(cue.start, cue.end) for cue in cues] == [(start, end) for start, end, _ in CUES]


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_textgrids_long_and_short_in_the_encodings_of_praat(tmp_path, short, encoding):
    path = tmp_path / "a.TextGrid"
    path.write_bytes(textgrid([("words", WORDS), ("phones", PHONES)], short).encode(encoding))
    speech = read_speech(path)
    assert [tuple(cue) for cue in speech.cues] == [
        (0.0, 0.1, "silence"),
        (0.1, 0.2, "p"),
        (0.2, 0.45, "ay"),
        (0.45, 0.6, "silence"),
    ]
    assert speech.unknown == ()


def test_a_tier_can_be_chosen_and_must_be_where_there_are_several(tmp_path):
    path = tmp_path / "two.TextGrid"
    other = [(0.0, 0.6, "UW1")]
    path.write_text(textgrid([("Ada - phones", PHONES), ("Bob - phones", other)]))
    with pytest.raises(HeadError, match=r"several tiers.*'Ada - phones', 'Bob - phones'"):
        read_speech(path)
    assert [cue.sound for cue in read_speech(path, "Bob - phones").cues] == ["uw"]
    with pytest.raises(HeadError, match=r"no tier 'Eve'.*'Ada - phones'"):
        read_speech(path, "Eve")
    path.write_text(textgrid([("words", WORDS)]))
    with pytest.raises(HeadError, match=r"no tier of phones.*'words'"):
        read_speech(path)


def test_unknown_phones_are_named_and_leave_a_gap(tmp_path):
    path = tmp_path / "a.TextGrid"
    path.write_text(
        textgrid([("phones", [(0, 0.2, "p"), (0.2, 0.4, "☃"), (0.4, 0.5, "p")])]), "utf-8"
    )
    speech = read_speech(path)
    assert speech.unknown == ("☃",)
    assert [cue.sound for cue in speech.cues] == ["p", "p"]


GRID = textgrid([("phones", PHONES)])
BAD = [
    ("a.tsv", b"0.0\tX\r0.1 A\r", r"a\.tsv, line 2: a line needs a time, a tab"),
    ("a.wav", b"RIFF", r"a\.wav is no file of lip sync"),
    ("a.tsv", b"", "no sounds in it"),
    ("a.tsv", b"0.0\tX\n0.1 A\n", r"a\.tsv, line 2: a line needs a time, a tab"),
    ("a.tsv", b"0.0\tX\nsoon\tA\n", r"line 2: 'soon' is no time"),
    ("a.tsv", b"0.0\tX\n0.1\tQ\n0.2\tX\n", r"line 2: there is no mouth shape 'Q'.*A, B, C"),
    ("a.tsv", b"0.2\tX\n0.1\tA\n0.3\tX\n", r"line 1: a sound ends at 0\.1 s, before it starts"),
    ("a.tsv", b"0.0\tX\nnan\tA\n0.3\tX\n", r"line 1: times must be seconds"),
    ("a.tsv", b"0.0\tX\n1e9\tA\n", r"line 1: times must be seconds"),
    ("a.tsv", b"-1\tX\n1\tA\n", r"line 1: times must be seconds"),
    ("a.tsv", b"0.0\tX\n\xff\xfa\tA\n", r"line 2: this is no text in UTF-8"),
    ("a.json", b'{"mouthCues": [\n', r"a\.json, line 2: this is no JSON"),
    ("a.json", b"[" * 100_000, r"nested too deep"),
    ("a.json", b'{"cues": []}', r'line 1: there is no list "mouthCues"'),
    ("a.json", b'{"mouthCues": []}', "no sounds in it"),
    (
        "a.json",
        b'{"metadata": {},\n"mouthCues": [\n{"start": 0, "end": 1, "value": "X"},\n{"start": 1}]}',
        r"line 4: a mouth cue needs start, end and value",
    ),
    (
        "a.json",
        b'{"mouthCues": [\n{"start": null, "end": 1, "value": "X"}]}',
        r"line 2: 'None' is no time",
    ),
    ("a.xml", b"<rhubarbResult>\n<mouthCues>\n</rhubarbResult>", r"a\.xml, line 3: this is no XML"),
    ("a.xml", b'<a>\n<mouthCue start="0">X</mouthCue></a>', r"line 2: 'nothing' is no time"),
    ("a.TextGrid", b"hello", r"a\.TextGrid, line 1: the file ends where a text is needed"),
    ("a.TextGrid", b'"ooTextFile" "Pitch 1"', r"line 1: this is no TextGrid of Praat"),
    ("a.TextGrid", GRID[: GRID.rindex('"')].encode(), r"line 30: a text in quotes does not end"),
    ("a.TextGrid", GRID[: GRID.rindex("text")].encode(), r"the file ends where a text is needed"),
    ("a.TextGrid", GRID.replace("0.45", "0.15").encode(), r"line \d+: a sound ends at 0\.15 s"),
    (
        "a.TextGrid",
        GRID.replace("= 0.1\n", "= 0.3\n", 1).encode(),
        r"line 20: a sound starts at 0\.1",
    ),
    (
        "a.TextGrid",
        GRID.replace("size = 4", "size = 1e9").encode(),
        r"line \d+: 1e\+09 is no number",
    ),
]


@pytest.mark.parametrize(("name", "raw", "words"), BAD, ids=range(len(BAD)))
def test_what_is_wrong_is_named_with_its_line_and_a_remedy(tmp_path, name, raw, words):
    path = tmp_path / name
    path.write_bytes(raw)
    with pytest.raises(HeadError, match=words) as caught:
        read_speech(path)
    assert str(path) in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE r [<!ENTITY a "X">]>',
        '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE r SYSTEM "http://localhost/r.dtd">',
    ],
)
def test_xml_with_a_doctype_is_refused_before_any_entity_is_read(tmp_path, declared):
    path = tmp_path / "a.xml"
    path.write_text(
        f'<?xml version="1.0"?>\n{declared}\n<r><mouthCue start="0" end="1">&a;</mouthCue></r>'
    )
    with pytest.raises(HeadError, match="line 2: a DOCTYPE is not allowed"):
        read_speech(path)


def test_sizes_are_bounded(tmp_path, monkeypatch):
    path = tmp_path / "a.tsv"
    path.write_text(TSV)
    monkeypatch.setattr(read, "MOST_ROWS", 4)
    with pytest.raises(HeadError, match="line 5: there are more than 4 sounds"):
        read_speech(path)
    monkeypatch.setattr(read, "MOST_BYTES", 10)
    with pytest.raises(HeadError, match="larger than 0 MB"):
        read_speech(path)


def test_rounded_times_may_overlap_a_little(tmp_path):
    path = tmp_path / "a.TextGrid"
    rows = [(0.0, 0.101, "p"), (0.1, 0.2, "AA1"), (0.2, 0.2, "t"), (0.2, 0.3, "p")]
    path.write_text(textgrid([("phones", rows)]))
    cues = read_speech(path).cues
    assert [cue.sound for cue in cues] == ["p", "aa", "p"]
    assert all(one.end <= other.start for one, other in pairwise(cues))


def test_short_files_of_older_versions_of_praat_are_read(tmp_path):
    new, old = tmp_path / "new.TextGrid", tmp_path / "old.TextGrid"
    new.write_text(text := textgrid([("phones", PHONES)], short=True))
    first, second, rest = text.split("\n", 2)
    assert (first, second) == ('File type = "ooTextFile"', 'Object class = "TextGrid"')
    old.write_text(f'File type = "ooTextFile short"\n"TextGrid"\n{rest}')
    assert read_speech(old) == read_speech(new)
