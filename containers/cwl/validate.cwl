cwlVersion: v1.2
class: CommandLineTool
label: Check products against the data model
doc: Fails when a product breaks the data model, or when a value differs from the original.
hints:
  DockerRequirement: {dockerImageId: io.sif}
  ResourceRequirement: {coresMin: 1, ramMin: 1024}
baseCommand: [antares-legacy, validate, --json]
inputs:
  products:
    type: File[]
    doc: Level-3 products.
    inputBinding: {position: 1}
  source:
    type: File?
    doc: The original of a single product; every value is compared.
    inputBinding: {prefix: --source}
outputs:
  report:
    type: stdout
    doc: What was checked, as JSON.
stdout: $(inputs.products[0].basename).validation.json
