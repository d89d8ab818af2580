"""`.i3` files: frames of IceTray and of ANTARES' SeaTray, read without either.

The layout of frames and objects was found by trying it on public files and by reading the public sources of IceTray
(icecube/icetray-public: icetray, serialization, dataclasses); ``docs/i3.md`` says what is verified on real bytes.
"""
