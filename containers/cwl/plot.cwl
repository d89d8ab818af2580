cwlVersion: v1.2
class: CommandLineTool
label: Draw one page about a product
doc: Sky map, zenith, quality, hits and time.
hints:
  DockerRequirement: {dockerImageId: convert.sif}
  ResourceRequirement: {coresMin: 1, ramMin: 1024}
baseCommand: [antares-legacy, plot]
arguments:
  - {prefix: --output, valueFrom: $(inputs.product.nameroot).png}
inputs:
  product:
    type: File
    doc: A level-3 product.
    inputBinding: {position: 1}
outputs:
  picture:
    type: File
    doc: The picture.
    outputBinding: {glob: $(inputs.product.nameroot).png}
