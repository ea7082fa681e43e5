"""Facts of the prompt followed from call to call: kept, lost, restored, invented, and how long they survive."""
