"""What every other package uses: records, errors, settings, hashing and seeds, images."""
