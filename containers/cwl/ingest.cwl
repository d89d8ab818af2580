cwlVersion: v1.2
class: CommandLineTool
label: Bring products into Rucio
doc: |
  Copies the products to a storage and registers them with checksums, datasets and metadata.
  Server and account come from Rucio's own configuration file.
hints:
  DockerRequirement: {dockerImageId: ingest.sif}
  ResourceRequirement: {coresMin: 1, ramMin: 1024}
requirements:
  NetworkAccess: {networkAccess: true}
  EnvVarRequirement:
    envDef: {RUCIO_CONFIG: $(inputs.rucio_config.path)}
baseCommand: [antares-legacy, ingest, --mode, copy]
arguments:
  - {prefix: --report, valueFrom: ingest.json}
  - {prefix: --journal, valueFrom: ingest.journal}
inputs:
  folders:
    type:
      type: array
      items: Directory
      inputBinding: {valueFrom: $(self.path)/manifest.jsonl}
    inputBinding: {position: 1}
    doc: What `convert` wrote. The manifest of each says what is in it.
  scope:
    type: string
    doc: Scope of the files in Rucio.
    inputBinding: {prefix: --scope}
  rse:
    type: string
    doc: The storage that gets a copy.
    inputBinding: {prefix: --rse}
  dataset:
    type: string?
    doc: Template of the dataset of each file.
    inputBinding: {prefix: --dataset}
  rucio_config:
    type: File
    doc: Rucio's configuration file; its folder may hold no secrets that the batch system must not see.
  validated:
    type: File[]?
    doc: Reports of `validate`. Nothing is read from them; that they are there means that every product passed.
outputs:
  report:
    type: File
    doc: What was done with each file.
    outputBinding: {glob: ingest.json}
