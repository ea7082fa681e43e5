"""Libraries of pictures: indexed once, searched by words, by pictures, by colour and by properties."""
