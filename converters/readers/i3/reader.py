"""Reader of `.i3` files: two passes, the first to learn which tables there are, the second to fill them."""

from collections.abc import Iterator
from pathlib import Path

from converters.readers.i3.coverage import coverage_rows, warnings
from converters.readers.i3.faults import FormatError
from converters.readers.i3.frame import Frame, frames
from converters.readers.i3.objects import DAQ, TRAY_INFO, Mixer, Tally
from converters.readers.i3.plan import Fit, Plan, make_plan
from converters.readers.i3.rows import EventRows, event_rows
from converters.readers.i3.sniff import begins_with_frame
from converters.readers.i3.stream import Source, beginning, first_piece, needs_more_than_a_head, uncompressed
from converters.readers.i3.survey import Survey, survey
from converters.readers.i3.tables import RECO_WIDTH, View, batch_of
from converters.readers.i3.weights import WEIGHT_KEY, WEIGHTS_REMARK
from converters.source import Batch, CoverageRow, HeaderLine, OpenSource, ReadOptions, SourceFacts
from legacy.errors import CorruptInputError, InputError, nearest

_BATCH = 256
_MOST_ROWS = 20_000
"""Rows after which a batch ends, however few its events are: a simulated shower can have thousands of particles."""
_PREFERRED = ("aafit", "bbfit_track", "gridfit", "bbfit_bright")
_ANTARES_KEYS = ("Aafit", "BBFit", "GridFit", "Antares", "AntMCTree", "AntTrigger")
_ICECUBE_CLASSES = frozenset({"I3SuperDST", "I3DOMLaunchSeriesMap"})
_ADVICE = "fetch it again and compare its checksum; --salvage keeps the whole frames"


class I3Reader:
    """Opens `.i3` files, plain or compressed with gzip, bzip2 or zstd."""

    name = "i3"
    description = "Frames of SeaTray and IceTray (.i3)"
    suffixes = (".i3", ".i3.gz", ".i3.bz2", ".i3.zst")

    def sniff(self, head: bytes, path: Path) -> bool:
        """Say if the file begins with a frame."""
        return begins_with_frame(beginning(path) if needs_more_than_a_head(head) else first_piece(head))

    def open(self, path: Path, options: ReadOptions) -> "I3File":
        """Open the file and learn what is in it.

        Raises
        ------
        CorruptInputError
            Not even the first frame can be read.
        InputError
            The fit asked for is not in the file.
        OSError
            The file cannot be read.
        """
        return I3File(path, options)


class I3File(OpenSource):
    """An open file.

    Parameters
    ----------
    path
        The file.
    options
        What the user asked for: `detector`, `reco` and `salvage` matter here.
    """

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self._path = path
        self._salvage = options.salvage
        self._survey = self._look_through()
        if not self._survey.versions and self._survey.damage:
            raise self._corrupt(self._survey.damage)
        self._plan = make_plan(self._survey)
        self._detector = options.detector or _detector(self._survey)
        self._view = View(_choose(path, self._plan, options.reco), antares=self._detector == "antares")
        self._doubt = _doubt_of_choice(self._plan, self._view, options.reco)
        self._tally = Tally()
        self._lost: list[str] = []
        self._source = Source(path)

    def _look_through(self) -> Survey:
        with self._path.open("rb", buffering=0) as stream:
            # Checksums are verified in the second pass; in this one only if frames can be dropped for them.
            return survey(frames(uncompressed(stream), verify=self._salvage))

    @property
    def facts(self) -> SourceFacts:
        """What is known about the whole file."""
        shown = self._view.fit
        remarks = ["zenith and azimuth are those of the particle's origin, as the source has them"]
        if self._view.antares:
            remarks.append(
                "positions are UTM coordinates of the source less those of the detector's site, and heights above the "
                "nominal sea floor at 2475 m depth, as inferred from SeaTray's HDF5 tables; /reco has the source's own"
            )
            remarks += [WEIGHTS_REMARK] if any(weight.key == WEIGHT_KEY for weight in self._plan.weights) else []
        if self._plan.hierarchies:
            remarks.append("trigger_mask: bit n-1 stands for type n, as the program that wrote the file numbers types")
        if shown:
            remarks.append("a fit whose fit_status is above 0 failed: it is in /reco only")
            remarks.append(f"{shown.reco}: {shown.spec.description}")
        remarks += (row.field[1:-1] + ": " + row.note for row in self.coverage() if row.field.startswith("(frames"))
        return SourceFacts(
            format=I3Reader.name,
            kind="mc" if _is_simulation(self._survey, self._plan) else "data",
            detector=self._detector,
            n_events=None if self._salvage else self._survey.n_events,
            default_reco=shown.reco if shown else "none",
            remarks=tuple(remarks),
        )

    @property
    def header(self) -> tuple[HeaderLine, ...]:
        """Nothing: the format has no header."""
        return ()

    def batches(self) -> Iterator[Batch]:
        """Yield the events: the P frames, or the Q frames of a file without P frames.

        Raises
        ------
        CorruptInputError
            A frame is damaged or cut off, unless the whole ones are to be kept; or none is whole.
        """
        first = 0
        waiting: list[EventRows] = []
        rows = 0
        try:
            for event in self._events():
                waiting.append(event)
                rows += len(event.particles) + len(event.triggers) + len(event.hits)
                if len(waiting) == _BATCH or rows >= _MOST_ROWS:
                    yield batch_of(waiting, first, self._plan, self._view)
                    first, waiting, rows = first + len(waiting), [], 0
        except FormatError as error:
            damage = str(error)
        else:
            damage = self._survey.damage  # what is too much for the tables need not stop the second pass
        if waiting:
            yield batch_of(waiting, first, self._plan, self._view)
            first += len(waiting)
        if damage and not self._salvage:
            raise self._corrupt(damage)
        if damage:
            self._lost.append(f"{damage}; the frames before it are kept, with {first} events")
        if self._lost and not first:
            raise CorruptInputError(self._path, "no whole event is left to keep", found=self._lost[0])

    def _events(self) -> Iterator[EventRows]:
        mixer = Mixer(frozenset(key.encode("latin-1") for key in self._plan.wanted))
        event_stream = self._survey.event_stream
        # The letter of a damaged frame may be wrong too, and P and Q differ by one bit: it can be a Q frame.
        inherits = event_stream != DAQ and DAQ in self._survey.letters
        inherited_lost = False
        for frame in frames(self._source.pieces(), verify=True):
            if frame.sound is False:
                self._drop(frame)
                mixer.forget(frame.stream)
                inherited_lost = inherits
                continue
            if frame.stream == event_stream and inherited_lost:
                self._lost.append(f"frame {frame.number} was dropped: what it inherits may be in a damaged frame")
                continue
            if frame.stream not in (event_stream, TRAY_INFO):
                mixer.remember(frame)
                inherited_lost = inherited_lost and frame.stream != DAQ
            if frame.stream == event_stream:
                yield event_rows(frame.number, mixer.event(frame), self._plan, self._view.fit, self._tally)

    def _drop(self, frame: Frame) -> None:
        """Refuse, or note, a frame whose checksum is wrong."""
        where = f"frame {frame.number} (stream {frame.stream}, {frame.size} bytes from byte {frame.offset} on)"
        if not self._salvage:
            raise FormatError(f"the checksum of {where} is wrong")
        self._lost.append(f"{where} was dropped: its checksum is wrong")

    def _corrupt(self, damage: str) -> CorruptInputError:
        return CorruptInputError(self._path, "damaged .i3 file", found=damage, advice=_ADVICE)

    def coverage(self) -> tuple[CoverageRow, ...]:
        """Say what became of every kind of object."""
        return tuple(coverage_rows(self._survey, self._plan, self._view, self._tally))

    def warnings(self) -> tuple[str, ...]:
        """Say what was dropped, could not be read, or is doubtful."""
        return (*self._lost, *self._doubt, *warnings(self._survey, self._tally))

    def digest(self) -> str:
        """Return the SHA-256 of the file."""
        return self._source.hexdigest()

    def close(self) -> None:
        """Close the file."""
        self._source.close()


def _detector(found: Survey) -> str:
    variants = found.variants()
    if any(variant.key.startswith(_ANTARES_KEYS) for variant in variants):
        return "antares"
    return "icecube" if any(variant.name in _ICECUBE_CLASSES for variant in variants) else ""


def _is_simulation(found: Survey, plan: Plan) -> bool:
    return bool(plan.trees or plan.truths or plan.weights or any("MCTree" in v.key for v in found.variants()))


def _choose(path: Path, plan: Plan, asked: str | None) -> Fit | None:
    """Return the fit that ``/events`` shows, None for none."""
    fits = {fit.reco: fit for fit in plan.fits if len(fit.reco) <= RECO_WIDTH}
    if asked == "none":
        return None
    if asked is None:
        return next((fits[name] for name in (*_PREFERRED, *fits) if name in fits), None)
    if any(asked == fit.reco for fit in plan.fits) and asked not in fits:
        raise InputError(
            path,
            f"the fit {asked} cannot be shown in /events: its name has more than {RECO_WIDTH} letters",
            advice=f"choose another fit, or leave --reco out: all of it is in /reco/{asked}",
        )
    if asked not in fits:
        found = f"{len(fits)} fits" if fits else "no fits"
        raise InputError(path, f"has no fit called {asked}", found=found, advice=nearest(asked, [*fits, "none"]))
    return fits[asked]


def _doubt_of_choice(plan: Plan, view: View, asked: str | None) -> tuple[str, ...]:
    """Say that the fit of ``/events`` was chosen by its name alone."""
    if asked is not None or view.fit is None or view.fit.reco in _PREFERRED or len(plan.fits) == 1:
        return ()
    choice = f"/events shows {view.fit.reco}, the first by name of {len(plan.fits)} fits"
    return (f"{choice}; choose with --reco (antares-legacy inspect lists them), or --reco none",)
