"""The operations of the DALL-E family: each a function, pictures and a measure on scenes whose truth is exact."""
