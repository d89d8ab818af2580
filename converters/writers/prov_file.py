"""The provenance file beside a product."""

import json
from pathlib import Path

from converters.product import Product
from legacy.atomic import write_text
from legacy.provenance import prov_json


def prov_path(target: Path) -> Path:
    """Return the name of the provenance file of `target`."""
    return target.with_name(target.name + ".prov.json")


def write_prov(product: Product, target: Path) -> None:
    """Write W3C PROV-JSON beside `target`; raises OSError."""
    document = prov_json(product.steps, kid=product.kid, product_name=target.name)
    write_text(prov_path(target), json.dumps(document, indent=1, sort_keys=True) + "\n")
