"""What a writer is: the contract between the pipeline and `writers/`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from converters.product import Product


class Writer(Protocol):
    """Writes one kind of product; its name and the suffix of its files stand in `converters.registry`."""

    def companions(self, target: Path) -> tuple[Path, ...]:
        """Return the names of the other files that belong to the product `target`."""
        ...

    def write(self, product: Product, target: Path) -> None:
        """Write the product, and its companions, each in one step.

        Raises
        ------
        OSError
            The disk is full, or the folder cannot be written to.
        """
        ...

    def made_from(self, target: Path) -> Mapping[str, str] | None:
        """Return what an existing product says about itself, None if it is no such product.

        The keys are those of ``/provenance`` (of the last step), ``data_model_version``, and those of
        `Product.facts`.
        """
        ...
