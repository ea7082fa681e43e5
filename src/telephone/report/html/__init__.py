"""The HTML report: from tables to one self-contained page."""
