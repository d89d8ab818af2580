"""What products say about a recording: facts, parameters and the description of the file."""

from itertools import pairwise
from typing import Any

from converters.acoustics.audio import MP3_KBITS, MP3_RATE, WAV_BYTES, WAV_RATE, Loudness
from converters.acoustics.records import (
    FRAME,
    HEADER_BYTES,
    OVERLAP,
    RECORD_BYTES,
    SAMPLE_RATE,
    WINDOW,
    Recording,
    iso,
)
from converters.acoustics.spectrum import SEGMENT, STEP, Spectrum
from converters.auxiliary.contract import Parameter
from converters.summary import FACTS

LEVEL = "0"
"""Unfiltered data as the detector took them, in another container."""

_SAMPLE_TEXT = "Sample in parts of full scale; the sensitivity of the sensor is not in the file"
_TO_SCALE = "square of full scale per hertz, one-sided"

PARAMETERS: dict[str, tuple[Parameter, ...]] = {
    "wav": (Parameter("sample", "", "i4", "", f"{_SAMPLE_TEXT}: 24-bit PCM, one step is 2^-23"),),
    "mp3": (Parameter("sample", "", "i2", "", f"{_SAMPLE_TEXT}; offset and gain are in content"),),
    "psd": (
        Parameter("frequency", "Hz", "f8", "", "Frequency of the sound"),
        Parameter("mean", "Hz**-1", "f8", "", f"Mean over all segments, {_TO_SCALE}"),
        Parameter("median", "Hz**-1", "f8", "", f"Median over all segments, {_TO_SCALE}"),
        Parameter("quantile_75", "Hz**-1", "f8", "", f"75 % quantile over all segments, {_TO_SCALE}"),
        Parameter("quantile_95", "Hz**-1", "f8", "", f"95 % quantile over all segments, {_TO_SCALE}"),
    ),
    "json": (
        Parameter("start", "", "U30", "time.start", "Time of a record's first sample, UTC"),
        Parameter("minimum", "", "f8", "", "Smallest sample of a record, parts of full scale"),
        Parameter("maximum", "", "f8", "", "Largest sample of a record, parts of full scale"),
        Parameter("mean", "", "f8", "", "Mean of a record, parts of full scale"),
        Parameter("rms", "", "f8", "", "Root of the mean square of a record, parts of full scale"),
    ),
}


def facts_of(recording: Recording) -> dict[str, str]:
    """Return what the manifest says; the files name no detector, only an optical module."""
    return dict.fromkeys(FACTS, "") | {
        "n_events": "0",
        "kind": "data",
        "start": iso(recording.records[0].start_ns),
        "stop": iso(recording.records[-1].stop_ns),
        "level": LEVEL,
    }


def header_of(recording: Recording) -> dict[str, str]:
    """Return the publication fields that a recording gives."""
    origin = recording.origin
    place = f", module {origin.dom_id}, channel {origin.channel}" if origin.dom_id is not None else ""
    return {
        "instrument": "KM3NeT",
        "title": f"Acoustic recording of KM3NeT{place}, {iso(recording.records[0].start_ns)[:19]}Z",
    }


def recording_facts(recording: Recording) -> dict[str, Any]:
    """Return the facts of a recording that every product of it repeats."""
    origin = recording.origin
    return {
        "dom_id": origin.dom_id,
        "channel": origin.channel,
        "file_time": origin.file_time,
        "sample_rate_hz": SAMPLE_RATE,
        "samples": recording.samples,
        "duration_s": recording.samples / SAMPLE_RATE,
        "records": len(recording.records),
        "gaps": [{"before_record": number, "seconds": wait / 1e9} for number, wait in recording.gaps],
        "dropped_bytes": recording.dropped,
    }


def wav_content(recording: Recording) -> dict[str, Any]:
    """Return what the file beside a WAV file says."""
    off_grid = sum(record.off_grid for record in recording.records)
    return recording_facts(recording) | {
        "encoding": "PCM, 24 bits, little-endian, one channel",
        "wav_header_rate_hz": WAV_RATE,
        "full_scale_steps": 1 << (8 * WAV_BYTES - 1),
        "rounded_samples": off_grid,
        "segments": segments_of(recording),
        "note": "The header of a WAV file holds a whole number; the true rate is sample_rate_hz. "
        "Times between records are not filled with silence: see segments.",
    }


def mp3_content(recording: Recording, loudness: Loudness) -> dict[str, Any]:
    """Return what the file beside an MP3 file says."""
    return recording_facts(recording) | {
        "encoding": f"MPEG-1 layer III, {MP3_KBITS} kbit/s, one channel, LAME",
        "mp3_rate_hz": MP3_RATE,
        "offset": loudness.offset,
        "gain": loudness.gain,
        "segments": segments_of(recording),
        "note": "For listening, not for measuring: sound above 20 kHz is lost, the rest is changed. "
        "Each sample is (original - offset) x gain before it is encoded. first_sample counts samples of the recording.",
    }


def segments_of(recording: Recording) -> list[dict[str, Any]]:
    """Return the runs of records that follow each other at once: first sample, number of samples, time."""
    breaks = [number - 1 for number, _ in recording.gaps]
    edges = [0, *breaks, len(recording.records)]
    return [
        {"first_sample": a * FRAME, "samples": (b - a) * FRAME, "start": iso(recording.records[a].start_ns)}
        for a, b in pairwise(edges)
    ]


def psd_content(recording: Recording, spectrum: Spectrum) -> dict[str, Any]:
    """Return the spectrum as lists, and how it was computed."""
    return recording_facts(recording) | {
        "method": "Welch: one-sided power spectral density of segments under a Hann window, their mean removed",
        "segment_samples": SEGMENT,
        "step_samples": STEP,
        "segments": spectrum.segments,
        "frequency": spectrum.frequency.tolist(),
        "mean": spectrum.mean.tolist(),
        "median": spectrum.median.tolist(),
        "quantile_75": spectrum.quantile_75.tolist(),
        "quantile_95": spectrum.quantile_95.tolist(),
    }


def info_content(recording: Recording) -> dict[str, Any]:
    """Return the description of a file: how it was taken, and every record."""
    return recording_facts(recording) | {
        "format": "KM3NeT raw acoustic data",
        "record_bytes": RECORD_BYTES,
        "header_bytes": HEADER_BYTES,
        "window_samples": WINDOW,
        "overlap_samples": OVERLAP,
        "frame_samples": FRAME,
        "record_list": [
            {
                "start": iso(record.start_ns),
                "minimum": record.minimum,
                "maximum": record.maximum,
                "mean": record.mean,
                "rms": record.rms,
            }
            for record in recording.records
        ],
    }


def coverage_of(recording: Recording, to: str) -> tuple[tuple[str, int, str, str], ...]:
    """Say what became of the parts of the file."""
    count = len(recording.records)
    fate = {
        "wav": ("the sound", "every sample, to the last bit"),
        "mp3": ("the sound", "lossy: for listening"),
        "psd": ("content", "only their spectrum"),
        "json": ("content.record_list", "only figures of each record"),
    }
    place, note = fate[to]
    off_grid = sum(record.off_grid for record in recording.records)
    if to == "wav" and off_grid:
        note = f"{off_grid} samples rounded to a multiple of 2^-23"
    rows = [
        ("record time", count, "content", "of every record" if to == "json" else "of every run of records"),
        ("record window", count, "", f"always {WINDOW}; checked"),
        ("samples", recording.samples, place, note),
    ]
    if recording.dropped:
        rows.append(("(bytes at the end)", recording.dropped, "", recording.problem))
    return tuple(rows)
