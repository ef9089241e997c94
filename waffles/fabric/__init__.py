"""The fabric: which hosts reach which networks, with how many free addresses.

A *survey* asks Nova and Neutron for it, a *keeper* keeps what was found
fresh, *networks* and *pods* are the index of it, a *chooser* finds the network
for a server, and *spread* keeps many workers from all choosing the same one.
"""
