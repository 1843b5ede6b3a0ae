"""The cluster: its engine, images, nodes, identity, and what is applied to it."""
