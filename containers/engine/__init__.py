"""What builds and starts images: Apptainer of the host, of a private tool root, or chroot emulation."""
