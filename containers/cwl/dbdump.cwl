cwlVersion: v1.2
class: CommandLineTool
label: Dump a database file to a portable image
doc: An SQLite file to Parquet with schema, checksums and manifest; servers are dumped by the command itself.
hints:
  DockerRequirement: {dockerImageId: dbdump.sif}
  ResourceRequirement: {coresMin: $(inputs.jobs), ramMin: 2048}
baseCommand: [antares-legacy, dbdump, dump]
arguments:
  - {position: 1, valueFrom: "sqlite:///$(inputs.database.path)"}
  - {prefix: --output, valueFrom: image}
inputs:
  database:
    type: File
    doc: An SQLite database.
  jobs:
    type: int
    default: 1
    doc: Number of processes.
    inputBinding: {prefix: --jobs}
outputs:
  image:
    type: Directory
    doc: The image; `antares-legacy dbdump verify --offline` checks it.
    outputBinding: {glob: image}
