"""Facts of the prompt tracked from call to call: kept, lost, restored, invented, and how long they survive."""
