"""KM3NeT's raw acoustic files, as the commands see them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from converters.acoustics.audio import (
    check_wav,
    loudness_of,
    require_mp3,
    write_mp3,
    write_wav,
)
from converters.acoustics.describe import (
    PARAMETERS,
    coverage_of,
    facts_of,
    header_of,
    info_content,
    mp3_content,
    psd_content,
    wav_content,
)
from converters.acoustics.records import FRAME, SAMPLE_RATE, Recording, iso, looks_like, read_recording
from converters.auxiliary.contract import Checked, Document, Draft, Survey
from converters.request import Request
from legacy.errors import CorruptInputError, InputError

_NOUNS = {
    "wav": ("sound file", "sound files"),
    "mp3": ("sound file", "sound files"),
    "psd": ("spectrum", "spectra"),
    "json": ("description", "descriptions"),
}
_CURVES = ("mean", "median", "quantile_75", "quantile_95")


class AcousticsFormat:
    """Recordings of one hydrophone: WAV, MP3, spectrum, description."""

    name = "km3net-acoustics"
    description = "KM3NeT raw acoustic data"
    products = ("wav", "mp3", "psd", "json")

    def noun(self, to: str) -> tuple[str, str]:
        """Return what a product and several are called."""
        return _NOUNS[to]

    def sniff(self, head: bytes, path: Path) -> bool:  # noqa: ARG002  the contract
        """Say from the first header if the file is a recording; its name does not matter."""
        return looks_like(head)

    def survey(self, path: Path) -> Survey:
        """Read the recording to its end; what is whole before damage is described too."""
        problem = ""
        try:
            recording = read_recording(path)
        except CorruptInputError as error:
            problem = str(error)
            try:
                recording = read_recording(path, salvage=True)
            except InputError:
                return Survey(self.description, {}, problem=problem)
        origin = recording.origin
        facts = {
            "module": origin.dom_id if origin.dom_id is not None else "not named: the file's name does not say it",
            "channel": origin.channel,
            "start": iso(recording.records[0].start_ns),
            "stop": iso(recording.records[-1].stop_ns),
            "sampling": f"{SAMPLE_RATE} Hz",
            "samples": f"{recording.samples} ({recording.samples / SAMPLE_RATE:.3f} s)",
            "gaps": len(recording.gaps),
        }
        contents = {
            f"record {number}": f"{iso(record.start_ns)}, {FRAME} samples, {record.minimum:.6f} to {record.maximum:.6f}"
            for number, record in enumerate(recording.records, start=1)
        }
        return Survey(self.description, facts, contents, problem)

    def fingerprint(self, source: Path) -> str:  # noqa: ARG002  the contract
        """Return ``""``: products depend on the recording alone."""
        return ""

    def draft(self, request: Request) -> Draft:
        """Read the recording and make WAV, MP3, spectrum or description ready.

        Raises
        ------
        InputError
            The recording is damaged, does not fit into a WAV file, or is said to be of ANTARES.
        MissingDependencyError
            No MP3 encoder is installed.
        """
        if request.options.detector == "antares":
            raise InputError(
                request.source,
                "recordings in this format are KM3NeT's, not those of ANTARES",
                advice="leave --detector out",
            )
        if request.to == "mp3":
            require_mp3()
        recording = read_recording(request.source, salvage=request.options.salvage)
        content, write = _product(recording, request)
        return Draft(
            facts=facts_of(recording),
            header=header_of(recording),
            parameters=PARAMETERS[request.to],
            content=content,
            coverage=coverage_of(recording, request.to),
            warnings=_warnings(recording, request.to),
            write=write,
        )

    def check(self, path: Path, document: Document) -> tuple[str, ...]:
        """Return what is wrong inside a product."""
        from converters.acoustics.checks import check_product

        return check_product(path, document)

    def compare(self, path: Path, document: Document, source: Path) -> Checked:
        """Compare a product with its recording, read and computed a second way."""
        from converters.acoustics.checks import compare_product

        return compare_product(path, document, source)

    def rows(
        self,
        path: Path,  # noqa: ARG002  the contract
        document: Document,
        count: int,
    ) -> list[dict[str, object]]:
        """Return frequencies of a spectrum, records of a description, or runs of a sound."""
        content = document["content"]
        if document["product"] == "psd":
            names = ("frequency", *_CURVES)
            columns = [content[name][:count] for name in names]
            return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
        return [dict(row) for row in content["record_list" if document["product"] == "json" else "segments"][:count]]

    def figure(self, path: Path, document: Document) -> Any:
        """Draw a spectrum; raises InputError for other products."""
        if document["product"] != "psd":
            raise InputError(path, "has no picture", advice="convert the recording with --to psd and plot that")
        from converters.acoustics.picture import spectrum_figure

        return spectrum_figure(document)


def _product(recording: Recording, request: Request) -> tuple[dict[str, Any], Callable[[Path], None] | None]:
    """Return the content of the document, and what writes the file where the document itself is not the product."""
    if request.to == "wav":
        check_wav(recording)
        return wav_content(recording), partial(write_wav, recording)
    if request.to == "mp3":
        loudness = loudness_of(recording)
        return mp3_content(recording, loudness), partial(write_mp3, recording, loudness)
    if request.to == "psd":
        from converters.acoustics.spectrum import spectrum_of

        return psd_content(recording, spectrum_of(recording, request.target.parent)), None
    return info_content(recording), None


def _warnings(recording: Recording, to: str) -> tuple[str, ...]:
    found = []
    if recording.dropped:
        found.append(f"{recording.dropped} bytes at the end dropped: {recording.problem}")
    early = sum(late < 0 for _, late in recording.gaps)
    if gaps := len(recording.gaps) - early:
        found.append(f"{gaps} {'gap' if gaps == 1 else 'gaps'} between records, listed in the description")
    if early:
        found.append(f"{early} of the records begin before the one before ends; they are listed in the description")
    off_grid = sum(record.off_grid for record in recording.records)
    if to == "wav" and off_grid:
        found.append(f"{off_grid} samples are no multiple of 2^-23 and were rounded to one")
    if recording.origin.dom_id is None:
        found.append("the name does not follow DOM_<module>_CH<channel>_<time>.bin: module and channel are not known")
    return tuple(found)
