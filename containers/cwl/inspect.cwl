cwlVersion: v1.2
class: CommandLineTool
label: Say what files are
doc: Format, programs, detector, runs, number of events and tables of ANTARES files, as JSON.
hints:
  DockerRequirement: {dockerImageId: io.sif}
  ResourceRequirement: {coresMin: 1, ramMin: 512}
baseCommand: [antares-legacy, inspect, --json]
inputs:
  files:
    type: File[]
    doc: ANTARES files of any format that `convert` takes.
    inputBinding: {position: 1}
outputs:
  facts:
    type: stdout
    doc: One JSON document.
stdout: facts.json
