"""The provenance file beside a product."""

import json
from pathlib import Path

from converters.product import Product
from legacy.provenance import prov_json


def prov_path(target: Path) -> Path:
    """Return the name of the provenance file of `target`."""
    return target.with_name(target.name + ".prov.json")


def prov_text(product: Product, target: Path) -> str:
    """Return the W3C PROV-JSON of `product`, which will be called `target`."""
    document = prov_json(product.steps, kid=product.kid, product_name=target.name)
    return json.dumps(document, indent=1, sort_keys=True) + "\n"
