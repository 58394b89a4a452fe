"""The fit on a GPU: `engine` makes the trainer's steps there, on a `splatc.cuda.device.Device`; no torch is needed on the GPU."""
