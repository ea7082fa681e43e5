"""What training recipes share: options, checkpoints, data, losses and evaluation."""
