"""WAV, MP3, spectrum and description of a recording: opened by other programs, compared with the original."""

import json
import struct
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converters.acoustics.audio import loudness_of
from converters.acoustics.picture import spectrum_figure
from converters.acoustics.records import SAMPLE_RATE, iso, origin_of, read_recording
from converters.acoustics.spectrum import PER_RECORD, SEGMENT, segment_densities, spectrum_of

Cli = Callable[..., object]
STEM = "DOM_808956920_CH1_1608751683"
FRAME = 123260


def convert(cli: Cli, source: Path, to: str, *more: object) -> Path:
    out = source.parent / "out"
    ran = cli("convert", source, "-o", out, "--to", to, *more)
    assert ran.code == 0, ran.err  # type: ignore[attr-defined]
    suffix = {"psd": ".psd.json"}.get(to, f".{to}")
    return out / (source.stem + suffix)


def samples_of(source: Path) -> np.ndarray:
    records = np.fromfile(source, dtype=[("head", "<u4", 3), ("samples", "<f4", FRAME)])
    return records["samples"].ravel().astype(float)


def meta(product: Path) -> dict[str, object]:
    return json.loads(product.with_name(product.name + ".meta.json").read_text())


def test_the_real_recording(recording: Path) -> None:
    found = read_recording(recording)
    assert (found.origin.dom_id, found.origin.channel, found.origin.file_time) == (808956920, 1, 1608751683)
    assert [iso(record.start_ns) for record in found.records] == [
        "2020-12-23T19:27:59.755456000Z",
        "2020-12-23T19:28:00.386547200Z",
    ]
    assert found.gaps == ()
    assert sum(record.off_grid + record.too_large for record in found.records) == 0
    assert next(found.frames())[0] == np.float32(0.00315880775)


@pytest.mark.parametrize("name", ["x.bin", "DOM_1_CH1_1.bin", "DOM_a_CH1_1608751683.bin", "DOM_1_CH1_1608751683.wav"])
def test_names_that_say_nothing(name: str) -> None:
    assert origin_of(name).dom_id is None


def test_wav_holds_every_sample(cli: Cli, recording: Path) -> None:
    product = convert(cli, recording, "wav")
    with wave.open(str(product), "rb") as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 3, 195312)
        raw = np.frombuffer(sound.readframes(sound.getnframes()), dtype=np.uint8).reshape(-1, 3)
    steps = (raw.astype(np.int32) << np.array([8, 16, 24], dtype=np.int32)).sum(axis=1, dtype=np.int32) >> 8
    assert np.array_equal(steps / 2**23, samples_of(recording))
    said = meta(product)["content"]
    assert said["sample_rate_hz"] == 195312.5
    assert said["segments"] == [{"first_sample": 0, "samples": 2 * FRAME, "start": "2020-12-23T19:27:59.755456000Z"}]
    assert said["rounded_samples"] == 0


def test_scipy_reads_the_wav(cli: Cli, recording: Path) -> None:
    wavfile = pytest.importorskip("scipy.io.wavfile")
    rate, steps = wavfile.read(convert(cli, recording, "wav"))
    assert rate == 195312
    assert np.array_equal(steps / 2**31, samples_of(recording))


def test_gaps_are_told_and_not_filled(cli: Cli, make_recording: Callable[..., Path]) -> None:
    step = FRAME * 5120
    start = 1_600_000_000 * 10**9
    frames = np.random.default_rng(1).integers(-1000, 1000, (3, FRAME)) / 2**23
    path = make_recording(frames, times_ns=[start, start + step, start + 2 * step + 5_000_000_000])
    product = convert(cli, path, "wav")
    said = meta(product)
    assert [part["samples"] for part in said["content"]["segments"]] == [2 * FRAME, FRAME]
    assert said["content"]["gaps"] == [{"before_record": 3, "seconds": 5.0}]
    assert said["warnings"] == ["1 gap between records, listed in the description"]
    with wave.open(str(product)) as sound:
        assert sound.getnframes() == 3 * FRAME
    listed = json.loads(convert(cli, path, "json").read_text())["content"]
    assert [row["start"] for row in listed["record_list"]][2] == "2020-09-13T12:26:46.262182400Z"


def test_records_that_overlap(cli: Cli, make_recording: Callable[..., Path]) -> None:
    start, half = 1_600_000_000 * 10**9, FRAME * 5120 // 2
    product = convert(cli, make_recording([np.zeros(FRAME)] * 2, times_ns=[start, start + half]), "wav")
    said = meta(product)
    assert said["content"]["gaps"] == [{"before_record": 2, "seconds": -half / 1e9}]
    assert "1 of the records begin before the one before ends" in said["warnings"][0]


def test_small_steps_do_not_add_up(cli: Cli, make_recording: Callable[..., Path]) -> None:
    """Each record is 1.6 us late, less than half a sample; after the second it is more than that."""
    start, step = 1_600_000_000 * 10**9, FRAME * 5120 + 1600
    times = [start + number * step for number in range(6)]
    path = make_recording([np.zeros(FRAME)] * 6, times_ns=times)
    product = convert(cli, path, "wav")
    segments = meta(product)["content"]["segments"]
    assert [part["samples"] for part in segments] == [2 * FRAME] * 3
    assert [part["start"] for part in segments] == [iso(times[0]), iso(times[2]), iso(times[4])]
    assert cli("validate", product, "--source", path).code == 0


def test_samples_between_the_steps_are_rounded_and_counted(cli: Cli, make_recording: Callable[..., Path]) -> None:
    frame = np.zeros(FRAME)
    frame[:10] = 2.0**-24 * 3
    product = convert(cli, make_recording([frame]), "wav")
    said = meta(product)
    assert said["content"]["rounded_samples"] == 10
    assert said["warnings"] == ["10 samples are no multiple of 2^-23 and were rounded to one"]


def test_samples_beyond_full_scale_are_refused(cli: Cli, make_recording: Callable[..., Path]) -> None:
    frame = np.zeros(FRAME)
    frame[7] = 1.0
    path = make_recording([frame])
    ran = cli("convert", path, "-o", path.parent / "out", "--to", "wav")
    assert ran.code == 1
    assert "1 samples are beyond full scale" in ran.err
    assert not (path.parent / "out" / "DOM_1_CH2_1600000000.wav").exists()
    assert convert(cli, path, "psd").exists()


def test_samples_far_beyond_full_scale_have_a_spectrum(cli: Cli, make_recording: Callable[..., Path]) -> None:
    frame = np.zeros(FRAME)
    frame[1024] = 1e30  # the middle of the first segment, where its window is 1, and the beginning of the second
    path = make_recording([frame])
    product = convert(cli, path, "psd")
    content = json.loads(product.read_text())["content"]
    density = 2 * 1e60 / (SAMPLE_RATE * 2048 * 3 / 8) / 119
    assert content["mean"][2:-1] == pytest.approx([density] * 1022, rel=1e-6)
    assert np.isfinite(content["quantile_95"]).all()
    assert cli("validate", product, "--source", path).code == 0


def test_a_tone_and_noise(make_recording: Callable[..., Path], tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    moments = np.arange(2 * FRAME) / SAMPLE_RATE
    number = 200
    sigma, amplitude = 0.01, 0.1
    tone = amplitude * np.sin(2 * np.pi * number * SAMPLE_RATE / SEGMENT * moments)
    samples = tone + random.normal(0, sigma, len(moments))
    found = spectrum_of(read_recording(make_recording(samples.reshape(2, FRAME))), tmp_path)
    assert found.segments == 2 * PER_RECORD == 238
    assert found.frequency[1] == SAMPLE_RATE / 2048
    assert found.frequency[-1] == SAMPLE_RATE / 2
    quiet = np.r_[10 : number - 10, number + 10 : 1020]
    level = 2 * sigma**2 / SAMPLE_RATE  # one-sided density of white noise
    assert found.mean[quiet].mean() == pytest.approx(level, rel=0.01)
    # The density of one segment follows an exponential distribution: its quantiles are -ln(1 - q).
    assert found.median[quiet].mean() == pytest.approx(level * np.log(2), rel=0.02)
    assert found.quantile_75[quiet].mean() == pytest.approx(level * np.log(4), rel=0.02)
    assert found.quantile_95[quiet].mean() == pytest.approx(level * np.log(20), rel=0.03)
    width = found.frequency[1]
    power = found.mean[number - 3 : number + 4].sum() * width
    assert power == pytest.approx(amplitude**2 / 2, rel=0.01)


def test_the_spectrum_is_that_of_scipy(recording: Path, tmp_path: Path) -> None:
    signal = pytest.importorskip("scipy.signal")
    parts = samples_of(recording).reshape(2, FRAME)
    found = spectrum_of(read_recording(recording), tmp_path)
    options = {"fs": SAMPLE_RATE, "window": "hann", "nperseg": SEGMENT, "detrend": "constant"}
    means = [signal.welch(part, **options)[1] for part in parts]
    assert np.allclose(found.mean, np.mean(means, axis=0), rtol=1e-9)


def test_quantiles_are_those_of_numpy(recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("converters.acoustics.spectrum._BLOCK_BYTES", 8 * 238 * 100)  # in eleven blocks
    found = spectrum_of(read_recording(recording), tmp_path)
    densities = np.concatenate([segment_densities(frame) for frame in read_recording(recording).frames()])
    expected = np.quantile(densities, [0.5, 0.75, 0.95], axis=0)
    for values, wanted in zip((found.median, found.quantile_75, found.quantile_95), expected, strict=True):
        assert np.allclose(values, wanted, rtol=1e-12, atol=0)
    assert not list(tmp_path.glob("tmp*"))


def test_the_spectrum_as_json(cli: Cli, recording: Path) -> None:
    product = convert(cli, recording, "psd")
    document = json.loads(product.read_text())
    content = document["content"]
    for name in ("frequency", "mean", "median", "quantile_75", "quantile_95"):
        assert len(content[name]) == 1025
    units = {item["name"]: item["unit"] for item in document["parameters"]}
    assert units["frequency"] == "Hz"
    assert units["quantile_95"] == "Hz**-1"
    total = sum(content["mean"][1:]) * content["frequency"][1]
    assert total == pytest.approx(np.var(samples_of(recording)), rel=0.2)


def test_the_description(cli: Cli, recording: Path) -> None:
    document = json.loads(convert(cli, recording, "json").read_text())
    content = document["content"]
    assert (content["dom_id"], content["channel"], content["records"]) == (808956920, 1, 2)
    assert {item["name"] for item in document["parameters"]} == set(content["record_list"][0])
    assert content["record_list"][0]["minimum"] == np.float32(0.0018342733)
    assert (content["window_samples"], content["overlap_samples"], content["frame_samples"]) == (131072, 7812, FRAME)


def test_mp3(cli: Cli, recording: Path) -> None:
    pytest.importorskip("lameenc")
    product = convert(cli, recording, "mp3")
    data = product.read_bytes()
    position = frames = 0
    rates, kbits = {0: 44100, 1: 48000, 2: 32000}, (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
    while position + 4 <= len(data):
        (head,) = struct.unpack_from(">I", data, position)
        assert head >> 17 & 0x7FFF == 0b111111111111101, f"no MPEG-1 layer III frame at byte {position}"
        rate, padding = rates[head >> 10 & 3], head >> 9 & 1
        assert rate == 48000
        position += 144_000 * kbits[head >> 12 & 15] // rate + padding
        frames += 1
    assert position == len(data)
    assert frames * 1152 / 48000 == pytest.approx(2 * FRAME / SAMPLE_RATE, abs=0.1)
    said = meta(product)["content"]
    loud = loudness_of(read_recording(recording))
    assert (said["offset"], said["gain"]) == (loud.offset, loud.gain)
    assert max(abs((samples_of(recording) - loud.offset) * loud.gain)) == pytest.approx(0.9)
    checked = cli("validate", product, "--source", recording)
    assert checked.code == 0
    assert "lossy" in checked.out + checked.err


def test_recordings_are_not_of_antares(cli: Cli, recording: Path) -> None:
    ran = cli("convert", recording, "-o", recording.parent / "out", "--to", "json", "--detector", "antares")
    assert ran.code == 1
    assert "KM3NeT's, not those of ANTARES" in ran.err


def test_without_an_encoder(cli: Cli, recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lameenc", None)  # a stand-in: where it is installed, it cannot be taken away
    ran = cli("convert", recording, "-o", recording.parent / "out", "--to", "mp3")
    assert ran.code == 3
    assert "pip install lameenc" in ran.err


@pytest.mark.parametrize(("to", "values"), [("wav", "246520"), ("psd", "32"), ("json", "10")])
def test_validate_against_the_recording(to: str, values: str, cli: Cli, recording: Path) -> None:
    product = convert(cli, recording, to)
    checked = cli("validate", product, "--source", recording)
    assert checked.code == 0, checked.err
    assert f"valid; {values} values equal" in checked.out + checked.err


def test_validate_finds_a_changed_sound(cli: Cli, recording: Path) -> None:
    product = convert(cli, recording, "wav")
    data = bytearray(product.read_bytes())
    data[5000] ^= 1
    product.write_bytes(data)
    alone = cli("validate", product)
    assert "sha256" in alone.err
    checked = cli("validate", product, "--source", recording)
    assert checked.code == 1
    assert "record 1: the sound differs" in checked.err
    product.write_bytes(data[:1000])
    assert "samples" in cli("validate", product).err


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda c: c["mean"].__setitem__(64, 1.0), "mean at 6103.5 Hz"),
        (lambda c: c["median"].__setitem__(5, 1.0), "median is above quantile_75"),
        (lambda c: c["mean"].pop(), "mean has 1024 values"),
        (lambda c: c["mean"].__setitem__(3, -1.0), "negative"),
        (lambda c: c["frequency"].reverse(), "frequencies are not multiples of 95.367 Hz"),
        (lambda c: c.update(frequency=[2 * f for f in c["frequency"]]), "frequencies are not multiples of 95.367 Hz"),
        (lambda c: c.update(sample_rate_hz=195312), "sample_rate_hz is 195312, expected 195312.5"),
        (lambda c: c.update(segments=119), "segments is 119, expected 238"),
        (lambda c: c.update(records=1), "samples is 246520, expected 123260 for 1 records"),
        (lambda c: c.pop("mean"), "its description is not what this program writes"),
    ],
)
def test_validate_finds_a_changed_spectrum(
    change: Callable[[dict[str, object]], object], problem: str, cli: Cli, recording: Path
) -> None:
    product = convert(cli, recording, "psd")
    document = json.loads(product.read_text())
    change(document["content"])
    product.write_text(json.dumps(document, indent=1))
    checked = cli("validate", product, "--source", recording)
    assert checked.code == 1
    assert problem in checked.err


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda c: c["segments"][0].update(start="2020-12-23T19:28:59.755456000Z"), "segments are"),
        (lambda c: c.update(gaps=[{"before_record": 2, "seconds": 1.0}]), "gaps are"),
        (lambda c: c.update(dropped_bytes=12), "12 bytes dropped are not the 986104 of the recording"),
        (lambda c: c.update(records=1, samples=FRAME, duration_s=FRAME / SAMPLE_RATE), "channels, bytes, rate"),
        (lambda c: c.update(duration_s=246520 / 195312), "duration_s is 1.26218"),
    ],
)
def test_validate_finds_changed_times(
    change: Callable[[dict[str, object]], object], problem: str, cli: Cli, recording: Path
) -> None:
    product = convert(cli, recording, "wav")
    beside = product.with_name(product.name + ".meta.json")
    document = json.loads(beside.read_text())
    change(document["content"])
    beside.write_text(json.dumps(document, indent=1))
    checked = cli("validate", product, "--source", recording)
    assert checked.code == 1
    assert problem in checked.err


def test_validate_finds_another_source(cli: Cli, recording: Path, make_recording: Callable[..., Path]) -> None:
    other = make_recording([np.zeros(FRAME)])
    checked = cli("validate", convert(cli, recording, "json"), "--source", other)
    assert checked.code == 1
    assert "is not the source" in checked.err


def test_the_picture_of_silence_says_so(cli: Cli, make_recording: Callable[..., Path], tmp_path: Path) -> None:
    product = convert(cli, make_recording([np.zeros(FRAME)]), "psd")
    figure = spectrum_figure(json.loads(product.read_text()))
    assert "silence" in figure.axes[0].texts[0].get_text()
    assert " in 1 record; " in figure.texts[1].get_text()
    assert cli("plot", product, "-o", tmp_path / "x.png").code == 0


def test_show_and_plot(cli: Cli, recording: Path, tmp_path: Path) -> None:
    wav, psd = convert(cli, recording, "wav"), convert(cli, recording, "psd")
    assert "195312.5" in cli("show", wav).out
    assert "2020-12-23" in cli("show", wav, "--head", "1").out
    rows = json.loads(cli("show", psd, "--head", "2", "--json").out)["rows"]
    assert rows[1]["frequency"] == 95.367431640625
    picture = tmp_path / "psd.png"
    assert cli("plot", psd, "-o", picture).code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    refused = cli("plot", wav, "-o", tmp_path / "wav.png")
    assert refused.code == 1
    assert "--to psd" in refused.err
