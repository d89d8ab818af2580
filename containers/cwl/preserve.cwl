cwlVersion: v1.2
class: Workflow
label: Convert, validate, ingest
doc: |
  ANTARES files become level-3 products; every product is compared with its original; only when all have passed do
  the products go into Rucio.
requirements:
  ScatterFeatureRequirement: {}
  StepInputExpressionRequirement: {}
inputs:
  files:
    type: File[]
    doc: ANTARES files, of any format that `convert` takes.
  metadata:
    type: File?
    doc: Author, licence, title and so on, in YAML.
  detector:
    type: string?
    doc: The detector, where the files do not say.
  scope:
    type: string
    doc: Scope of the files in Rucio.
  rse:
    type: string
    doc: The storage that gets a copy.
  rucio_config:
    type: File
    doc: Rucio's configuration file.
outputs:
  folders:
    type: Directory[]
    doc: Product, provenance, manifest and report of each file.
    outputSource: convert/folder
  validation:
    type: File[]
    doc: A report for each file.
    outputSource: validate/report
  report:
    type: File
    doc: What `ingest` did.
    outputSource: ingest/report
steps:
  convert:
    run: convert.cwl
    scatter: files
    in:
      files: files
      metadata: metadata
      detector: detector
      name: {valueFrom: $(inputs.files.basename).level3}
    out: [products, folder]
  validate:
    run: validate.cwl
    scatter: [products, source]
    scatterMethod: dotproduct
    in: {products: convert/products, source: files}
    out: [report]
  ingest:
    run: ingest.cwl
    in:
      folders: convert/folder
      scope: scope
      rse: rse
      rucio_config: rucio_config
      validated: validate/report
    out: [report]
