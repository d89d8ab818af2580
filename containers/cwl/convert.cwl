cwlVersion: v1.2
class: CommandLineTool
label: Convert ANTARES files to KM3NeT level-3 products
doc: One product for each input, with its provenance beside it, a manifest and a report.
hints:
  DockerRequirement: {dockerImageId: convert.sif}
  ResourceRequirement: {coresMin: $(inputs.jobs), ramMin: 1024}
baseCommand: [antares-legacy, convert]
arguments:
  - {prefix: --output, valueFrom: $(inputs.name)}
inputs:
  files:
    type: [File, "File[]"]
    doc: ANTARES files; their base names must differ.
    inputBinding: {position: 1}
  to:
    type: {type: enum, symbols: [hdf5, csv]}
    default: hdf5
    doc: Kind of product.
    inputBinding: {prefix: --to}
  metadata:
    type: File?
    doc: Author, licence, title and so on, in YAML.
    inputBinding: {prefix: --metadata}
  detector:
    type: string?
    doc: The detector, where the files do not say.
    inputBinding: {prefix: --detector}
  name:
    type: string
    default: level3
    doc: Name of the folder of products.
  jobs:
    type: int
    default: 1
    doc: Number of processes.
    inputBinding: {prefix: --jobs}
outputs:
  products:
    type: File[]
    doc: The products, in the order of their names.
    outputBinding: {glob: [$(inputs.name)/*.l3.h5, $(inputs.name)/*.l3.csv]}
  folder:
    type: Directory
    doc: Products, provenance, manifest and report together.
    outputBinding: {glob: $(inputs.name)}
  manifest:
    type: File
    doc: A line for each product, as `ingest` takes it.
    outputBinding: {glob: $(inputs.name)/manifest.jsonl}
