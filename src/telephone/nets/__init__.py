"""The papers: one readable PyTorch file a paper, with the paper's names; imports nothing else of ours."""
